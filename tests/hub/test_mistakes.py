"""Calls that the Hub refuses, and the messages."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.control import Committed
from tests.hub.repositories import Blob
from tests.hub.running import ROOT, Fault, Hub

REPO = "acme/tiny"


@pytest.mark.parametrize(
    ("repo", "files", "ref", "said"),
    [
        (REPO, {"../a": b""}, "main", "'../a' is not a path below a repository"),
        (REPO, {"/a": b""}, "main", "'/a' is not a path below a repository"),
        (REPO, {"a": b"", "a/b": b""}, "main", "'a/b' is below a file: a"),
        ("a/b/c", {}, "main", "'a/b/c' is not the name of a repository"),
        ("_hub/a", {}, "main", "'_hub/a' is not the name of a repository"),
        (REPO, {}, "0" * 40, "is not the name of a branch"),
    ],
)
def test_a_commit_that_no_repository_can_have_is_refused(
    hub: Hub, repo: str, files: dict[str, bytes | Path], ref: str, said: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        hub.commit(repo, files, ref=ref)


def test_a_malformed_fault_is_refused() -> None:
    for words, said in (
        ({}, "this has none"),
        ({"status": 503, "rate": 5}, "this has ['status', 'rate']"),
        ({"status": 200}, "status 200 is not an error"),
        ({"etag": "x", "headers": {"a": "b"}}, "headers need a status"),
        ({"stall_after": 1, "seconds": 61}, "the longest stall is 60 s"),
        ({"before_headers_seconds": 61}, "the longest stall is 60 s"),
        ({"rate": 0.5}, "is a stall: 1 or more"),
        ({"status": 503, "times": 0}, "0 times is never"),
    ):
        with pytest.raises(ValueError, match=re.escape(said)):
            Fault(**words)


def test_a_missing_repository_cannot_be_closed(hub: Hub) -> None:
    with pytest.raises(ValueError, match="there is no repository acme/none: commit to it first"):
        hub.private("acme/none", token="hf_x")


def test_a_blob_that_is_not_a_sha256_is_not_committed(hub: Hub) -> None:
    blob = Blob("../../secret", 1, "0" * 40)
    with pytest.raises(ValueError, match=r"'\.\./\.\./secret' is not a blob that was uploaded"):
        hub._call("commit", Committed(REPO, {"config.json": blob}, "main"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--folder", "/proc/none"), "/proc/none on 127.0.0.1:0: [Errno 2]"),
        (("--address", "203.0.113.1"), "on 203.0.113.1:0: [Errno 99]"),
        (("--port", "99999"), "on 127.0.0.1:99999: "),
    ],
)
def test_a_failed_start_is_reported(tmp_path: Path, options: tuple[str, str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.hub", "--folder", tmp_path / "hub", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
