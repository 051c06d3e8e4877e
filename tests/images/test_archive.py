"""Archives contain the given files, under every name, and are the same each time."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from tests.images import model_image
from tests.images.archive import Image, layer, whole_name

REPOSITORY = "registry.example/models/tiny"


def files(folder: Path) -> dict[str, bytes | Path]:
    program = folder / "program"
    program.write_bytes(b"#!/bin/sh\n")
    program.chmod(0o700)
    link = folder / "link"
    link.symlink_to("program")
    return {"opt/a/program": program, "opt/a/link": link, "etc/b": b"text"}


def image(folder: Path) -> Image:
    folder.mkdir(exist_ok=True)
    return Image.of([layer(folder / "layer.tar", files(folder))], {"Cmd": ["x"]})


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {m.name: opened.read() for m in tar if (opened := tar.extractfile(m))}


def test_the_same_files_give_the_same_archive(tmp_path: Path) -> None:
    for name in ("one", "two"):
        image(tmp_path / name).write(tmp_path / f"{name}.tar", "a:1")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_a_layer_has_folders_links_and_programs_but_no_owner_and_no_age(tmp_path: Path) -> None:
    blob = image(tmp_path).layers[0]
    with blob.open() as file, tarfile.open(fileobj=file) as tar:
        found = {m.name: (m.type, oct(m.mode), m.linkname) for m in tar}
        ownership = {(m.uid, m.gid, m.uname, m.mtime) for m in tar}
    assert found == {
        "etc": (tarfile.DIRTYPE, "0o755", ""),
        "etc/b": (tarfile.REGTYPE, "0o644", ""),
        "opt": (tarfile.DIRTYPE, "0o755", ""),
        "opt/a": (tarfile.DIRTYPE, "0o755", ""),
        "opt/a/link": (tarfile.SYMTYPE, "0o777", "program"),
        "opt/a/program": (tarfile.REGTYPE, "0o755", ""),
    }
    assert ownership == {(0, 0, "", 0)}


def test_every_blob_is_named_by_its_digest_and_the_index_leads_to_all(tmp_path: Path) -> None:
    image(tmp_path).write(tmp_path / "a.tar", "a:1", "registry.example/b:2")
    held = members(tmp_path / "a.tar")
    blobs = {n.removeprefix("blobs/"): c for n, c in held.items() if n.startswith("blobs/")}
    assert {f"sha256/{hashlib.sha256(c).hexdigest()}" for c in blobs.values()} == {*blobs}
    entries = json.loads(held["index.json"])["manifests"]
    assert [e["annotations"]["io.containerd.image.name"] for e in entries] == [
        "docker.io/library/a:1",
        "registry.example/b:2",
    ]
    (digest,) = {e["digest"] for e in entries}
    manifest = json.loads(blobs[digest.replace(":", "/")])
    parts = [manifest["config"], *manifest["layers"]]
    assert {digest, *(p["digest"] for p in parts)} == {n.replace("/", ":") for n in blobs}
    assert all(len(blobs[p["digest"].replace(":", "/")]) == p["size"] for p in parts)


def test_what_is_read_from_an_archive_is_the_same_image(tmp_path: Path) -> None:
    written = image(tmp_path)
    written.write(tmp_path / "a.tar", "a:1")
    read = Image.read(tmp_path / "a.tar")
    assert read.digest == written.digest
    read.write(tmp_path / "b.tar", "a:1")
    assert (tmp_path / "b.tar").read_bytes() == (tmp_path / "a.tar").read_bytes()


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        ("busybox", "docker.io/library/busybox"),
        ("busybox:1", "docker.io/library/busybox:1"),
        ("vllm/vllm-openai:v0.6.4", "docker.io/vllm/vllm-openai:v0.6.4"),
        ("nvcr.io/nim/meta/llama", "nvcr.io/nim/meta/llama"),
        ("localhost/a", "localhost/a"),
        ("registry:5000/a", "registry:5000/a"),
    ],
)
def test_a_name_gets_the_registry_that_it_leaves_out(short: str, whole: str) -> None:
    assert whole_name(short) == whole


def test_a_model_is_known_by_the_digest_of_its_manifest(tmp_path: Path) -> None:
    model = tmp_path / "model"
    (model / "sub").mkdir(parents=True)
    (model / "config.json").write_text("{}")
    (model / "sub" / "w").write_bytes(b"w")
    reference = model_image.write(tmp_path / "a.tar", model, REPOSITORY)
    held = members(tmp_path / "a.tar")
    (entry,) = json.loads(held["index.json"])["manifests"]
    digest = hashlib.sha256(held[f"blobs/{entry['digest'].replace(':', '/')}"]).hexdigest()
    assert reference == f"{REPOSITORY}@sha256:{digest}"
    assert entry["annotations"]["io.containerd.image.name"] == reference
    assert model_image.write(tmp_path / "b.tar", model, REPOSITORY) == reference
    (model / "sub" / "w").write_bytes(b"x")
    assert model_image.write(tmp_path / "b.tar", model, REPOSITORY) != reference
