"""The documents of several files as one YAML stream."""

from collections.abc import Sequence

from webhook.offline import terminal
from webhook.offline.judged import Judged


def write_stream(found: Sequence[Judged], texts: Sequence[bytes]) -> None:
    """Write *texts*, one for each of *found*, with their authors' separators."""
    source, last = None, b""
    for each, text in zip(found, texts, strict=True):
        if each.dropped:
            continue
        separator = each.document.separator
        if last and each.document.source != source:
            # Files are documents of their own, also where no line says so.
            if separator.startswith(b"%"):
                separator = b"...\n" + separator
            elif not separator.startswith(b"---"):
                separator = b"---\n"
        if last and separator and not last.endswith(b"\n"):
            terminal.write(b"\n")
        terminal.write(separator + text)
        source, last = each.document.source, separator + text or last
