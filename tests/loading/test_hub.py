"""`modelcache load` from a Hub: what it downloads, requests and prints."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.forking.process import Forked
from tests.hub.fault import Fault
from tests.loading.loading import REPOSITORY, Loader

SHARD = "model-00002-of-00003.safetensors"
TOKEN = "hf_Not4YourEyes"


def loaded(loading: Loader, done: subprocess.CompletedProcess[str]) -> None:
    """Check that the whole model is published, and nothing else."""
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{loading.place}: {loading.size} bytes, ")
    loading.see_whole()


def refused(loading: Loader, done: subprocess.CompletedProcess[str]) -> str:
    """Check that nothing is published, and return the message."""
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert not list(loading.store.glob("acme--tiny/*"))
    return done.stderr


@pytest.mark.parametrize("source", [REPOSITORY, f"hf://{REPOSITORY}", f"hf://{REPOSITORY}@main"])
def test_a_repository_is_one_download(loading: Loader, source: str) -> None:
    loaded(loading, loading.run(source=source))
    assert loading.fetched() == loading.size
    asked = {(one.method, one.where) for one in loading.hub.requests()}
    assert asked == {("GET", "api"), ("HEAD", "resolve"), ("GET", "resolve"), ("GET", "cdn")}
    assert len([one for one in loading.hub.requests() if one.where == "api"]) == 1
    assert (loading.place.parent / "main").readlink() == Path(loading.commit)
    manifest = json.loads((loading.place / ".modelcache.json").read_text())
    assert manifest["source"] == f"hf://{REPOSITORY}@main"
    loaded(loading, loading.run(source=source))
    assert loading.fetched() == loading.size


def test_a_commit_makes_no_name_that_moves(loading: Loader) -> None:
    loaded(loading, loading.run(source=f"{REPOSITORY}@{loading.commit}"))
    assert [path.name for path in loading.place.parent.glob("[!.]*")] == [loading.commit]


def test_a_tag_is_a_name_like_main(loading: Loader) -> None:
    loading.hub.tag(REPOSITORY, "v1.0", loading.commit)
    loaded(loading, loading.run(source=f"{REPOSITORY}@v1.0"))
    assert (loading.place.parent / "v1.0").readlink() == Path(loading.commit)


def test_a_file_that_is_not_wanted_is_not_requested(loading: Loader) -> None:
    files: dict[str, bytes | Path] = {path.name: path for path in loading.model.iterdir()}
    extra = {"pytorch_model.bin": b"x", "original/a.safetensors": b"x", "README.md": b"x"}
    commit = loading.hub.commit("acme/more", files | extra)
    assert loading.run(source="acme/more").returncode == 0
    there = {path.name for path in (loading.store / "acme--more" / commit).iterdir()}
    assert there == {*files, ".modelcache.json", "models--acme--more"}
    asked = {request.path for request in loading.hub.requests()}
    assert not [path for path in asked if path.endswith(tuple(extra))]


def test_the_token_goes_only_to_the_hub(loading: Loader, tmp_path: Path) -> None:
    loading.hub.private(REPOSITORY, TOKEN)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    done = loading.run("--token-file", tmp_path / "token")
    loaded(loading, done)
    for request in loading.hub.requests():
        assert request.token is not request.path.startswith("/cdn/")
    assert TOKEN not in done.stdout + done.stderr
    for path in loading.store.rglob("*"):
        assert path.is_dir() or TOKEN.encode() not in path.read_bytes()


def test_the_token_may_come_from_the_environment(loading: Loader) -> None:
    loading.hub.private(REPOSITORY, TOKEN)
    loaded(loading, loading.run(HF_TOKEN=TOKEN))


@pytest.mark.parametrize("token", ["", "hf_wrong"])
def test_a_private_repository_is_reported_with_the_remedy(loading: Loader, token: str) -> None:
    loading.hub.private(REPOSITORY, TOKEN)
    said = refused(loading, loading.run(HF_TOKEN=token))
    assert "does not exist, or there is no access " in said
    assert ("with this token" if token else "without a token: give one") in said
    assert "hf_wrong" not in said


def test_a_gated_repository_is_reported_with_the_remedy(loading: Loader) -> None:
    loading.hub.gated(REPOSITORY, TOKEN)
    assert "is gated: no access without a token: give one" in refused(loading, loading.run())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("acme/none", "hf://acme/none@main: does not exist, or there is no access "),
        (f"{REPOSITORY}@v9", f"hf://{REPOSITORY}@v9: there is no such revision"),
    ],
)
def test_what_is_not_there_is_named(loading: Loader, source: str, said: str) -> None:
    assert said in refused(loading, loading.run(source=source))


def test_two_at_once_are_one_download(loading: Loader) -> None:
    loading.hub.fault(Fault(paths=SHARD, where="cdn", rate=1_000_000))
    both = [
        Forked(
            loading.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=loading.environment(),
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [one.communicate(timeout=60) for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert loading.fetched() == loading.size
    assert sorted("waiting" in errors for _, errors in said) == [False, True]
    assert sorted(out.rpartition(", ")[2].split()[0] for out, _ in said) == ["0", str(loading.size)]


def test_main_that_moves_meanwhile_is_not_mixed(loading: Loader) -> None:
    other = {path.name: b"{}" for path in loading.model.iterdir()}
    moved = loading.hub.commit(REPOSITORY, other, ref="later")
    loading.hub.fault(Fault(where="api", move_main_to=moved))
    loaded(loading, loading.run())
    assert {path.name for path in loading.place.parent.glob("[!.]*")} == {loading.commit, "main"}
