"""Run the command of each folder below golden/, and compare its output with expected.txt.

The folder's name says what it shows; `command` is the command line. `--update` writes the expected
files anew; read the difference.
"""

import shlex
from pathlib import Path

import pytest

from tests.cli.command import modelcache

FOLDERS = sorted(path.parent for path in Path(__file__).parent.glob("golden/*/command"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_person_reads(folder: Path, update: bool) -> None:
    command = (folder / "command").read_text()
    ran = modelcache(*shlex.split(command), cwd=folder)
    found = f"$ modelcache {command}{ran.err}{ran.out}exit status {ran.status}\n"
    expected = folder / "expected.txt"
    if update:
        expected.write_text(found)
    assert found == expected.read_text()
