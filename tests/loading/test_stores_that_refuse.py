"""A store that is full, small, read-only or another user's: a refusal with numbers, no damage."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import ROOT
from tests.store.models import sharded
from webhook.models.layout import INCOMING

SIZE = 40_000_000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sharded(tmp_path_factory.mktemp("source") / "m", 4, SIZE)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "store"
    path.mkdir()
    yield path
    subprocess.run(["umount", path], check=False, capture_output=True)


def mounted(store: Path, *options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", store], check=True)


def load(source: Path, store: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Load; *words* may start it as another user, or with a shell's limits."""
    command = [*words, sys.executable, "-m", "webhook", "load", f"file://{source}", str(store)]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


def left(store: Path) -> list[Path]:
    return [path for path in store.rglob("*") if path.is_file() and path.name != "writer.json"]


@pytest.mark.programs
def test_a_model_that_does_not_fit_is_refused_before_its_first_byte(
    source: Path, store: Path
) -> None:
    mounted(store, "size=32m")
    done = load(source, store)
    assert done.returncode == 1
    size = sum(path.stat().st_size for path in source.iterdir())
    assert f"needs {size} bytes more (39Mi) and 33550336 are free (32Mi)" in done.stderr
    assert left(store) == []


@pytest.mark.programs
def test_a_published_model_needs_no_room(source: Path, store: Path) -> None:
    mounted(store, "size=64m")
    assert load(source, store).returncode == 0
    assert load(source, store).returncode == 0


@pytest.mark.programs
def test_a_store_that_fills_up_meanwhile_keeps_its_other_models(source: Path, store: Path) -> None:
    mounted(store, "size=96m")
    other = sharded(source.parent / "other", 1, 1_000_000)
    done = load(other, store)
    assert done.returncode == 0
    place = Path(done.stdout.partition(": ")[0])
    # statvfs shows room. Writes are limited in another way, as by a quota of the user.
    done = load(source, store, "prlimit", "--fsize=5000000")
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert f"{store}/{INCOMING}/" in done.stderr
    verified = subprocess.run(
        [sys.executable, "-m", "webhook", "verify", "--full", place], cwd=ROOT, check=False
    )
    assert verified.returncode == 0
    assert len(list(store.glob("*/main"))) == 1
    assert load(source, store).returncode == 0, "what was there is used"
    assert len(list(store.glob("*/main"))) == 2


@pytest.mark.programs
def test_a_read_only_store_is_named(source: Path, store: Path) -> None:
    mounted(store, "size=64m")
    subprocess.run(["mount", "-o", "remount,ro", store], check=True)
    done = load(source, store)
    assert done.returncode == 1
    assert f"{store}: is read-only here: mount it without readOnly" in done.stderr


@pytest.mark.programs
def test_a_store_of_another_user_is_named_with_owner_and_remedy(source: Path, store: Path) -> None:
    mounted(store, "size=64m", "mode=0755", "uid=0", "gid=0")
    who = ("setpriv", "--reuid=65532", "--regid=65532", "--clear-groups")
    for folder in (*source.parents, *store.parents):
        folder.chmod(folder.stat().st_mode | 0o055)  # pytest makes its directories private
    done = load(source, store, *who)
    assert done.returncode == 1
    assert f"{store}: belongs to 0:0 with mode 0755, and this process (user 65532" in done.stderr
    assert "chown 65532:65532" in done.stderr


def test_a_missing_store_is_named(source: Path, tmp_path: Path) -> None:
    done = load(source, tmp_path / "none")
    assert done.returncode == 1
    assert f"{tmp_path}/none: is not a directory: is the claim" in done.stderr
