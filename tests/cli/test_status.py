"""`modelcache status` of a store: models, running loaders, free space."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import ROOT, as_another_user, modelcache
from tests.forking.process import Forked
from tests.hub.running import Fault, hub_server
from tests.loading.loading import Loader, loader
from tests.store.models import sharded
from tests.store.stores import aged, loaded
from webhook.models.layout import INCOMING
from webhook.store.contents import size_of

FIRST, SECOND = "1" * 40, "2" * 40


def status(store: Path) -> dict[str, Any]:
    ran = modelcache("status", store, "-o", "json")
    assert (ran.status, ran.err) == (0, ""), ran
    found: dict[str, Any] = json.loads(ran.out)
    return found


def models(store: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = status(store)["models"]
    return found


def test_a_model_is_shown_with_its_names_files_and_bytes(tmp_path: Path) -> None:
    store = tmp_path / "store"
    place = loaded(store, commit=FIRST, size=5000)
    aged(loaded(store, commit=SECOND, ref="v1"), days=9, used=3)
    second, first = models(store)  # the older one first
    assert first.pop("lastUsed") == place.with_name(f".{FIRST}.used").stat().st_mtime
    listed = json.loads((place / ".modelcache.json").read_bytes())["files"]
    manifest = (place / ".modelcache.json").stat().st_size
    assert first == {
        "model": "acme/tiny", "commit": FIRST, "state": "complete", "refs": ["main"],
        "files": len(listed), "hubCache": True,
        "bytes": sum(file["size"] for file in listed) + manifest + 2 * len(FIRST),
        "faults": [], "host": None, "total": None, "percent": None, "rate": None,
        "silentSeconds": None,
    }  # fmt: skip
    assert second["refs"] == ["v1"]
    found = status(store)
    space = os.statvfs(store)
    assert found["capacity"] == space.f_blocks * space.f_frsize
    assert 0 < found["free"] < found["capacity"]


def test_an_incomplete_model_is_shown_with_its_faults(tmp_path: Path) -> None:
    store = tmp_path / "store"
    place = loaded(store, commit=FIRST)
    os.truncate(place / "model-00001-of-00002.safetensors", 10)
    (store / "acme--tiny" / SECOND).mkdir()
    (store / "acme--tiny" / SECOND / "config.json").write_text("{}")
    (store / "by-hand" / "8b").mkdir(parents=True)
    one, other = models(store)
    assert [one["state"], other["state"]] == ["incomplete", "incomplete"]
    assert "has 10 bytes, the manifest says" in one["faults"][0]
    assert other["faults"] == ["has no manifest: no loader has published it"]
    out = modelcache("status", store).out
    assert f"acme/tiny {FIRST[:8]}: model-00001-of-00002.safetensors: has 10 bytes" in out


def test_people_read_a_table(tmp_path: Path) -> None:
    store = tmp_path / "store"
    aged(loaded(store, commit=FIRST), days=9, used=3)
    head, row, room = modelcache("status", store).out.splitlines()
    assert head.split() == [
        "STATE", "MODEL", "COMMIT", "REF", "FILES", "SIZE", "CACHE", "USED", "PROGRESS",
    ]  # fmt: skip
    assert row.split() == ["complete", "acme/tiny", FIRST[:8], "main", "4", "1.9Ki", "yes", "3d"]
    assert re.fullmatch(rf"{store}: [\d.]+[KMGT]i of [\d.]+[KMGT]i are free", room)


def test_a_model_without_a_hugging_face_cache_is_shown_as_such(tmp_path: Path) -> None:
    store = tmp_path / "store"
    place = loaded(store, commit=FIRST)
    shutil.rmtree(place / "models--acme--tiny")
    (loaded(store, commit=SECOND) / "models--acme--tiny" / "refs" / "main").unlink()
    loaded(store, repository="acme/other", commit="3" * 40)
    ran = modelcache("load", f"file://{sharded(tmp_path / 'by-hand')}", store)
    assert ran.status == 0, ran.err
    found = {one["commit"]: one["hubCache"] for one in models(store)}
    del found[Path(ran.out.partition(":")[0]).name]
    assert found == {FIRST: False, SECOND: False, "3" * 40: True}
    assert None in {one["hubCache"] for one in models(store)}
    out = modelcache("status", store).out
    assert f"{store}: 2 models without a Hugging Face cache: " in out


@contextmanager
def stalled(loading: Loader) -> Iterator[subprocess.Popen[bytes]]:
    """Hold a loader at work; some bytes have arrived in its store."""
    process = Forked(
        loading.command("--parallel", "1"), cwd=ROOT, env=loading.environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while size_of(loading.store / INCOMING) < 50_000:
            assert process.poll() is None
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def loading(tmp_path: Path) -> Iterator[Loader]:
    with hub_server(tmp_path / "hub") as hub:
        yield loader(hub, tmp_path, 3, 4_000_000)


def test_a_working_loader_is_shown_with_its_progress(loading: Loader) -> None:
    loading.hub.fault(Fault(paths="*.safetensors", rate=200_000))
    with stalled(loading):
        (one,) = models(loading.store)
    written = [folder for folder in (loading.store / INCOMING).iterdir() if folder.is_dir()]
    assert (one["model"], one["commit"], one["state"]) == ("acme/tiny", loading.commit, "loading")
    assert (one["host"], one["total"]) == (socket.gethostname(), loading.size)
    assert 0 < one["bytes"] <= size_of(written[0])
    assert one["percent"] == one["bytes"] * 100 // loading.size
    assert 0 < one["rate"] < 10 * 200_000
    assert 0 <= one["silentSeconds"] < 30


def test_waiting_and_ended_loaders_are_distinguished(loading: Loader) -> None:
    loading.hub.fault(Fault(paths="*.safetensors", stall_after=100_000, seconds=60))
    with stalled(loading) as first:
        with Forked(
            loading.command(), cwd=ROOT, env=loading.environment(), stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True,
        ) as second:  # fmt: skip
            assert second.stderr
            assert "is loading it; waiting" in second.stderr.readline()
            assert [one["state"] for one in sorted(models(loading.store), key=lambda o: -o["bytes"])] == [
                "loading", "waiting",
            ]  # fmt: skip
            second.send_signal(signal.SIGKILL)
        first.kill()
        first.wait()
    left = models(loading.store)
    assert {(one["state"], one["rate"]) for one in left} == {("left", None)}
    assert max(one["bytes"] for one in left) >= 100_000
    out = modelcache("status", loading.store).out
    assert f"{socket.gethostname()}" in out
    assert "seen" not in out


def test_an_empty_store_has_free_space(tmp_path: Path) -> None:
    assert models(tmp_path) == []
    assert "are free" in modelcache("status", tmp_path).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["/nowhere"], "/nowhere: is not a directory: is the claim or the cache mounted?"),
        (["/", "--context", "c"], "--kubeconfig, --context: have no effect with a STORE"),
    ],
)
def test_a_mistake_is_reported_in_one_line(words: list[str], said: str) -> None:
    ran = modelcache("status", *words)
    assert (ran.status, ran.out, ran.err) == (2, "", f"modelcache: {said}\n")


@pytest.mark.parametrize(
    ("closed", "commits", "path"),
    [(f"acme--tiny/{FIRST}", {FIRST, SECOND}, f"acme--tiny/{FIRST}"), ("acme--tiny", {"*"}, "acme--tiny")],
)  # fmt: skip
def test_one_model_that_can_not_be_read_hides_no_other(
    tmp_path: Path, closed: str, commits: set[str], path: str
) -> None:
    store = tmp_path / "store"
    loaded(store, commit=FIRST)
    loaded(store, commit=SECOND, ref="v1")
    loaded(store, "acme/other", commit=FIRST)
    (store / "lost+found").mkdir(mode=0)
    (store / closed).chmod(0)
    try:
        ran = as_another_user("status", store, "-o", "json")
    finally:
        (store / closed).chmod(0o755)
    assert ran.returncode == 0, ran.stderr
    rows = json.loads(ran.stdout)["models"]
    found = {row["commit"]: row for row in rows if row["model"] == "acme/tiny"}
    assert found.keys() == commits
    bad = found.get(FIRST) or found["*"]
    assert (bad["state"], bad["faults"]) == ("unreadable", [f"{store}/{path}: Permission denied"])
    assert [r["state"] for r in rows if r["model"] == "acme/other"] == ["complete"]
    assert len(rows) == len(commits) + 1


def test_a_file_that_can_not_be_read_is_a_fault_of_its_model(tmp_path: Path) -> None:
    place = loaded(tmp_path / "store")
    (shard, *_) = place.glob("*.safetensors")
    shard.chmod(0)
    ran = as_another_user("status", tmp_path / "store", "-o", "json")
    (row,) = json.loads(ran.stdout)["models"]
    assert row["faults"][0] == f"{shard.name}: Permission denied"
