"""`modelcache copy` leaves the complete model of the manifest, or nothing that a server would use."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from tests.cli.command import ROOT, modelcache
from tests.store.models import BLOCK, COMMIT, manifest, publish, safetensors, sharded
from webhook.admission.memory import volume_size
from webhook.models.layout import MANIFEST, hub_cache_folder
from webhook.store.contents import size_of

WEIGHTS = "model.safetensors"


def contents(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(file.relative_to(directory)): file.read_bytes() for file in files}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def flip(path: Path, offset: int) -> None:
    """Change one bit, as a faulty disk may."""
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model of one file with many blocks, the last of them incomplete."""
    directory = tmp_path / "store"
    safetensors(directory / WEIGHTS, 20 * BLOCK + 12_345)
    (directory / "config.json").write_text("{}")
    manifest(directory)
    return directory


def test_one_file_of_many_blocks_has_the_digest_of_the_manifest(
    model: Path, tmp_path: Path
) -> None:
    ran = modelcache("copy", model, tmp_path / "memory")
    assert ran.status == 0, ran.err
    assert digest(tmp_path / "memory" / WEIGHTS) == digest(model / WEIGHTS)


@pytest.mark.parametrize("offset", [0, 10 * BLOCK, -1])
def test_a_changed_bit_is_refused_with_both_digests_and_nothing_is_left(
    model: Path, tmp_path: Path, offset: int
) -> None:
    weights, memory = model / WEIGHTS, tmp_path / "memory"
    right = digest(weights)
    flip(weights, offset % weights.stat().st_size)
    ran = modelcache("copy", model, memory)
    assert ran.status == 1
    assert ran.err == (
        f"modelcache: {weights}: has the sha256 {digest(weights)}, the manifest says {right}\n"
        f"modelcache: {model}: publish it anew: modelcache load --full hf://a/b@{COMMIT} STORE\n"
    )
    assert list(memory.iterdir()) == []


def test_a_published_model_is_compared_by_the_faster_digest(model: Path, tmp_path: Path) -> None:
    (tmp_path / "published").mkdir()
    ran = modelcache("load", f"file://{model}", tmp_path / "published")
    assert ran.status == 0, ran.err
    place = Path(ran.out.partition(": ")[0])
    (said,) = [
        file
        for file in json.loads((place / MANIFEST).read_bytes())["files"]
        if file["path"] == WEIGHTS
    ]
    content = (place / WEIGHTS).read_bytes()
    assert said["sha256"] == hashlib.sha256(content).hexdigest()
    assert said["blake3"] == blake3(content).hexdigest()
    assert modelcache("copy", place, tmp_path / "whole").status == 0
    flip(place / WEIGHTS, 10 * BLOCK)
    found = blake3((place / WEIGHTS).read_bytes()).hexdigest()
    ran = modelcache("copy", place, tmp_path / "memory")
    fault = f"{place / WEIGHTS}: has the blake3 {found}, the manifest says {said['blake3']}"
    remedy = f"{place}: publish it anew: modelcache load --full hf://a/b@{COMMIT} STORE"
    assert (ran.status, ran.err) == (1, f"modelcache: {fault}\nmodelcache: {remedy}\n")
    assert list((tmp_path / "memory").iterdir()) == []


def test_if_one_of_several_models_is_refused_none_is_left(model: Path, tmp_path: Path) -> None:
    other = sharded(tmp_path / "other")
    manifest(other)
    flip(model / "config.json", 0)
    ran = modelcache("copy", other, tmp_path / "1", model, tmp_path / "2")
    assert ran.status == 1
    assert f"modelcache: {model}/config.json: has the sha256 " in ran.err
    assert list((tmp_path / "1").iterdir()) == list((tmp_path / "2").iterdir()) == []


def test_an_empty_file_is_compared_too(model: Path, tmp_path: Path) -> None:
    (model / "config.json").write_bytes(b"")
    listed = json.loads((model / MANIFEST).read_text())
    listed["files"] = [{**file, "size": 0} if file["path"] == "config.json" else file
                       for file in listed["files"]]  # fmt: skip
    (model / MANIFEST).write_text(json.dumps(listed))
    ran = modelcache("copy", model, tmp_path / "memory")
    assert ran.status == 1
    assert f"{model}/config.json: has the sha256 e3b0c44298fc" in ran.err


def test_files_that_the_manifest_does_not_list_are_not_copied(model: Path, tmp_path: Path) -> None:
    (model / "README.md").write_text("x")
    os.mkfifo(model / "pipe")
    assert modelcache("copy", model, tmp_path / "memory").status == 0
    assert set(contents(tmp_path / "memory")) == {WEIGHTS, "config.json", MANIFEST}


def test_a_link_that_the_manifest_lists_arrives_as_the_file(model: Path, tmp_path: Path) -> None:
    (model / WEIGHTS).rename(model / "blob")
    (model / WEIGHTS).symlink_to("blob")
    assert modelcache("copy", model, tmp_path / "memory").status == 0
    copied = tmp_path / "memory" / WEIGHTS
    assert not copied.is_symlink()
    assert digest(copied) == digest(model / "blob")


def test_a_write_that_fails_names_the_file_and_leaves_nothing(model: Path, tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    done = subprocess.run(
        ["prlimit", "--fsize=5000000", sys.executable, "-m", "webhook", "copy", model, memory],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"modelcache: {memory}/.incoming-")
    assert done.stderr.endswith(f"/{WEIGHTS}: File too large\n")
    assert list(memory.iterdir()) == []


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 64 MiB, as an emptyDir of medium Memory is one."""
    folder = tmp_path / "memory"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def used(memory: Path) -> int:
    """Return the bytes that the files of a tmpfs take, as the kernel charges them."""
    space = os.statvfs(memory)
    return (space.f_blocks - space.f_bfree) * space.f_frsize


@pytest.mark.programs
def test_a_hub_cache_is_copied_and_takes_a_page_for_each_name_of_its_revision(
    tmp_path: Path, memory: Path
) -> None:
    model = publish(tmp_path / "store", "acme/tiny", 30 * BLOCK, ref="v1.0", hub_cache=True)
    assert modelcache("copy", model, memory).status == 0
    with_cache = used(memory)
    cache, folder = memory / hub_cache_folder("acme/tiny"), model / hub_cache_folder("acme/tiny")
    names = {path.name: path.read_text() for path in (cache / "refs").iterdir()}
    assert names == dict.fromkeys(("main", "v1.0", COMMIT), COMMIT)
    for link in (folder / "snapshots" / COMMIT).iterdir():
        assert (cache / "snapshots" / COMMIT / link.name).samefile(memory / link.name)
    shutil.rmtree(folder)
    assert modelcache("copy", model, memory).status == 0
    assert not cache.exists()
    assert with_cache == used(memory) + 3 * os.sysconf("SC_PAGE_SIZE")
    assert with_cache < volume_size(30 * BLOCK)


@pytest.mark.programs
def test_a_hub_cache_shares_its_bytes_in_memory_even_if_it_does_not_in_the_store(
    tmp_path: Path, memory: Path
) -> None:
    model = publish(tmp_path / "store", "acme/tiny", 30 * BLOCK, hub_cache=True)
    apart = tmp_path / "apart"
    shutil.copytree(model, apart, symlinks=True)  # as rsync without -H does
    assert size_of(apart) > 60 * BLOCK
    assert modelcache("copy", apart, memory).status == 0
    assert (memory / hub_cache_folder("acme/tiny") / "refs" / "main").exists()
    assert used(memory) < 31 * BLOCK


@pytest.mark.programs
def test_the_names_of_a_hub_cache_count_before_the_first_byte(tmp_path: Path, memory: Path) -> None:
    model = publish(tmp_path / "store", "acme/tiny", 3 * BLOCK, hub_cache=True)
    assert modelcache("copy", model, memory).status == 0
    whole = used(memory)
    subprocess.run(["umount", memory], check=True)
    size = f"size={whole - os.sysconf('SC_PAGE_SIZE')}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", memory], check=True)
    ran = modelcache("copy", model, memory)
    assert ran.status == 1
    assert f"the model needs {whole} bytes, and {whole - 4096} are free" in ran.err


def test_a_hub_cache_alone_is_copied_with_its_links(tmp_path: Path) -> None:
    model = publish(tmp_path / "store", "acme/tiny", 3 * BLOCK, hub_cache=True)
    cache, memory = model / hub_cache_folder("acme/tiny"), tmp_path / "memory"
    ran = modelcache("copy", cache, memory)
    assert ran.status == 0, ran.err
    assert contents(memory) == contents(cache)
    snapshot = memory / "snapshots" / COMMIT
    for link in (cache / "snapshots" / COMMIT).iterdir():
        assert (snapshot / link.name).readlink() == link.readlink()
        assert (snapshot / link.name).read_bytes() == link.read_bytes()
    assert (memory / "refs" / "main").read_text() == COMMIT


def test_every_fault_of_a_manifest_is_reported_before_the_first_byte(
    model: Path, tmp_path: Path
) -> None:
    listed = json.loads((model / MANIFEST).read_text())
    config = next(file for file in listed["files"] if file["path"] == "config.json")
    outside = {"path": "../secret", "size": 1}
    listed["files"] += [outside, {"path": "gone.json", "size": 1}, config, {**config, "size": 3}]
    listed["files"].append({"path": "secret", "size": 1})
    (tmp_path / "secret").write_text("x")
    (model / "secret").symlink_to(tmp_path / "secret")
    (model / MANIFEST).write_text(json.dumps(listed))
    ran = modelcache("copy", model, tmp_path / "memory")
    assert ran.status == 1
    assert ran.err.splitlines() == [
        f"modelcache: {model}/{MANIFEST}: '../secret' is outside the model",
        f"modelcache: {model}: gone.json: is missing, and {MANIFEST} lists it",
        f"modelcache: {model}: config.json: has 2 bytes, the manifest says 3",
        f"modelcache: {model}/secret: is a link that leads out of the model",
        f"modelcache: {model}/{MANIFEST}: lists config.json twice",
        f"modelcache: {model}: publish it anew: modelcache load hf://a/b@{COMMIT} STORE",
    ]
    assert not (tmp_path / "memory").exists()


def test_faults_of_several_models_are_reported_together(model: Path, tmp_path: Path) -> None:
    (model / "config.json").unlink()
    ran = modelcache("copy", model, tmp_path / "1", tmp_path / "none", tmp_path / "2")
    assert ran.status == 1
    assert f"{model}: config.json: is missing" in ran.err
    assert f"{tmp_path}/none: is not a directory" in ran.err


def test_a_manifest_that_can_not_be_read_is_named(model: Path, tmp_path: Path) -> None:
    (model / MANIFEST).write_text('{"files": 1}')
    ran = modelcache("copy", model, tmp_path / "memory")
    assert ran.status == 1
    assert f"modelcache: {model}/{MANIFEST}: can't be read: Expected `array`" in ran.err


def interrupted(
    model: Path, memory: Path, event: str, moment: int, number: int = signal.SIGKILL
) -> int:
    """Copy, and get a signal before an event; return how the command ended."""
    arguments = [event, memory, moment, int(number), "copy", model, memory]
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.interrupted", *map(str, arguments)], cwd=ROOT,
        capture_output=True, check=False, timeout=60, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return done.returncode


def test_killed_at_any_moment_it_leaves_no_part_that_looks_whole(tmp_path: Path) -> None:
    model, memory = sharded(tmp_path / "store", 3, 9 * BLOCK), tmp_path / "memory"
    safetensors(model / "adapter" / "adapter_model.safetensors", 100_000)
    manifest(model)
    files, entries = len(contents(model)), len(list(model.iterdir()))
    # Each file is opened at least twice: when it is created, and by a reader.
    moments = [("open", n) for n in random.Random(5).sample(range(1, 2 * files + 1), 4)]
    moments += [("os.rename", n) for n in range(1, entries + 1)]
    # The next copy removes what the last one left, all except the manifest.
    moments += [("os.remove", n) for n in (1, 2, 3)]
    for event, number in moments:
        assert interrupted(model, memory, event, number) == -signal.SIGKILL
        if (memory / "config.json").exists():
            assert set(contents(memory)) >= set(contents(model)) - {MANIFEST}
        if (memory / MANIFEST).exists():
            assert contents(memory) == contents(model)
    assert modelcache("copy", model, memory).status == 0
    assert contents(memory) == contents(model)


def test_killed_at_any_rename_a_hub_cache_names_only_files_that_exist(tmp_path: Path) -> None:
    model = publish(tmp_path / "store", "acme/tiny", 3 * BLOCK, hub_cache=True)
    cache, memory = model / hub_cache_folder("acme/tiny"), tmp_path / "memory"
    for moment in range(1, 4):
        assert interrupted(cache, memory, "os.rename", moment) == -signal.SIGKILL
        assert all(link.exists() for link in memory.glob("snapshots/*/*"))
        if (memory / "refs").exists():
            assert contents(memory) == contents(cache)
    assert modelcache("copy", cache, memory).status == 0
    assert contents(memory) == contents(cache)


def test_sigterm_ends_it_at_once(model: Path, tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    assert interrupted(model, memory, "os.rename", 2, signal.SIGTERM) == 128 + signal.SIGTERM
    assert not (memory / MANIFEST).exists()


def peak(model: Path, memory: Path) -> int:
    """Return the most memory that a copy held, in bytes."""
    copying = subprocess.Popen([sys.executable, "-m", "webhook", "copy", model, memory],
                               cwd=ROOT, stderr=subprocess.DEVNULL)  # fmt: skip
    _, status, used = os.wait4(copying.pid, 0)
    copying.returncode = os.waitstatus_to_exitcode(status)
    assert copying.returncode == 0
    return used.ru_maxrss * 1024


def test_the_memory_of_a_copy_does_not_grow_with_the_model(tmp_path: Path) -> None:
    small, large = sharded(tmp_path / "small"), sharded(tmp_path / "large", 2, 96 * BLOCK)
    for model in (small, large):
        manifest(model)
    grown = peak(large, tmp_path / "memory") - peak(small, tmp_path / "memory")
    assert grown < 24 * BLOCK, "8 readers with 1 MiB each, and their threads"
