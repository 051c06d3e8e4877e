"""Build the site of the documents: `python -m tests.docs.site`, which `make docs` runs.

The pages are written for a forge, where README.md comes first, and a page of docs/ may link to any
file of the repository. On the site README.md is index.md, a page of docs/ has its place there, and
every other file that a page links to is added under its path in the repository. So the pages are
copied to .site/pages with their links rewritten, and MkDocs makes .site/html of them.
"""

import os
import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = ROOT / ".site" / "pages"
HTML: Final = ROOT / ".site" / "html"
FIRST: Final = ("README.md", "CHANGELOG.md", "docs/site.css")
"""Files that no page links to, and the first page; all others are linked from these."""
LINK: Final = re.compile(r"(\]\()([^)\s#:]+)((?:#[^)\s]*)?\))")
"""A link or a picture that is a file: what is before it, its path, its anchor."""
FENCE: Final = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def place(path: str) -> str:
    """Return where the site has a file of the repository."""
    return "index.md" if path == "README.md" else path.removeprefix("docs/")


def target(path: str, link: str) -> str:
    """Return the file of the repository that *link* in the page *path* leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), link))


def linked(path: str, text: str) -> set[str]:
    """Return the files of the repository that a page links to."""
    return {target(path, link) for _, link, _ in LINK.findall(FENCE.sub("", text))}


def moved(path: str, text: str) -> str:
    """Return the text of a page with its links as the site needs them."""

    def rewritten(match: re.Match[str]) -> str:
        before, link, after = match.groups()
        here = posixpath.dirname(place(path)) or "."
        return f"{before}{posixpath.relpath(place(target(path, link)), here)}{after}"

    parts = FENCE.split(text)
    parts[::2] = [LINK.sub(rewritten, part) for part in parts[::2]]
    return "".join(parts)


def stage(into: Path = PAGES) -> None:
    """Copy every page that can be reached, and every file that one of them links to."""
    shutil.rmtree(into, ignore_errors=True)
    seen, todo = set[str](), list(FIRST)
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        copy = into / place(path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith(".md"):
            text = (ROOT / path).read_text()
            copy.write_text(moved(path, text))
            todo += linked(path, text)
        else:
            shutil.copyfile(ROOT / path, copy)


def build(pages: Path = PAGES, html: Path = HTML) -> int:
    """Stage the pages and run MkDocs, which fails at a warning; return its exit status."""
    stage(pages)
    # Without this, the theme prints that it ends in May 2027. Its successor, Zensical, is an alpha
    # release as yet; it builds the same pages with the same mkdocs.yml.
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "DOCS_PAGES": str(pages)}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(html)]
    return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode


def main() -> int:
    """Build the site, and say where it is; return the exit status."""
    status = build()
    if not status:
        print(f"{HTML / 'index.html'}: python -m http.server -d {HTML.relative_to(ROOT)} serves it")
    return status


if __name__ == "__main__":
    sys.exit(main())
