"""The real client with a Hub without faults."""

import hashlib
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.hub.client import Client
from tests.hub.repositories import LFS_LIMIT
from tests.hub.running import Hub
from tests.store.models import safetensors

REPO = "acme/tiny"
TOKEN = "hf_x"
FILES = {
    "config.json": b"{}",
    "model.safetensors": b"weights" * 100,
    "onnx/model.onnx": b"graph",
    "a b/ü #1?.txt": b"odd",
    "empty": b"",
}
PUBLIC, PRIVATE, GATED = "public", "private", "gated"


def test_a_snapshot_is_what_was_committed(hub: Hub, client: Client) -> None:
    hub.commit(REPO, FILES)
    assert client.snapshot(REPO) == FILES


def test_a_snapshot_of_a_directory_is_what_was_committed(
    hub: Hub, client: Client, tmp_path: Path
) -> None:
    safetensors(tmp_path / "big", 3_000_000)
    hub.commit(REPO, {"model.safetensors": tmp_path / "big", "config.json": b"{}"})
    found = client.snapshot(REPO, local_dir=str(tmp_path / "model"))
    assert found["model.safetensors"] == (tmp_path / "big").read_bytes()


@pytest.mark.parametrize("access", [PRIVATE, GATED])
def test_a_token_opens_a_closed_repository(hub: Hub, client: Client, access: str) -> None:
    hub.commit(REPO, FILES)
    getattr(hub, access)(REPO, token=TOKEN)
    assert client.snapshot(REPO, token=TOKEN) == FILES


@pytest.mark.parametrize("token", [False, "hf_wrong"])
def test_a_private_repository_is_not_found(hub: Hub, client: Client, token: str | bool) -> None:
    hub.commit(REPO, FILES)
    hub.private(REPO, token=TOKEN)
    refused = client.refused("snapshot_download", repo_id=REPO, token=token)
    assert refused.kinds[0] == "RepositoryNotFoundError"
    assert {request.code for request in hub.requests() if request.repo} == {401}
    assert TOKEN not in refused.text


@pytest.mark.parametrize("token", [False, "hf_wrong"])
def test_a_gated_repository_shows_its_files_and_gives_none(
    hub: Hub, client: Client, token: str | bool
) -> None:
    hub.commit(REPO, FILES)
    hub.gated(REPO, token=TOKEN)
    assert "model.safetensors" in str(client.call("model_info", repo_id=REPO, token=token))
    refused = client.refused("snapshot_download", repo_id=REPO, token=token)
    assert refused.kinds[0] == "GatedRepoError"
    assert client.refused("auth_check", repo_id=REPO, token=token).kinds[0] == "GatedRepoError"
    assert {request.code for request in hub.requests() if request.where == "resolve"} == {403}


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ({"repo_id": "acme/none"}, "RepositoryNotFoundError"),
        ({"repo_id": REPO, "revision": "none"}, "RevisionNotFoundError"),
        ({"repo_id": REPO, "revision": "0" * 40}, "RevisionNotFoundError"),
    ],
)
def test_a_missing_repository_or_revision_is_not_found(
    hub: Hub, client: Client, words: dict[str, str], kind: str
) -> None:
    hub.commit(REPO, FILES)
    assert client.refused("snapshot_download", **words).kinds[0] == kind
    found = client.refused("hf_hub_download", filename="config.json", **words)
    assert found.kinds[0] == kind
    assert {request.code for request in hub.requests() if request.repo} == {404}


def test_a_missing_file_is_not_found(hub: Hub, client: Client) -> None:
    hub.commit(REPO, FILES)
    refused = client.refused("hf_hub_download", repo_id=REPO, filename="none")
    assert refused.kinds[:2] == ("RemoteEntryNotFoundError", "HfHubHTTPError")
    assert "EntryNotFoundError" in refused.kinds


def test_branches_tags_and_commits_are_revisions(hub: Hub, client: Client) -> None:
    old = hub.commit(REPO, {"config.json": b"old"})
    new = hub.commit(REPO, {"config.json": b"new"})
    dev = hub.commit(REPO, {"config.json": b"dev"}, ref="refs/dev")
    hub.tag(REPO, "v1", old)
    assert len({old, new, dev}) == 3
    named = {"main": b"new", "refs/dev": b"dev", "v1": b"old", old: b"old", new: b"new"}
    for revision, content in named.items():
        assert client.snapshot(REPO, revision=revision) == {"config.json": content}
    refs = str(client.call("list_repo_refs", repo_id=REPO))
    assert f"ref='refs/tags/v1', target_commit='{old}'" in refs
    assert f"ref='refs/heads/main', target_commit='{new}'" in refs


@pytest.mark.parametrize("access", [PUBLIC, PRIVATE, GATED])
def test_the_cdn_does_not_get_the_token(hub: Hub, client: Client, access: str) -> None:
    hub.commit(REPO, FILES)
    if access != PUBLIC:
        getattr(hub, access)(REPO, token=TOKEN)
    client.snapshot(REPO, token=TOKEN)
    tokens = {(request.where, request.token) for request in hub.requests() if request.repo}
    assert tokens == {("api", True), ("resolve", True), ("cdn", False)}
    names = {request.file for request in hub.requests() if request.where == "cdn"}
    assert names == {"model.safetensors", "onnx/model.onnx"}


def test_a_tree_comes_page_by_page(hub: Hub, client: Client) -> None:
    files = {f"{number:03}": b"x" for number in range(120)}
    hub.commit(REPO, files)
    assert client.snapshot(REPO, allow_patterns=["11*"]).keys() == {f"11{n}" for n in range(10)}
    pages = [request.query for request in hub.requests() if "/tree/" in request.path]
    assert len(pages) == 3
    assert "cursor=100" in pages[2]


def test_a_large_file_is_served_by_the_cdn(hub: Hub, plain: httpx.Client, tmp_path: Path) -> None:
    for name, size in (("large", LFS_LIMIT + 1), ("not", LFS_LIMIT)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
        hub.commit(f"acme/{name}", {"tokenizer.json": tmp_path / name})
    path = "resolve/main/tokenizer.json"
    assert plain.head(f"/acme/large/{path}", follow_redirects=False).status_code == 302
    assert plain.head(f"/acme/not/{path}", follow_redirects=False).status_code == 200
    assert len(plain.get(f"/acme/large/{path}").content) == LFS_LIMIT + 1


def test_ids_are_those_of_git(hub: Hub, plain: httpx.Client, tmp_path: Path) -> None:
    weights = FILES["model.safetensors"]
    # git sorts sub.txt before sub/, since the slash counts.
    files = FILES | {"onnx/sub/a": b"a", "onnx/sub.txt": b"b", "onnx/sub0": b"c"}
    hub.commit(REPO, files)
    sha256 = hashlib.sha256(weights).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize 700\n"
    for name, content in (files | {"model.safetensors": pointer.encode()}).items():
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    pointed = plain.get(f"/api/models/{REPO}/revision/main", params={"blobs": "true"}).json()
    siblings = {entry["rfilename"]: entry for entry in pointed["siblings"]}
    lfs = {"sha256": sha256, "size": 700, "pointerSize": len(pointer)}
    assert siblings["model.safetensors"] == {
        "rfilename": "model.safetensors",
        "size": 700,
        "blobId": git("hash-object", "model.safetensors", cwd=tmp_path / "work"),
        "lfs": lfs,
    }
    assert siblings["config.json"] == {
        "rfilename": "config.json",
        "size": 2,
        "blobId": git("hash-object", "config.json", cwd=tmp_path / "work"),
    }
    (tmp_path / "work" / "onnx" / "model.onnx").write_text(
        f"version https://git-lfs.github.com/spec/v1\n"
        f"oid sha256:{hashlib.sha256(b'graph').hexdigest()}\nsize 5\n"
    )
    git("init", "--quiet", cwd=tmp_path / "work")
    git("add", ".", cwd=tmp_path / "work")
    tree = {entry["path"]: entry for entry in plain.get(f"/api/models/{REPO}/tree/main").json()}
    root = git("write-tree", cwd=tmp_path / "work")
    assert tree["onnx"]["oid"] == git("rev-parse", f"{root}:onnx", cwd=tmp_path / "work")
    assert tree["onnx"]["type"] == "directory"
    assert tree["model.safetensors"]["lfs"]["oid"] == sha256


def git(*words: str, cwd: Path) -> str:
    done = subprocess.run(["git", *words], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.strip()
