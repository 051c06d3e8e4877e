"""Check credentials before they are used, so that no library refuses one and shows it.

They are written by hand: with a newline of `echo`, in the quotes of a shell, or with a character of
a word processor. No message here contains any of a credential.
"""

import os
from pathlib import Path

from webhook.loading.origins.origin import Unavailable
from webhook.terminal.hiding import hide


def credential(text: str, where: str, *, secret: bool = True) -> str:
    """Return *text*; Unavailable if a character of it is not one of printable ASCII.

    *where*: the file or variable that has it, for the message. If *text* is *secret*, no log shows
    it from now on.
    """
    if secret:
        hide(text)
    if len(lines := text.splitlines()) > 1:
        raise Unavailable(f"{where}: has {len(lines)} lines: a credential is one line")
    for number, character in enumerate(text, 1):
        if not character.isascii():
            raise Unavailable(
                f"{where}: character {number} is not ASCII, as in text that a word processor "
                "changed: write it again"
            )
        if not character.isprintable():
            raise Unavailable(f"{where}: character {number} is a control character: write it again")
    return text


def token(text: str, where: str) -> str:
    """Return *text* without white space around it; Unavailable if it can't be a token."""
    found = credential(text.strip(), where)
    if found[:1] in ('"', "'") and found[-1:] == found[:1]:
        raise Unavailable(f"{where}: is in quotation marks: write it without them")
    if " " in found:
        raise Unavailable(f"{where}: has a space: write only the token there")
    return found


def in_file(path: Path) -> str:
    """Return the credential in a file, on its only line; Unavailable if there is none."""
    try:
        text = path.read_bytes().decode(errors="replace")
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from error
    if not text.strip():
        raise Unavailable(f"{path}: is empty: a token must be in it")
    return credential(text.strip(), str(path))


def in_variable(name: str, *, secret: bool = True) -> str:
    """Return the credential in a variable, empty if there is none; Unavailable if it is wrong.

    It is not *secret* if it is an address, which may have a user and a password in it.

    The variable is set to what is returned, since libraries read it too.
    """
    text = os.environ.get(name, "")
    found = credential(text.strip(), name, secret=secret)
    if found != text:
        os.environ[name] = found
    return found
