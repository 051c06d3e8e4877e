"""The site of the documents: `make docs` builds it, and a reader needs no other host."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.docs import site


class Page(HTMLParser):
    """What a page of the site loads, and its first heading."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.headings = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.headings += tag == "h1"
        self.anchors.add(found.get("id", ""))
        if tag in ("script", "img", "iframe") and "src" in found:
            self.loads.append(found["src"])
        elif tag == "link" and found.get("rel") not in ("prev", "next", "canonical"):
            self.loads.append(found["href"])
        elif tag == "a" and "href" in found:
            self.links.append(found["href"])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    folder = tmp_path_factory.mktemp("site")
    assert site.build(folder / "pages", folder / "html") == 0
    found = {path: Page(path.read_text()) for path in (folder / "html").rglob("*.html")}
    assert len(found) > 15
    return found


def test_every_page_has_one_heading(built: dict[Path, Page]) -> None:
    assert {path.name: page.headings for path, page in built.items() if page.headings != 1} == {}


def test_a_page_loads_nothing_from_another_host_and_nothing_that_is_absent(
    built: dict[Path, Page],
) -> None:
    for path, page in built.items():
        for address in page.loads:
            assert not re.match(r"\w+:|//", address), f"{path.name} loads {address}"
            root = path.parents[-1] if address.startswith("/") else path.parent
            assert (
                root / address.lstrip("/").partition("?")[0]
            ).exists() or path.name == "404.html"


def test_links_of_the_site_lead_to_its_pages(built: dict[Path, Page]) -> None:
    dead = []
    for path, page in built.items():
        if path.name == "404.html":  # served at any address, so its links begin at the root
            continue
        for link in page.links:
            if re.match(r"\w+:", link):
                continue
            address, _, anchor = link.partition("#")
            target = (path.parent / address).resolve() if address else path
            target = target / "index.html" if target.is_dir() else target
            on_page = built[target].anchors if target in built else set()
            if not target.exists() or (anchor and anchor not in on_page):
                dead.append(f"{path.name}: {link}")
    assert dead == []


@pytest.mark.parametrize(
    ("page", "link", "becomes"),
    [
        ("README.md", "docs/values.md", "values.md"),
        ("README.md", "benchmarks/README.md#the-image", "benchmarks/README.md#the-image"),
        ("docs/values.md", "security.md#permissions", "security.md#permissions"),
        ("docs/values.md", "../README.md", "index.md"),
        ("docs/values.md", "../benchmarks/README.md", "benchmarks/README.md"),
        ("docs/codes/MC001.md", "../annotations.md", "../annotations.md"),
        ("docs/codes/MC001.md", "../../examples/chat.yaml", "../examples/chat.yaml"),
        ("benchmarks/README.md", "startup/recorded.png", "startup/recorded.png"),
        ("benchmarks/README.md", "../docs/values.md", "../values.md"),
        ("docs/values.md", "https://www.mkdocs.org", "https://www.mkdocs.org"),
        ("docs/values.md", "#values", "#values"),
    ],
)
def test_a_link_leads_to_the_same_file_on_the_site(page: str, link: str, becomes: str) -> None:
    assert site.moved(page, f"a [b]({link}) c") == f"a [b]({becomes}) c"


def test_what_looks_like_a_link_in_a_block_of_code_stays() -> None:
    text = "[a](docs/values.md)\n```\n[a](docs/values.md)\n```\n"
    assert site.moved("README.md", text) == "[a](values.md)\n```\n[a](docs/values.md)\n```\n"
