"""Read the rows of docs/requirements.md: what modelcache must do, by number."""

import re
from collections.abc import Mapping
from typing import Final

from tests.docs.manual import DOCS

ROW: Final = re.compile(
    r"^\| ((?:P[012] \d+[a-d]?)|(?:[cT]\d+)) \| (.+?) \|(?: (.+) \|)?$", re.MULTILINE
)


def rows() -> Mapping[str, str]:
    """Return row → why it has no test, or nothing if it must have one."""
    found = ROW.findall((DOCS / "requirements.md").read_text())
    numbers = [number for number, _, _ in found]
    assert len(numbers) == len(set(numbers)), "a row has two places"
    return {number: why for number, _, why in found}
