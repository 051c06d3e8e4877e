"""Print lines, bytes and differences to a terminal or a pipe."""

import difflib
import sys
from typing import Final

from rich.console import Console
from rich.text import Text

from webhook.values.text import printable

_STYLES: Final = {"+": "green", "-": "red", "@": "cyan"}


def _console(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, soft_wrap=True, highlight=False)


def line(*parts: str | tuple[str, str], stderr: bool = False) -> None:
    """Print one line of texts and (text, style) pairs, without characters that move a cursor."""
    texts = [(printable(p), "") if isinstance(p, str) else (printable(p[0]), p[1]) for p in parts]
    _console(stderr=stderr).print(Text.assemble(*texts))


def write(content: bytes) -> None:
    """Write *content* to standard output as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)


def flush() -> None:
    """Flush standard output now, while a failure can still be reported."""
    sys.stdout.flush()
    sys.stdout.buffer.flush()


def note(text: str) -> None:
    """Print a remark on standard error."""
    line(f"modelcache: {text}", stderr=True)


def diff(title: str, before: bytes, after: bytes) -> None:
    """Print the lines that differ; in colour on a terminal."""
    lines = difflib.unified_diff(
        before.decode().splitlines(), after.decode().splitlines(),
        f"{title}, as written", f"{title}, as admitted", lineterm="",
    )  # fmt: skip
    for text in lines:
        style = "bold" if text.startswith(("+++ ", "--- ")) else _STYLES.get(text[:1], "")
        line((text, style))
