"""`modelcache verify`, the gate: what it says about a model's directory."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.command import Ran, modelcache
from tests.store.models import COMMIT, manifest, publish, safetensors, sharded

INDEX = "model.safetensors.index.json"
SHARD = "model-00001-of-00002.safetensors"


def faults(ran: Ran) -> list[str]:
    assert ran.status == 1
    return [line.removeprefix("modelcache: ") for line in ran.err.splitlines()]


def test_a_complete_model_passes(tmp_path: Path) -> None:
    model = sharded(tmp_path / "m")
    manifest(model)
    ran = modelcache("verify", model)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == f"{model}: complete\n"


def test_a_store_that_was_filled_by_hand_needs_no_manifest(tmp_path: Path) -> None:
    assert modelcache("verify", sharded(tmp_path / "m")).status == 0


def test_everything_that_is_wrong_is_reported_at_once(tmp_path: Path) -> None:
    model = sharded(tmp_path / "m")
    manifest(model)
    (model / "config.json").unlink()
    os.truncate(model / SHARD, 40)
    ran = modelcache("verify", model, tmp_path / "none")
    assert faults(ran) == [
        f"{model}: config.json: is missing",
        f"{model}: {SHARD}: has 40 bytes, the manifest says 140",
        f"{model}: {SHARD}: is cut short, or not a safetensors file: its header does not fit",
        f"{tmp_path}/none: is not a directory: the model was not published here",
    ]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"", "too few for a safetensors file"),
        (b"\xff" * 16, "is cut short, or not a safetensors file"),
        (b"\x04" + b"\0" * 7 + b"[1] ", "its header can't be read"),
        (b"\x02" + b"\0" * 7 + b"{]", "its header can't be read"),
        (b"\x22" + b"\0" * 7 + b'{"w": {"data_offsets": [0, "x"]}} ', "its header can't be read"),
        (b"\x22" + b"\0" * 7 + b'{"w": {"data_offsets": [0, 900]}} ', "its header says 942"),
    ],
)
def test_a_file_that_is_not_safetensors_is_named(
    tmp_path: Path, header: bytes, expected: str
) -> None:
    (tmp_path / "a.safetensors").write_bytes(header)
    [fault] = faults(modelcache("verify", tmp_path))
    assert fault.startswith(f"{tmp_path}: a.safetensors: ")
    assert expected in fault


def test_a_file_that_is_longer_than_its_header_says_is_named(tmp_path: Path) -> None:
    safetensors(tmp_path / "a.safetensors")
    with (tmp_path / "a.safetensors").open("ab") as file:
        file.write(b"x")
    [fault] = faults(modelcache("verify", tmp_path))
    assert "its header says" in fault


@pytest.mark.parametrize(
    ("index", "expected"),
    [("[", "can't be read"), ("[]", "can't be read"), ('{"weight_map": 1}', "can't be read"),
     ('{"weight_map": {"a": "gone.safetensors"}}', "names gone.safetensors, which is missing"),
     (json.dumps({"weight_map": {"a": "x" * 5000}}), "File name too long")],
)  # fmt: skip
def test_an_index_is_compared_with_its_shards(tmp_path: Path, index: str, expected: str) -> None:
    (sharded(tmp_path) / INDEX).write_text(index)
    [fault] = faults(modelcache("verify", tmp_path))
    assert fault.startswith(f"{tmp_path}: {INDEX}: ")
    assert expected in fault


@pytest.mark.parametrize(
    ("content", "expected"),
    [("{", "can't be read"), ("{}", "can't be read"),
     ('{"files": [{"path": "../x", "size": 1}]}', "../x is outside the model"),
     ('{"files": [{"path": "/etc/passwd", "size": 1}]}', "/etc/passwd is outside the model")],
)  # fmt: skip
def test_a_manifest_that_can_not_be_trusted_is_named(
    tmp_path: Path, content: str, expected: str
) -> None:
    sharded(tmp_path)
    (tmp_path / ".modelcache.json").write_text(content)
    [fault] = faults(modelcache("verify", tmp_path))
    assert expected in fault


def test_a_cut_file_is_named_once_though_the_hub_cache_has_it_too(tmp_path: Path) -> None:
    model = publish(tmp_path, "acme/tiny", hub_cache=True)
    os.truncate(model / SHARD, 40)
    assert [fault.split(": ")[1] for fault in faults(modelcache("verify", model))] == [SHARD, SHARD]
    cache = model / "models--acme--tiny"
    (fault,) = faults(modelcache("verify", cache))
    assert f"{cache}: snapshots/" in fault
    (cache / "snapshots" / COMMIT / "config.json").unlink()
    (cache / "snapshots" / COMMIT / "config.json").symlink_to("gone")
    fault = faults(modelcache("verify", model))[-1]
    assert fault.endswith("/config.json: is a link to a file that is not there")


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    (sharded(tmp_path) / "tokenizer.json").symlink_to("gone")
    [fault] = faults(modelcache("verify", tmp_path))
    assert fault == f"{tmp_path}: tokenizer.json: is a link to a file that is not there"


def test_an_empty_directory_was_not_published(tmp_path: Path) -> None:
    [fault] = faults(modelcache("verify", tmp_path))
    assert fault == f"{tmp_path}: is empty: the model was not published here"


def test_corrupt_files_are_found_if_everything_is_read(tmp_path: Path) -> None:
    model = sharded(tmp_path / "m")
    manifest(model)
    with (model / SHARD).open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xee")
    assert modelcache("verify", model).status == 0
    (fault,) = faults(modelcache("verify", "--full", model))
    assert fault.startswith(f"{model}: {SHARD}: has the sha256 ")


def test_without_digests_nothing_can_be_compared(tmp_path: Path) -> None:
    model = sharded(tmp_path / "m")
    (fault,) = faults(modelcache("verify", "--full", model))
    assert fault == f"{model}: has no .modelcache.json, so there are no digests to compare with"
