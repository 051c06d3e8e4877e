"""`modelcache load` with a slow name server, and with a token that expires during the download."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.command import ROOT
from tests.hub.fault import Fault
from tests.loading.loading import Loader
from tests.loading.name_server import NAME, name_server

TOKEN = "hf_UntilNoonOnly"


def load(loading: Loader, words: list[str], *flags: str) -> subprocess.CompletedProcess[str]:
    """Load from the Hub by its name."""
    port = loading.hub.url.rpartition(":")[2]
    environment = loading.environment(HF_ENDPOINT=f"http://{NAME}:{port}")
    return subprocess.run(
        [*words, *loading.command(*flags)],
        capture_output=True, text=True, check=False, cwd=ROOT, env=environment, timeout=90,
    )  # fmt: skip


def arrived(loading: Loader) -> int:
    """Return how many bytes of files the Hub has sent, without errors."""
    every = (one for one in loading.hub.requests() if not one.path.startswith("/api/"))
    return sum(one.sent for one in every if one.code in (200, 206))


@pytest.mark.programs
def test_a_name_server_that_is_slow_is_waited_for(loading: Loader, tmp_path: Path) -> None:
    with name_server(tmp_path, 2, patience=5) as words:
        done = load(loading, words)
    assert done.returncode == 0, done.stderr
    loading.see_whole()


@pytest.mark.programs
def test_a_name_server_that_is_silent_is_reported_within_the_deadline(
    loading: Loader, tmp_path: Path
) -> None:
    with name_server(tmp_path, None, patience=1) as words:
        done = load(loading, words, "--deadline=6s")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "name resolution" in last
    assert last.endswith(": the deadline has passed (--deadline)")
    assert "Traceback" not in done.stderr
    assert loading.hub.requests() == []


def test_a_token_that_expires_meanwhile_is_reported_and_the_bytes_so_far_are_kept(
    loading: Loader, tmp_path: Path
) -> None:
    loading.hub.private("acme/tiny", TOKEN)
    (tmp_path / "token").write_text(TOKEN)
    flag = f"--token-file={tmp_path / 'token'}"
    last = Fault(paths="model-00003*", where="resolve", methods=("HEAD", "GET"), status=401)
    loading.hub.fault(last)
    done = loading.run(flag, "--parallel=1")
    assert done.returncode == 1
    assert "hf://acme/tiny@main: " in done.stderr
    assert "with this token" in done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert not loading.place.exists()
    loading.hub.heal()
    assert arrived(loading) > 0
    assert loading.run(flag).returncode == 0
    loading.see_whole()
    assert arrived(loading) - loading.size < 1000  # no shard came twice
