"""`modelcache load` of a commit that the store has: the source is not contacted."""

import re
import subprocess
from pathlib import Path

from tests.forking.process import Forked
from tests.loading.loading import REPOSITORY, Loader
from tests.store.stores import DAY, aged
from webhook.store.last_use import stamped

NOBODY = "http://127.0.0.1:9"


def test_a_loaded_commit_needs_no_hub(loading: Loader) -> None:
    source = f"{REPOSITORY}@{loading.commit}"
    assert loading.run(source=source).returncode == 0
    left = loading.store / ".incoming" / "0123456789abcdef"
    left.mkdir()
    asked = len(loading.hub.requests())
    done = loading.run(source=source, HF_ENDPOINT=NOBODY)
    assert done.stdout == f"{loading.place}: {loading.size} bytes, 0 of them downloaded\n"
    assert len(loading.hub.requests()) == asked


def test_a_commit_that_is_there_is_used_by_each_load(loading: Loader) -> None:
    source = f"{REPOSITORY}@{loading.commit}"
    assert loading.run(source=source).returncode == 0
    aged(loading.place, days=9)
    then = stamped(loading.place)
    assert then
    assert loading.run(source=source, HF_ENDPOINT=NOBODY).returncode == 0
    assert (stamped(loading.place) or 0) > then + 8 * DAY


def test_with_other_patterns_the_hub_is_asked(loading: Loader) -> None:
    source = f"{REPOSITORY}@{loading.commit}"
    assert loading.run(source=source).returncode == 0
    flags = ("--allow=*.safetensors", "--deadline=2s")
    done = loading.run(*flags, source=source, HF_ENDPOINT=NOBODY)
    assert done.returncode == 1
    assert "Connection refused" in done.stderr


def test_a_damaged_model_is_not_taken_for_the_commit(loading: Loader) -> None:
    source = f"{REPOSITORY}@{loading.commit}"
    assert loading.run(source=source).returncode == 0
    (shard, *_) = loading.place.glob("*.safetensors")
    shard.write_bytes(shard.read_bytes()[:-1])
    done = loading.run("--deadline=2s", source=source, HF_ENDPOINT=NOBODY)
    assert done.returncode == 1
    assert "Connection refused" in done.stderr, "the hub is asked"


def test_safetensors_only_refuses_pickle_that_was_loaded_before(loading: Loader) -> None:
    files: dict[str, bytes | Path] = {"model.bin": b"x"}
    source = f"acme/pickle@{loading.hub.commit('acme/pickle', files)}"
    assert loading.run("--allow=*.bin", source=source).returncode == 0
    done = loading.run("--allow=*.bin", "--safetensors-only", source=source, HF_ENDPOINT=NOBODY)
    assert done.returncode == 1
    assert "model.bin: pickle, which runs code" in done.stderr


def test_a_download_starts_at_some_moment_of_the_stagger(loading: Loader) -> None:
    source = f"{REPOSITORY}@{loading.commit}"
    command = loading.command("--stagger=2h", source=source)
    environment = loading.environment()
    with Forked(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr
        assert re.search(rf"{source}: starts in \d+ s ", process.stderr.readline())
        process.kill()
    assert loading.fetched() == 0
    assert loading.run(source=source).returncode == 0
    assert "starts in" not in loading.run("--stagger=2h", source=source).stderr


def test_a_stagger_as_long_as_the_deadline_is_a_mistake(loading: Loader) -> None:
    done = loading.run("--stagger=2h", "--deadline=1h")
    assert (done.returncode, done.stderr) == (
        1,
        "modelcache: --stagger 2h leaves no time of --deadline 1h: give a shorter one\n",
    )
