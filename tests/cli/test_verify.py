"""`modelcache verify`, the gate: what it says about a model's directory."""

import json
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Ran, modelcache
from tests.store.models import COMMIT, gguf, manifest, publish, safetensors, sharded
from webhook.store.verify import faults_of

INDEX = "model.safetensors.index.json"
SHARD = "model-00001-of-00002.safetensors"


def faults(ran: Ran) -> list[str]:
    """Return what is wrong, without the remedy."""
    assert ran.status == 1
    lines = [line.removeprefix("modelcache: ") for line in ran.err.splitlines()]
    return [line for line in lines if ": publish it anew: modelcache load " not in line]


def test_a_complete_model_passes(tmp_path: Path) -> None:
    model = sharded(tmp_path / "m")
    manifest(model)
    ran = modelcache("verify", model)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == f"{model}: complete\n"


def test_a_store_that_was_filled_by_hand_needs_no_manifest(tmp_path: Path) -> None:
    assert modelcache("verify", sharded(tmp_path / "m")).status == 0


@pytest.mark.parametrize(
    ("source", "flags", "said"),
    [("hf://a/b@main", [], f"hf://a/b@{COMMIT}"), ("hf://a/b@main", ["--full"], f"--full hf://a/b@{COMMIT}"),
     ("s3://bucket/m", [], "s3://bucket/m")],
)  # fmt: skip
def test_the_remedy_names_the_source_of_the_manifest(
    tmp_path: Path, source: str, flags: list[str], said: str
) -> None:
    model = sharded(tmp_path / "m")
    manifest(model, source)
    (model / "config.json").unlink()
    ran = modelcache("verify", *flags, model)
    assert ran.err.splitlines() == [
        f"modelcache: {model}: config.json: is missing",
        f"modelcache: {model}: publish it anew: modelcache load {said} STORE",
    ]


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


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["config.json"], "has no weights, only config.json"),
        (["config.json", "tokenizer.model", "README.md"], "has no weights, only README.md, config.json, tokenizer.model"),
        ([f"{n}.json" for n in range(9)], "has no weights, only 0.json, 1.json, 2.json, 3.json, 4.json and 4 more"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("listed", [False, True])
def test_a_directory_without_weights_is_not_a_model(
    tmp_path: Path, names: list[str], said: str, *, listed: bool
) -> None:
    model = tmp_path / "m"
    model.mkdir()
    for name in names:
        (model / name).write_text("{}")
    if listed:
        manifest(model)
    fault = faults(modelcache("verify", model))[0]
    assert fault == f"{model}: {said}"


@pytest.mark.parametrize(
    "name", ["m.onnx", "rank0.engine", "model.nemo", "blobs/sha256-" + "0" * 64, "m.keras", "mystery"]
)  # fmt: skip
def test_weights_of_any_format_are_weights(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"x")
    (tmp_path / "config.json").write_text("{}")
    assert modelcache("verify", tmp_path).status == 0


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        (["model-00001-of-00003.safetensors", "model-00003-of-00003.safetensors"], ["model-00002-of-00003.safetensors"]),
        (["unet/d-00002-of-00002.safetensors"], ["unet/d-00001-of-00002.safetensors"]),
        (["pytorch_model_00001-of-00002.bin"], ["pytorch_model_00002-of-00002.bin"]),
        (["q4/m-00001-of-00002.gguf", "q8/m-00002-of-00002.gguf"], ["q4/m-00002-of-00002.gguf", "q8/m-00001-of-00002.gguf"]),
        (["m-00000-of-00002.pt"], ["m-00001-of-00002.pt"]),
        (["m-1-of-2.safetensors", "m-2-of-2.safetensors"], []),
        (["m-00000-of-00002.pt", "m-00001-of-00002.pt"], []),
        (["tokens-1-of-2.json", "m.safetensors"], []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("listed", [False, True])
def test_a_shard_that_is_missing_without_an_index_is_named(
    tmp_path: Path, there: list[str], missing: list[str], *, listed: bool
) -> None:
    model = tmp_path / "m"
    for name in there:
        path = model / name
        if name.endswith(".safetensors"):
            safetensors(path)
        elif name.endswith(".gguf"):
            gguf(path)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"{}")
    if listed:
        manifest(model)
    ran = modelcache("verify", model)
    found = [fault for fault in faults(ran) if "-of-" in fault] if ran.status else []
    assert found == [f"{model}: {name}: is missing" for name in missing]


def test_many_missing_shards_are_counted(tmp_path: Path) -> None:
    safetensors(tmp_path / "m-00001-of-00163.safetensors")
    found = faults(modelcache("verify", tmp_path))
    assert len(found) == 6
    assert found[-1] == f"{tmp_path}: m-…: 157 more of 163 are missing"


@pytest.mark.parametrize(
    ("index", "shards", "others", "missing"),
    [
        ("pytorch_model.bin.index.json", ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"], [0], [1]),
        ("model.safetensors.index.fp16.json", ["model.fp16-00001-of-00002.safetensors", "model.fp16-00002-of-00002.safetensors"], [1], [0]),
        ("pytorch_model.bin.index.json", ["pytorch_model-00001-of-00001.bin"], [], []),
    ],
)  # fmt: skip
def test_each_kind_of_index_is_compared_with_its_shards(
    tmp_path: Path, index: str, shards: list[str], others: list[int], missing: list[int]
) -> None:
    """A repository may keep the index of a format that was not loaded, in the last row."""
    (tmp_path / index).write_text(json.dumps({"weight_map": dict(enumerate(shards))}))
    for i in others:
        if shards[i].endswith("safetensors"):
            safetensors(tmp_path / shards[i])
        else:
            (tmp_path / shards[i]).write_bytes(b"x")
    if not others:
        safetensors(tmp_path / "model.safetensors")
    ran = modelcache("verify", tmp_path)
    found = faults(ran) if missing else []
    assert ran.status == bool(missing)
    assert found == [f"{tmp_path}: {index}: names {shards[i]}, which is missing" for i in missing]


GGUFS: dict[str, dict[str, Any]] = {
    "one tensor": {},
    "several": {"tensors": ((0, 3), (2, 64), (12, 512))},
    "none": {"tensors": ()},
    "a type that is not known": {"tensors": ((99, 64),)},
    "another alignment": {"tensors": ((0, 3), (0, 5)), "alignment": 128},
    "version 2": {"version": 2},
    "the other byte order": {"order": ">"},
}


@pytest.mark.parametrize("words", GGUFS.values(), ids=GGUFS)
def test_a_whole_gguf_file_passes(tmp_path: Path, words: dict[str, Any]) -> None:
    file = gguf(tmp_path / "m.gguf", **words)
    assert list(faults_of(tmp_path)) == []
    with file.open("ab") as more:
        more.write(bytes(31))  # some writers pad the last tensor too
    assert list(faults_of(tmp_path)) == []


@pytest.mark.parametrize("words", GGUFS.values(), ids=GGUFS)
def test_a_gguf_file_that_is_cut_anywhere_is_refused(tmp_path: Path, words: dict[str, Any]) -> None:
    file = gguf(tmp_path / "m.gguf", **words)
    whole = file.read_bytes()
    known = "a type that" not in str(words) and (99, 64) not in words.get("tensors", ())
    last = len(whole) if known else len(whole) - 64
    for length in range(last):
        file.write_bytes(whole[:length])
        (fault,) = faults_of(tmp_path)
        assert "too few for a GGUF file" in fault or "m.gguf: is cut short" in fault


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>error</html>" + bytes(40), "is not a GGUF file: it does not begin with GGUF"),
        (b"GGUF" + struct.pack("<IQQ", 3, 291, 24) + bytes(10), "is cut short: it has 34 bytes, and its header does not fit"),
        (b"GGUF" + struct.pack("<IQQQI", 3, 0, 1, 0, 77) + bytes(9), "its header can't be read"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<QI", 0, 9) + struct.pack("<IQ", 9, 1) * 3000, "its header "),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_gguf_file_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "m.gguf").write_bytes(content)
    (fault,) = faults(modelcache("verify", tmp_path))
    assert said in fault


def test_a_gguf_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 4, 5, 5))
    assert list(faults_of(tmp_path)) == []


@pytest.mark.parametrize("name", ["model.safetensors", "m.gguf", "pytorch_model.bin"])
def test_a_pointer_of_git_lfs_is_not_a_file_of_weights(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 5000000000\n"
    )
    (fault,) = faults(modelcache("verify", tmp_path))
    assert f"{tmp_path}: {name}: is a pointer of Git LFS, and not the weights" in fault


def test_an_archive_of_pytorch_that_is_cut_is_named(tmp_path: Path) -> None:
    file = tmp_path / "pytorch_model.bin"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data/0", bytes(70_000))
    assert modelcache("verify", tmp_path).status == 0
    os.truncate(file, file.stat().st_size - 1)
    (fault,) = faults(modelcache("verify", tmp_path))
    assert "pytorch_model.bin: is cut short: it has " in fault


def test_linked_folders_belong_to_the_model_if_they_stay_inside(tmp_path: Path) -> None:
    model = sharded(tmp_path / "m")
    safetensors(model / "shared" / "model.safetensors")
    (model / "text_encoder").symlink_to("shared")
    assert modelcache("verify", model).status == 0
    os.truncate(model / "shared" / "model.safetensors", 40)
    (fault,) = faults(modelcache("verify", model))
    assert f"{model}: shared/model.safetensors: is cut short" in fault


@pytest.mark.parametrize("target", [".", "..", "../other"])
def test_a_linked_folder_that_leads_out_or_around_is_named(tmp_path: Path, target: str) -> None:
    model = sharded(tmp_path / "m")
    (tmp_path / "other").mkdir()
    (model / "text_encoder").symlink_to(target)
    (fault,) = faults(modelcache("verify", model))
    said = "is a link to a folder that leads out of the model, or around in it"
    assert fault == f"{model}: text_encoder: {said}"
