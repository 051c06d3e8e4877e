"""Runs the command of each folder below golden/, and holds what it prints against expected.txt.

A folder's name says what it shows; `command` is what a person typed there.
Write the expected files anew with --update, and read the difference.
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
