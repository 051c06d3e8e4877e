"""The stand-in uses a model as inference servers do, and reports it correctly."""

import hashlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.images.served import HUB_WORDS, WORDS, Served, refused, serving
from tests.store import models

pytestmark = pytest.mark.programs

MiB = 2**20
SHARD = "model-00001-of-00002.safetensors"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return models.publish(tmp_path, "org/tiny", 3 * MiB)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def report(served: Served) -> Any:
    return served.get("/report")["models"][0]


def test_every_byte_of_every_file_is_read(model: Path) -> None:
    (model / "sub").mkdir()
    (model / "sub" / "empty").touch()
    with serving("serve", model) as served:
        found = report(served)
    files = {str(p.relative_to(model)): p for p in model.rglob("*") if p.is_file()}
    assert len(files) == 7
    assert found["files"] == {
        name: {"size": path.stat().st_size, "sha256": digest(path)} for name, path in files.items()
    }
    assert found["bytes"] == sum(path.stat().st_size for path in files.values()) > 3 * MiB
    assert found["path"] == str(model)
    assert found["manifest"] == "agrees"


def test_a_cache_of_the_hub_next_to_the_files_is_not_read(tmp_path: Path) -> None:
    model = models.publish(tmp_path, "org/tiny", 3 * MiB, hub_cache=True)
    with serving("serve", model) as served:
        found = report(served)
    assert set(found["files"]) == {path.name for path in model.iterdir() if path.is_file()}


def test_a_store_without_manifests_is_read_too(model: Path) -> None:
    (model / ".modelcache.json").unlink()
    with serving("serve", model) as served:
        assert report(served)["manifest"] == "absent"


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (Path.unlink, f"{SHARD}: is missing"),
        (flip, f"{SHARD}: sha256 is "),
        (lambda path: os.truncate(path, 99), f"{SHARD}: size is 99, the manifest says "),
    ],
    ids=["missing", "altered", "cut short"],
)
def test_a_model_that_is_not_what_its_manifest_says_is_not_served(
    model: Path, tmp_path: Path, spoil: Any, said: str
) -> None:
    spoil(model / SHARD)
    assert refused(tmp_path / "log", "serve", model).startswith(f"{model}: {said}")


def test_every_file_that_differs_is_named(model: Path, tmp_path: Path) -> None:
    (model / SHARD).unlink()
    flip(model / "config.json")
    lines = refused(tmp_path / "log", "serve", model).splitlines()
    assert [line.split(": ")[1] for line in lines] == ["config.json", SHARD]


def test_a_manifest_that_can_not_be_read_is_named(model: Path, tmp_path: Path) -> None:
    (model / ".modelcache.json").write_text("[]")
    assert "/.modelcache.json: can't be read" in refused(tmp_path / "log", "serve", model)


def test_without_a_model_there_is_no_server(model: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    log = tmp_path / "log"
    assert refused(log).startswith("no model: ")
    assert refused(log, "serve", empty) == f"{empty}: is empty"
    assert refused(log, "serve", "org/tiny") == "org/tiny: is not a directory"


@pytest.mark.parametrize(
    ("args", "variables", "name"),
    [
        (["serve", "{}"], {}, "{}"),
        (["serve", "{}", "--served-model-name", "org/tiny"], {}, "org/tiny"),
        (["--tensor-parallel-size", "2", "--model", "{}", "--dtype=half"], {}, "{}"),
        (["--model-path", "{}"], {}, "{}"),
        (["--model-id={}"], {}, "{}"),
        (["api_server", "{}", "--model-name", "tiny"], {}, "tiny"),
        ([], {"MODEL_PATH": "{}"}, "{}"),
        ([], {"MODELCACHE_PATH": "{}"}, "{}"),
        (["--served-model-name", "a", "b"], {"MODEL_ID": "{}"}, "a"),
    ],
)
def test_command_lines_of_known_servers_are_understood(
    model: Path, args: list[str], variables: dict[str, str], name: str
) -> None:
    words = [word.format(model) for word in args]
    env = {key: value.format(model) for key, value in variables.items()}
    with serving(*words, env=env) as served:
        assert served.client.get("/health").status_code == 200
        listed = served.get("/v1/models")
        assert report(served)["path"] == str(model)
    assert listed["object"] == "list"
    assert listed["data"][0] == {"id": name.format(model), "object": "model"}


def test_models_beside_the_first_are_read_too(model: Path, tmp_path: Path) -> None:
    draft = models.publish(tmp_path, "org/draft")
    with serving("serve", model, env={"MODELCACHE_PATH_2": str(draft)}) as served:
        found = [entry["path"] for entry in served.get("/report")["models"]]
        names = [entry["id"] for entry in served.get("/v1/models")["data"]]
    assert (found, names) == ([str(model), str(draft)], [str(model)])


def test_the_report_says_why_it_can_not_write_to_the_model(model: Path) -> None:
    mount = f"mount --bind {model} {model}"
    with serving("serve", model, before=f"{mount}; mount -o remount,bind,ro {model}") as served:
        assert report(served)["writeError"] == "Read-only file system"
        assert f" {model} ro," in served.client.get("/mounts").text
    before = sorted(model.iterdir())
    with serving("serve", model, before=mount) as served:
        assert report(served)["writeError"] is None
    assert sorted(model.iterdir()) == before


def anonymous_memory(served: Served) -> int:
    text = Path(f"/proc/{served.process.pid}/status").read_text()
    return int(text.partition("RssAnon:")[2].split()[0]) * 1024


def test_memory_is_taken_for_good_and_on_request(model: Path) -> None:
    with serving("serve", model) as served:
        idle = anonymous_memory(served)
        assert served.post("/allocate", bytes=40 * MiB) == {"held": 40 * MiB}
        assert served.post("/allocate", bytes=8 * MiB) == {"held": 48 * MiB}
        assert anonymous_memory(served) - idle >= 48 * MiB
        assert served.post("/release") == {"held": 0}
        assert anonymous_memory(served) - idle < 8 * MiB
        assert served.client.post("/allocate", content=b"{}").status_code == 400
    with serving("serve", model, "--allocate", str(40 * MiB)) as served:
        assert anonymous_memory(served) >= 40 * MiB
        assert served.get("/report")["allocated"] == 40 * MiB


SMALL = "mount -t tmpfs -o size=1m tmpfs /dev/shm"


def test_shared_memory_is_written_as_far_as_it_goes(model: Path, tmp_path: Path) -> None:
    env = {"WRITE_SHARED_MEMORY": str(MiB)}
    with serving("serve", model, env=env, before=SMALL) as served:
        assert served.get("/report")["sharedMemory"] == {"size": MiB, "written": MiB}
        (file,) = Path("/proc", str(served.process.pid), "root", "dev/shm").iterdir()
        assert file.stat().st_blocks * 512 == MiB
    env = {"WRITE_SHARED_MEMORY": str(MiB + 1)}
    reason = refused(tmp_path / "log", "serve", model, env=env, before=SMALL)
    assert reason == f"{MiB + 1} bytes in /dev/shm: No space left on device"


def test_names_of_variables_are_told_and_no_values(model: Path) -> None:
    with serving("serve", model, env={"HF_TOKEN": "hf_secret"}) as served:
        answer = served.client.get("/report").text
    assert "HF_TOKEN" in answer
    assert "hf_secret" not in answer


def test_the_first_process_of_a_container_ends_on_sigterm(model: Path) -> None:
    inside = ("unshare", "--pid", "--fork", "--kill-child", *WORDS)
    with serving("serve", model, words=inside) as served:
        pid = served.process.pid
        (first,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        os.kill(int(first), signal.SIGTERM)
        assert served.process.wait(60) == 0


def test_with_the_hubs_library_a_model_is_found_by_its_name(tmp_path: Path) -> None:
    model = models.publish(tmp_path, "org/tiny", 3 * MiB, hub_cache=True)
    env = {"HF_HUB_CACHE": str(model), "HF_HUB_OFFLINE": "1"}
    with serving("--model", "org/tiny", words=HUB_WORDS, env=env) as served:
        found = report(served)
        assert served.get("/v1/models")["data"] == [{"id": "org/tiny", "object": "model"}]
    cache = model / "models--org--tiny"
    assert found["path"] == str(cache / "snapshots" / models.COMMIT)
    assert found["tensors"] == 2
    assert found["files"][SHARD]["sha256"] == digest(model / SHARD)
    reason = refused(tmp_path / "log", "serve", "org/none", words=HUB_WORDS, env=env)
    assert reason.startswith("org/none: LocalEntryNotFoundError: ")


def test_with_the_library_of_safetensors_a_broken_file_is_named(
    model: Path, tmp_path: Path
) -> None:
    (model / ".modelcache.json").unlink()
    os.truncate(model / SHARD, 99)
    reason = refused(tmp_path / "log", "serve", model, words=HUB_WORDS)
    assert reason.startswith(f"{model}: {SHARD}: ")
