"""Open every page of the site in headless Chromium: `python -m tests.docs.browser`.

`make docs-check` runs this. A page fails if it logs an error, throws, gets an answer that is not
200, requests anything from another host, shows no heading, or shows a picture without pixels. At
the end the search must find a code of a refusal. Screenshots are in .site/screenshots.
"""

import base64
import functools
import http.server
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import websocket

from tests.docs.site import HTML, build

SECONDS: Final = 60
SHOTS: Final = HTML.with_name("screenshots")
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-debugging-port=0", "--remote-allow-origins=*", "--window-size=1300,1000",
)  # fmt: skip
SHOWN: Final = """
JSON.stringify({
  heading: document.querySelector("h1")?.innerText ?? "",
  blank: [...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src),
})"""
FOUND: Final = 'document.querySelector(".md-search-result__list")?.innerText ?? ""'


class Tab:
    """A page of the browser, by the Chrome DevTools Protocol."""

    def __init__(self, url: str) -> None:
        self._socket = websocket.create_connection(url, timeout=SECONDS)
        self._sent = 0
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def do(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command and return its result; events that come meanwhile are kept."""
        self._sent += 1
        self._socket.send(json.dumps({"id": self._sent, "method": method, "params": parameters}))
        while (message := json.loads(self._socket.recv())).get("id") != self._sent:
            self.events.append(message)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']}")
        result: dict[str, Any] = message["result"]
        return result

    def value(self, expression: str) -> str:
        """Return the text that an expression of JavaScript has in the page."""
        result = self.do("Runtime.evaluate", expression=expression, awaitPromise=True)
        return str(result["result"].get("value"))

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Return as soon as *holds* does."""
        end = time.monotonic() + SECONDS
        while not holds():
            if time.monotonic() > end:
                raise TimeoutError(f"{what}: not within {SECONDS} s")
            time.sleep(0.05)

    def open(self, url: str) -> list[str]:
        """Open a page; return what is wrong with it."""
        self.events.clear()
        self.do("Page.navigate", url=url)
        self.until(lambda: self.value("document.readyState + location") == f"complete{url}", url)
        time.sleep(0.2)  # for scripts that run when the page is complete
        shown = json.loads(self.value(SHOWN))
        wrong = [] if shown["heading"].strip() else ["shows no heading"]
        wrong += [f"shows nothing of {picture}" for picture in shown["blank"]]
        return wrong + [text for event in self.events for text in _faults(event)]


def _faults(event: dict[str, Any]) -> Iterator[str]:
    parameters = event.get("params", {})
    match event.get("method"):
        case "Runtime.exceptionThrown":
            yield f"throws {parameters['exceptionDetails'].get('text')}"
        case "Runtime.consoleAPICalled" if parameters["type"] in ("error", "warning", "assert"):
            yield f"logs {parameters['args']}"
        case "Log.entryAdded" if parameters["entry"]["level"] == "error":
            yield f"logs {parameters['entry']['text']} ({parameters['entry'].get('url')})"
        case "Network.requestWillBeSent":
            url = parameters["request"]["url"]
            if not url.startswith(("http://127.0.0.1:", "data:", "blob:")):
                yield f"requests {url}"
        case "Network.responseReceived" if parameters["response"]["status"] not in (200, 304):
            yield f"got {parameters['response']['status']} for {parameters['response']['url']}"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing: the browser reports what it did not get."""


@contextmanager
def served() -> Iterator[str]:
    """Serve the site on a free port of this machine; yield its URL."""
    to = functools.partial(_Quiet, directory=str(HTML))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), to) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@contextmanager
def tab() -> Iterator[Tab]:
    """Start a browser with an empty profile; yield its page, and end it."""
    [program, *_] = [*filter(None, map(shutil.which, BROWSERS)), ""]
    if not program:
        raise FileNotFoundError(f"needs one of {', '.join(BROWSERS)}: apt-get install chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert process.stderr
            port = next(
                line.split(":")[-1].split("/")[0]
                for line in process.stderr
                if line.startswith("DevTools listening on")
            )
            threading.Thread(target=process.stderr.read, daemon=True).start()
            page = Tab(_page(port))
            for domain in ("Page", "Runtime", "Log", "Network"):
                page.do(f"{domain}.enable")
            yield page
            page.close()
        finally:
            process.terminate()
            process.wait()


def _page(port: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
        pages = [found for found in json.load(answer) if found["type"] == "page"]
    return str(pages[0]["webSocketDebuggerUrl"])


def photograph(page: Tab, path: Path) -> None:
    """Write a picture of the whole page."""
    size = page.do("Page.getLayoutMetrics")["cssContentSize"]
    clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000), "scale": 1}
    shot = page.do("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base64.b64decode(shot["data"]))


def search(page: Tab, url: str, words: str, answer: str) -> None:
    """Type *words* into the search of the site, and wait until *answer* is found."""
    page.open(f"{url}/index.html")
    page.value('document.querySelector("[data-md-toggle=search]").click()')
    page.value('document.querySelector(".md-search__input").focus()')
    page.do("Input.insertText", text=words)
    page.until(lambda: answer in page.value(FOUND), f"the search for {words!r} finds {answer!r}")


def main() -> int:
    """Build the site and open its pages; return the exit status."""
    if status := build():
        return status
    faults = 0
    try:
        with served() as url, tab() as page:
            for file in sorted(HTML.rglob("*.html")):
                name = str(file.relative_to(HTML))
                for fault in page.open(f"{url}/{name}"):
                    print(f"{name}: {fault}")
                    faults += 1
                photograph(page, (SHOTS / name).with_suffix(".png"))
            search(page, url, "MC005", "MC005")
            photograph(page, SHOTS / "search.png")
    except (OSError, RuntimeError) as error:
        print(f"docs-check: {error}", file=sys.stderr)
        return 1
    print(f"{faults} faults; screenshots are in {SHOTS}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
