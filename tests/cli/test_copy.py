"""`modelcache copy`, the loader of strategy emptyDir: what it leaves in memory."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.command import ROOT, modelcache
from tests.store.models import manifest, safetensors, sharded


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(directory)): file.read_bytes()
        for file in directory.rglob("*")
        if file.is_file()
    }


@pytest.fixture
def small_memory(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 1Mi, like an emptyDir of medium Memory."""
    place = tmp_path / "memory"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "modelcache-test", str(place)]
    subprocess.run(mount, capture_output=True, check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_every_file_arrives(tmp_path: Path) -> None:
    model = sharded(tmp_path / "store")
    safetensors(model / "adapter" / "adapter_model.safetensors", 100_000)
    manifest(model)
    ran = modelcache("copy", model, tmp_path / "memory")
    assert ran.status == 0, ran.err
    assert contents(tmp_path / "memory") == contents(model)
    total = sum(len(content) for content in contents(model).values())
    assert f"modelcache: {model}: {total} bytes in " in ran.err


def test_several_models_are_copied_each_to_its_own_place(tmp_path: Path) -> None:
    base, draft = sharded(tmp_path / "base"), sharded(tmp_path / "draft", shards=3)
    ran = modelcache("copy", base, tmp_path / "1", draft, tmp_path / "2")
    assert ran.status == 0
    assert contents(tmp_path / "1") == contents(base)
    assert contents(tmp_path / "2") == contents(draft)


def test_the_remains_of_an_earlier_attempt_are_removed(tmp_path: Path) -> None:
    model, memory = sharded(tmp_path / "store"), tmp_path / "memory"
    (memory / ".incoming-0123456789abcdef").mkdir(parents=True)
    (memory / ".incoming-0123456789abcdef" / "part").write_text("x")
    (memory / "old").mkdir(parents=True)
    (memory / "old" / "part").write_text("x")
    (memory / "config.json").mkdir()
    (memory / "link").symlink_to(model)
    assert modelcache("copy", model, memory).status == 0
    assert contents(memory) == contents(model)
    assert contents(model)["config.json"] == b"{}"


@pytest.mark.programs
def test_a_memory_that_is_too_small_is_reported_before_the_first_byte(
    tmp_path: Path, small_memory: Path
) -> None:
    model = sharded(tmp_path / "store")
    safetensors(model / "big.safetensors", 2**20)
    ran = modelcache("copy", model, small_memory)
    assert ran.status == 1
    assert f"{small_memory}: the model needs " in ran.err
    assert "set modelcache.io/size to the model's true size" in ran.err
    assert list(small_memory.iterdir()) == []


@pytest.mark.programs
def test_the_space_of_earlier_remains_is_freed_first(tmp_path: Path, small_memory: Path) -> None:
    model = tmp_path / "store"
    safetensors(model / "model.safetensors", 700_000)
    (small_memory / "model.safetensors").write_bytes(
        bytes((model / "model.safetensors").stat().st_size)
    )
    assert modelcache("copy", model, small_memory).status == 0


@pytest.mark.programs
def test_two_models_share_the_space_of_one_memory(tmp_path: Path, small_memory: Path) -> None:
    for name in ("a", "b"):
        safetensors(tmp_path / name / "model.safetensors", 700_000)
    pairs = [p for name in ("a", "b") for p in (tmp_path / name, small_memory / name)]
    ran = modelcache("copy", *pairs)
    assert ran.status == 1
    assert f"{small_memory}/b: the model needs 14" in ran.err


@pytest.mark.programs
@pytest.mark.parametrize("force", [False, True])
def test_a_model_that_does_not_fit_costs_nothing_that_is_there(
    tmp_path: Path, small_memory: Path, *, force: bool
) -> None:
    model = sharded(tmp_path / "store", 1, 700_000)
    manifest(model)
    assert modelcache("copy", model, small_memory).status == 0
    before = contents(small_memory)
    larger = sharded(tmp_path / "larger", 1, 2**20)
    ran = modelcache("copy", larger, small_memory, *(["--force"] if force else []))
    assert ran.status == 1
    assert f"{small_memory}: the model needs " in ran.err
    assert contents(small_memory) == before


@pytest.mark.programs
def test_bytes_that_have_another_name_are_not_counted_as_free(
    tmp_path: Path, small_memory: Path
) -> None:
    model = sharded(tmp_path / "store", 1, 700_000)
    manifest(model)
    assert modelcache("copy", model, small_memory / "a").status == 0
    os.link(small_memory / "a" / "model.safetensors", small_memory / "kept")
    before = contents(small_memory)
    ran = modelcache("copy", model, small_memory / "a")
    assert ran.status == 1
    assert f"{small_memory}/a: the model needs " in ran.err
    assert contents(small_memory) == before


def fine_tuned(memory: Path) -> None:
    (memory / "config.json").write_text("{}")
    safetensors(memory / "model-00001-of-00002.safetensors", 65)


def thesis(memory: Path) -> None:
    (memory / "thesis.txt").write_text("years")


def below_a_folder(memory: Path) -> None:
    (memory / "a" / "b").mkdir(parents=True)
    (memory / "a" / "b" / "thesis.txt").write_text("years")


def of_the_same_size(memory: Path) -> None:
    (memory / "config.yaml").write_text("{}")


def a_link(memory: Path) -> None:
    (memory / "config.json").symlink_to("/etc/hostname")


@pytest.mark.parametrize(
    ("put", "named"),
    [(thesis, "thesis.txt"), (below_a_folder, "a/b/thesis.txt"), (of_the_same_size, "config.yaml"),
     (fine_tuned, "model-00001-of-00002.safetensors"), (a_link, "config.json")],
)  # fmt: skip
def test_a_destination_that_holds_something_else_is_emptied_on_demand_alone(
    tmp_path: Path, put: Callable[[Path], None], named: str
) -> None:
    model, memory = sharded(tmp_path / "store"), tmp_path / "memory"
    memory.mkdir()
    put(memory)
    before = contents(memory)
    ran = modelcache("copy", model, memory)
    assert ran.status == 1
    assert ran.err == (
        f"modelcache: {memory}: holds {named}, which no copy of this model put there, and would be "
        "emptied: give another DEST, or --force to remove what it holds\n"
    )
    assert contents(memory) == before
    assert modelcache("copy", model, memory, "--force").status == 0
    assert contents(memory) == contents(model)


@pytest.mark.parametrize("listed", [False, True])
def test_an_earlier_copy_is_replaced(tmp_path: Path, *, listed: bool) -> None:
    """With a manifest, also if the model is another one, or its server wrote next to it."""
    model, memory = sharded(tmp_path / "store"), tmp_path / "memory"
    if listed:
        manifest(model)
    assert modelcache("copy", model, memory).status == 0
    if listed:
        (memory / "__pycache__").mkdir()
        (memory / "__pycache__" / "code.pyc").write_bytes(b"x")
        model = sharded(tmp_path / "other", shards=3)
    assert modelcache("copy", model, memory).status == 0
    assert contents(memory) == contents(model)


def test_a_file_is_not_a_destination(tmp_path: Path) -> None:
    model = sharded(tmp_path / "store")
    (tmp_path / "memory").write_text("x")
    ran = modelcache("copy", model, tmp_path / "memory")
    assert ran.status == 1
    assert f"{tmp_path}/memory: holds memory, which no copy" in ran.err
    ran = modelcache("copy", model, tmp_path / "memory", "--force")
    assert ran.status == 1
    assert (tmp_path / "memory").read_text() == "x"


def test_links_inside_the_model_stay_links(tmp_path: Path) -> None:
    model = tmp_path / "store"
    safetensors(model / "blobs" / "abc")
    snapshot = model / "snapshots" / "1"
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").symlink_to("../../blobs/abc")
    (snapshot / "again.safetensors").symlink_to(model / "blobs" / "abc")
    (model / "main").symlink_to("snapshots/1")
    memory = tmp_path / "memory"
    assert modelcache("copy", model, memory).status == 0
    for name in ("model.safetensors", "again.safetensors"):
        link = memory / "snapshots" / "1" / name
        assert link.readlink() == Path("../../blobs/abc")
    assert (memory / "main" / "model.safetensors").resolve() == memory / "blobs" / "abc"


@pytest.mark.parametrize(
    ("target", "expected"),
    [("/etc/passwd", "is a link that leads out of the model"), ("../secret", "is a link that leads out of the model"),
     ("nowhere", "is a link that leads nowhere"), ("bad", "is a link that leads nowhere")],
)  # fmt: skip
def test_a_link_that_can_not_be_followed_is_refused(
    tmp_path: Path, target: str, expected: str
) -> None:
    model = sharded(tmp_path / "store")
    (tmp_path / "secret").write_text("x")
    (model / "bad").symlink_to(target)
    ran = modelcache("copy", model, tmp_path / "memory")
    assert ran.status == 1
    assert f"{model}/bad: {expected}" in ran.err
    assert not (tmp_path / "memory").exists()


def test_a_source_that_is_empty_or_missing_was_not_published(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, expected in (("empty", "is empty"), ("none", "is not a directory")):
        ran = modelcache("copy", tmp_path / name, tmp_path / "memory")
        assert ran.status == 1
        assert f"{tmp_path}/{name}: {expected}: the model was not published here" in ran.err


def test_a_truncated_shard_ends_the_copy_with_its_name(tmp_path: Path) -> None:
    model = sharded(tmp_path / "store")
    shard = model / "model-00002-of-00002.safetensors"
    os.truncate(shard, shard.stat().st_size - 1)
    ran = modelcache("copy", model, tmp_path / "memory")
    assert ran.status == 1
    assert "model-00002-of-00002.safetensors: has " in ran.err


@pytest.mark.parametrize("place", ["store", "store/below", "."])
def test_a_destination_never_overlaps_its_source(tmp_path: Path, place: str) -> None:
    model = sharded(tmp_path / "store")
    before = contents(model)
    ran = modelcache("copy", model, tmp_path / place)
    assert ran.status == 1
    assert "its content is removed, so it must not overlap" in ran.err
    assert contents(model) == before


def test_a_pipe_in_a_model_is_refused(tmp_path: Path) -> None:
    model = sharded(tmp_path / "store")
    os.mkfifo(model / "pipe")
    ran = modelcache("copy", model, tmp_path / "memory")
    assert f"{model}/pipe: is not a file, a directory or a link" in ran.err


def test_other_users_can_read_what_is_copied(tmp_path: Path) -> None:
    model = sharded(tmp_path / "store")
    previous = os.umask(0o077)
    try:
        assert modelcache("copy", model, tmp_path / "memory").status == 0
    finally:
        os.umask(previous)
    assert (tmp_path / "memory" / "config.json").stat().st_mode & 0o777 == 0o644


def test_a_terminal_shows_a_bar(tmp_path: Path) -> None:
    model = sharded(tmp_path / "store")
    leader, follower = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color"}
    subprocess.run(
        [sys.executable, "-m", "webhook", "copy", model, tmp_path / "memory"],
        stderr=follower, cwd=ROOT, env=env, timeout=60, check=True,
    )  # fmt: skip
    os.close(follower)
    text = os.read(leader, 4096).decode()
    os.close(leader)
    assert "\x1b[" in text
