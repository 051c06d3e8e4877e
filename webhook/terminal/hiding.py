"""Leave credentials out of all messages and logs, those of libraries too.

A server may repeat a request in its answer, and a library may write the address or the headers of a
request into its log. So each credential that is used is remembered here.
"""

import logging
import traceback
from typing import Any, Final

_SHORTEST: Final = 6
"""Characters: shorter texts are in too many words."""
_HIDDEN: Final[set[str]] = set()


def hide(text: str) -> None:
    """Leave *text* out from now on."""
    if len(text) >= _SHORTEST:
        _HIDDEN.add(text)


def without_hidden(text: str) -> str:
    """Return *text* with an ellipsis in place of each hidden text."""
    for one in sorted(_HIDDEN, key=len, reverse=True):
        text = text.replace(one, "…")
    return text


def hide_in_logs() -> None:
    """Leave hidden texts out of the log records of all libraries."""
    made = logging.getLogRecordFactory()

    def record(*given: Any, **more: Any) -> logging.LogRecord:  # noqa: ANN401  # of any factory
        found = made(*given, **more)
        text = found.getMessage()
        if found.exc_info and found.exc_info[0]:
            text += "\n" + "".join(traceback.format_exception(*found.exc_info))
        found.msg, found.args, found.exc_info = without_hidden(text), (), None
        return found

    logging.setLogRecordFactory(record)
