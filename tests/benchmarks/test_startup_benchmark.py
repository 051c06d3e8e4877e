"""The parts of the start-up benchmark: its command line, its models, the page cache."""

import json
import tempfile
from pathlib import Path

import pytest

from benchmarks.startup import page_cache
from benchmarks.startup.__main__ import arguments
from benchmarks.startup.cells import MB, Cell
from benchmarks.startup.first_bytes import addresses
from benchmarks.startup.link import bits_on_the_wire
from benchmarks.startup.models import Model
from benchmarks.startup.workloads import workload
from tests.images.inference_server.model import read
from tests.kubernetes.binaries import cache
from webhook.store.verify import verify_models

SIZE = 300_000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--sizes 64", "'64' is not a size"),
        ("--sizes 0MB", "'0MB' is not a size"),
        ("--sizes 9GB", "'9GB' is not a size"),
        ("--sizes", "expected at least one argument"),
        ("--rounds 0", "'0' is not a whole number above 0"),
        ("--rounds two", "'two' is not a whole number above 0"),
        ("--pairs -1", "'-1' is not a whole number above 0"),
        ("--quick --rounds 2", "--quick chooses"),
        ("--quick --sizes 64MB", "--quick chooses"),
        ("--show nowhere.json", "nowhere.json"),
        ("--show Makefile", "Makefile: JSON is malformed"),
        ("--record", "--record needs --show"),
        ("--show benchmarks/startup/recorded.json --rounds 2", "--show measures nothing"),
        ("now", "unrecognized arguments: now"),
    ],
)
def test_the_command_refuses(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        arguments(words.split())
    assert said in capsys.readouterr().err


def test_a_model_is_complete_in_both_stores_and_there_only_once(tmp_path: Path) -> None:
    model = Model(SIZE)
    files = model.publish(tmp_path / "node", tmp_path / "claim")
    assert sum(file.stat().st_size for file in files) >= SIZE
    for store in ("node", "claim"):
        directory = tmp_path / store / model.directory
        verify_models([directory])
        found = read(directory)
        assert found["manifest"] == "agrees"
        assert len(found["files"]) == len(files)
        assert all((directory / file.name).samefile(file) for file in files)


def test_models_of_two_sizes_differ_in_name_and_directory() -> None:
    one, other = Model(SIZE), Model(SIZE + 1)
    assert one.name != other.name
    assert one.directory != other.directory


def test_files_are_in_memory_from_end_to_end_or_not_at_all() -> None:
    cache().mkdir(parents=True, exist_ok=True)  # on a disk; /tmp may be in memory
    with tempfile.TemporaryDirectory(dir=cache()) as folder:
        files = Model(SIZE).publish(Path(folder, "node"), Path(folder, "claim"))
        page_cache.drop(files)
        assert page_cache.resident(files) == 0
        page_cache.warm(files)
        assert page_cache.resident(files) >= SIZE


def test_files_that_cannot_be_dropped_from_memory_are_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page_cache, "ATTEMPTS", 1)
    cache().mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=cache()) as file:
        file.write(bytes(SIZE))
        file.flush()  # but not to the disk
        with pytest.raises(page_cache.CacheError, match="bytes stay in memory"):
            page_cache.drop([Path(file.name)])


@pytest.mark.parametrize("strategy", ["pvc", "hostPath", "image", "emptyDir"])
def test_a_pod_of_a_strategy_asks_for_its_model_and_for_no_download(strategy: str) -> None:
    cell = Cell(strategy=strategy, size=SIZE, replicas=10, cache="warm")
    asked = workload(cell, Model(SIZE), "n", image="i@sha256:0", urls=["http://h/f"], name="w")
    annotations = asked["metadata"]["annotations"]
    assert annotations["modelcache.io/strategy"] == strategy
    assert annotations["modelcache.io/model"] == Model(SIZE).name
    assert asked["spec"]["replicas"] == 10
    assert "http://" not in json.dumps(asked)


def test_a_naive_pod_asks_the_webhook_for_nothing_and_the_hub_for_every_file() -> None:
    cell = Cell(strategy="naive", size=SIZE, replicas=1, cache="")
    asked = workload(cell, Model(SIZE), "n", image="i", urls=["http://h/a", "http://h/b"], name="w")
    assert not asked["metadata"]["annotations"]
    spec = asked["spec"]["template"]["spec"]
    assert spec["containers"][0]["command"][-2:] == ["http://h/a", "http://h/b"]
    assert spec["volumes"] == [{"name": "model", "emptyDir": {}}]


def test_new_addresses_are_distinguished_from_the_plugins_own_files(tmp_path: Path) -> None:
    assert addresses(tmp_path / "none") == set()
    for name in ("10.88.0.7", "10.88.0.8", "last_reserved_ip.0", "lock"):
        (tmp_path / name).touch()
    assert addresses(tmp_path) == {"10.88.0.7", "10.88.0.8"}


def test_the_rate_of_the_link_leaves_room_for_headers() -> None:
    assert bits_on_the_wire(1448 * MB) == 1514 * MB * 8
