"""A store after `modelcache load`: whole models, their manifests, names that move."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from blake3 import blake3

from tests.cli.command import Ran, modelcache
from tests.store.models import INDEX, manifest, safetensors, sharded
from webhook.models.layout import uri_folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "store"
    path.mkdir()
    return path


def load(source: Path | str, store: Path, *flags: str | Path) -> Ran:
    source = f"file://{source}" if isinstance(source, Path) else source
    return modelcache("load", source, store, *flags)


def published(ran: Ran) -> Path:
    assert ran.status == 0, ran.err
    return Path(ran.out.partition(": ")[0])


def refused(ran: Ran) -> str:
    assert (ran.status, ran.out) == (1, "")
    return ran.err


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_a_model_is_published_where_the_webhook_mounts_it(tmp_path: Path, store: Path) -> None:
    source = sharded(tmp_path / "m", 2, 5000)
    place = published(load(source, store))
    assert place.parent == store / uri_folder(f"file://{source}")
    assert (place.parent / "main").readlink() == Path(place.name)
    assert names(store) == {place.parent.name, ".incoming"}
    assert names(store / ".incoming") == set()


def test_the_manifest_has_source_commit_files_patterns_and_version(
    tmp_path: Path, store: Path
) -> None:
    source = sharded(tmp_path / "m", 2, 5000)
    place = published(load(source, store))
    said = json.loads((place / ".modelcache.json").read_bytes())
    assert said.keys() == {"source", "commit", "files", "patterns", "version"}
    assert (said["source"], said["commit"]) == (f"file://{source}", place.name)
    for file in said["files"]:
        assert file.pop("blake3") == blake3((source / file["path"]).read_bytes()).hexdigest()
    assert said["files"] == manifest(source)  # the manifest that the tests write, with digests
    assert modelcache("verify", "--full", place).status == 0


def test_a_second_load_finds_it_and_reads_nothing(tmp_path: Path, store: Path) -> None:
    source = sharded(tmp_path / "m", 2, 5000)
    place = published(load(source, store))
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    ran = load(source, store)
    assert ran.out == f"{place}: {5000 + size_of_rest(source)} bytes, 0 of them downloaded\n"
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before


def size_of_rest(source: Path) -> int:
    return sum(path.stat().st_size for path in source.iterdir()) - 5000


def test_readers_may_be_another_user(tmp_path: Path, store: Path) -> None:
    source = sharded(tmp_path / "m")
    command = f"umask 077; exec {sys.executable} -m webhook load file://{source} {store}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    place = Path(done.stdout.partition(": ")[0])
    assert {oct(path.stat().st_mode & 0o777) for path in place.iterdir()} == {"0o644"}
    assert oct(place.stat().st_mode & 0o777) == oct(place.parent.stat().st_mode & 0o777) == "0o755"


def test_a_source_that_has_changed_is_another_commit_and_the_name_moves(
    tmp_path: Path, store: Path
) -> None:
    source = sharded(tmp_path / "m")
    first = published(load(source, store))
    (source / "config.json").write_text('{"a": 1}')
    second = published(load(source, store))
    assert first != second
    assert (first.parent / "main").readlink() == Path(second.name)
    assert (first / "config.json").read_text() == "{}", "a pod may still read it"


def test_a_store_is_filled_from_another_under_the_same_names(tmp_path: Path, store: Path) -> None:
    place = published(load(sharded(tmp_path / "m"), store))
    content = json.loads((place / ".modelcache.json").read_text())
    commit = "c" * 40
    content |= {"source": "hf://acme/tiny@main", "commit": commit}
    (place / ".modelcache.json").write_text(json.dumps(content))
    node = tmp_path / "node"
    node.mkdir()
    copied = published(load(place, node))
    assert copied == node / "acme--tiny" / commit
    assert (node / "acme--tiny" / "main").readlink() == Path(commit)


def test_a_copy_of_a_corrupt_model_is_not_published(tmp_path: Path, store: Path) -> None:
    place = published(load(sharded(tmp_path / "m"), store))
    weights = next(place.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"\xee")
    node = tmp_path / "node"
    node.mkdir()
    assert "its sha256 is" in refused(load(place, node))
    assert names(node) == {".incoming"}


def test_a_published_model_is_not_changed_for_other_patterns(tmp_path: Path, store: Path) -> None:
    source = sharded(tmp_path / "m")
    (source / "notes.md").write_text("")
    place = published(load(source, store))
    said = refused(load(source, store, "--allow", "*"))
    assert said.startswith(
        f"modelcache: {place}: was published without notes.md, and is not changed"
    )
    published(load(source, store, "--allow", "*.safetensors"))  # the model has all of it


def test_an_unpublished_directory_in_its_place_is_left_alone(tmp_path: Path, store: Path) -> None:
    source = sharded(tmp_path / "m")
    place = published(load(source, store))
    (place / ".modelcache.json").unlink()
    assert "is not a published model" in refused(load(source, store))
    assert (place / INDEX).exists()


def test_a_model_that_is_cut_in_its_place_is_named_and_published_anew(
    tmp_path: Path, store: Path
) -> None:
    source = sharded(tmp_path / "m")
    place = published(load(source, store))
    os.truncate(place / "model-00001-of-00002.safetensors", 10)
    ran = load(source, store)
    assert published(ran) == place
    assert "has 10 bytes, the manifest says" in ran.err
    assert modelcache("verify", "--full", place).status == 0


@pytest.mark.parametrize(
    ("files", "flags", "said"),
    [
        (["pytorch_model.bin", "config.json"], [], "it has no safetensors"),
        (["README.md"], [], "none of the 1 files is wanted (README.md)"),
        (["a.bin"], ["--allow", "*.bin", "--safetensors-only"], "a.bin: pickle, which runs code"),
    ],
)
def test_a_source_that_is_not_a_model_is_refused_before_a_byte_is_written(
    tmp_path: Path, store: Path, files: list[str], flags: list[str], said: str
) -> None:
    source = tmp_path / "m"
    source.mkdir()
    for name in files:
        (source / name).write_text("x")
    assert said in refused(load(source, store, *flags))
    assert names(store) == set()


def test_pickle_is_loaded_if_it_is_allowed(tmp_path: Path, store: Path) -> None:
    source = tmp_path / "m"
    source.mkdir()
    (source / "a.bin").write_text("x")
    place = published(load(source, store, "--allow", "*.bin"))
    assert (place / "a.bin").read_text() == "x"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("file://relative", "must be file:// and an absolute path"),
        ("file:///nowhere", "/nowhere: is not a directory"),
        (
            "file://~/models/m",
            "file://~/models/m: must be file:// and an absolute path, and no shell replaces ~",
        ),
        ("ftp://example.org/m", "has a scheme that is not one of"),
        ("hf://only-a-name", "is not a model"),
        ("https://user:secret@example.org/m", "no user, password"),
        ("oci://example.org/M", "must be oci://registry/repository[:tag]"),
    ],
)
def test_a_malformed_source_is_named(store: Path, source: str, said: str) -> None:
    ran = load(source, store)
    assert said in refused(ran)
    assert "secret" not in ran.err


def test_a_path_with_codes_of_a_url_is_explained(tmp_path: Path, store: Path) -> None:
    source = sharded(tmp_path / "my model ~1")
    said = refused(load(f"file://{tmp_path}/my%20model%20~1", store))
    assert said == (
        f"modelcache: {tmp_path}/my%20model%20~1: is not a directory: the path is taken as it is "
        f"written, without % codes: write file://{source}\n"
    )
    assert "%" not in published(load(f"file://{source}", store)).name
    literal = sharded(tmp_path / "a%20b")
    assert published(load(f"file://{literal}", store)).is_dir()


def test_a_link_out_of_a_directory_is_not_followed(tmp_path: Path, store: Path) -> None:
    source = sharded(tmp_path / "m")
    (tmp_path / "secret.json").write_text("{}")
    (source / "link.json").symlink_to(tmp_path / "secret.json")
    assert "leads out of" in refused(load(source, store))


def test_a_linked_folder_that_stays_inside_is_loaded(tmp_path: Path, store: Path) -> None:
    source = sharded(tmp_path / "m")
    safetensors(source / "shared" / "model.safetensors")
    (source / "text_encoder").symlink_to("shared")
    (source / "again").symlink_to(source / "text_encoder")
    place = published(load(source, store))
    for name in ("shared", "text_encoder", "again"):
        assert not (place / name).is_symlink()
        copy = place / name / "model.safetensors"
        assert copy.read_bytes() == (source / "shared" / "model.safetensors").read_bytes()


def test_linked_folders_that_leave_a_directory_are_all_refused(tmp_path: Path, store: Path) -> None:
    source = sharded(tmp_path / "m")
    safetensors(tmp_path / "shared" / "model.safetensors")
    (source / "text_encoder").symlink_to("../shared")
    (source / "vae").symlink_to(tmp_path / "shared")
    (source / "loop").symlink_to(".")
    (source / "gone").symlink_to("nowhere")
    remedy = f"leads out of {source}, to {tmp_path / 'shared'}: put a copy in its place"
    assert refused(load(source, store)).splitlines() == [
        f"modelcache: {source}/gone: is neither a file nor a link to one",
        f"modelcache: {source}/loop: is a link to a folder that it is in",
        f"modelcache: {source}/text_encoder: is a link that {remedy}",
        f"modelcache: {source}/vae: is a link that {remedy}",
    ]
    assert names(store) == set()


def test_a_manifest_that_names_files_elsewhere_is_refused(tmp_path: Path, store: Path) -> None:
    source = sharded(tmp_path / "m")
    manifest(source)
    content = json.loads((source / ".modelcache.json").read_text())
    content["files"][0]["path"] = "../secret.json"
    (source / ".modelcache.json").write_text(json.dumps(content))
    assert '"../secret.json": is not a path below the model' in refused(load(source, store))
    assert names(store) == set()


def test_a_device_is_not_a_file(tmp_path: Path, store: Path) -> None:
    source = sharded(tmp_path / "m")
    os.mkfifo(source / "pipe.json")
    assert "is neither a file nor a link to one" in refused(load(source, store))


def test_programs_can_read_progress_as_json(tmp_path: Path, store: Path) -> None:
    source = sharded(tmp_path / "m", 2, 5000)
    ran = load(source, store, "--progress", "json")
    *_, last = map(json.loads, ran.out.splitlines())
    size = 5000 + size_of_rest(source)
    assert last["bytes"] == last["fetched"] == size
    assert Path(last["published"]).is_dir()
