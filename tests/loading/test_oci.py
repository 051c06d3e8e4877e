"""A model in an OCI registry, as files or in the layers of an image."""

import base64
import json
import secrets
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Ran, modelcache, peak
from tests.loading.buckets import published as whole
from tests.loading.faulty_server import Fault
from tests.loading.lacking import lacking
from tests.loading.registry_server import (
    INDEX,
    NAME,
    PASSWORD,
    TAR,
    Ports,
    Repository,
    digest_of,
    repository,
    special,
    tar,
)
from tests.store.models import safetensors
from webhook.admission.request.resolve import resolve
from webhook.loading.layers import Layers
from webhook.loading.origins.origin import Unavailable
from webhook.loading.patterns import Patterns
from webhook.models.catalogue import Catalogue
from webhook.models.layout import uri_folder
from webhook.rendering.loader import PEAK

pytestmark = pytest.mark.programs

WEIGHTS = "model.safetensors"
SIZE = 3_000_000
MiB = 2**20
MANIFESTS, BLOBS = "*/manifests/*", "*/blobs/*"


@pytest.fixture
def oci(ports: Ports) -> Iterator[Repository]:
    with repository(ports) as found:
        yield found


def weights(folder: Path, size: int = SIZE) -> bytes:
    safetensors(folder / WEIGHTS, size)
    return (folder / WEIGHTS).read_bytes()


def artifact(oci: Repository, folder: Path) -> str:
    """Push a model of two files, and return the digest of its manifest."""
    files = {"config.json": b"{}", WEIGHTS: weights(folder)}
    return oci.push([oci.layer(content, name=name) for name, content in files.items()])


def image(oci: Repository, *layers: Mapping[str, Any] | bytes) -> str:
    """Push an image; each layer is an archive, or the content of one."""
    return oci.push([
        oci.layer(one if isinstance(one, bytes) else tar(one), TAR) for one in layers
    ])  # fmt: skip


def load(oci: Repository, store: Path, *flags: str | Path, uri: str = "", **more: str) -> Ran:
    environment = {
        "SSL_CERT_FILE": str(oci.ports.authority.certificate), "HF_TOKEN": "hf_of-the-hub", "DOCKER_CONFIG": "",
    } | more  # fmt: skip
    ran = modelcache("load", uri or oci.uri, store, *flags, env=environment)
    assert PASSWORD not in ran.out + ran.err
    assert not [one for one in oci.faulty.asked if "hf_of-the-hub" in str(one.headers)]
    return ran


def published(ran: Ran) -> Path:
    place = whole(ran)
    assert list((place.parents[1] / ".incoming").iterdir()) == []
    return place


def refused(ran: Ran, store: Path) -> str:
    """Return the message; nothing is published, and nothing is next to the store."""
    assert (ran.status, ran.out) == (1, "")
    assert {path.name for path in store.iterdir()} <= {".incoming"}
    assert not list(store.parent.glob("x*"))
    return ran.err


def names(place: Path) -> set[str]:
    found = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
    assert not [path for path in place.rglob("*") if path.is_symlink()]
    return found - {".modelcache.json"}


def test_files_with_titles_are_published_by_the_digest_of_the_tag(
    oci: Repository, store: Path, tmp_path: Path
) -> None:
    digest = artifact(oci, tmp_path)
    place = published(load(oci, store))
    assert place == store / uri_folder(oci.uri) / digest.replace(":", "-")
    assert (place.parent / "main").readlink() == Path(place.name)
    assert (place / WEIGHTS).read_bytes() == weights(tmp_path)
    assert load(oci, store).out.endswith(" 0 of them downloaded\n")


def test_a_digest_never_moves(oci: Repository, store: Path, tmp_path: Path) -> None:
    digest = artifact(oci, tmp_path)
    oci.push([oci.layer(b"{}", name="other.json")])
    place = published(load(oci, store, uri=f"{oci.uri}@{digest}"))
    (pods_mount,), _ = resolve([f"{oci.uri}@{digest}"], Catalogue(()))
    assert place == store / pods_mount.directory
    assert not (place.parent / "main").exists()
    said = json.loads((place / ".modelcache.json").read_bytes())
    assert (said["source"], said["commit"]) == (f"{oci.uri}@{digest}", digest)
    copied = tmp_path / "node"
    copied.mkdir()
    assert published(load(oci, copied, uri=f"file://{place}")) == copied / place.relative_to(store)


def test_a_tag_may_be_named(oci: Repository, store: Path, tmp_path: Path) -> None:
    digest = oci.push([oci.layer(weights(tmp_path), name=WEIGHTS)], "v1.0")
    assert published(load(oci, store, uri=f"{oci.uri}:v1.0")).name == digest.replace(":", "-")


def test_a_folder_of_oras_is_unpacked(oci: Repository, store: Path, tmp_path: Path) -> None:
    packed = tar({f"sub/{WEIGHTS}": weights(tmp_path)}, compressed=True)
    notes = {"io.deis.oras.content.unpack": "true"}
    oci.push([oci.layer(packed, "application/vnd.oci.image.layer.v1.tar+gzip", "sub", **notes)])
    assert names(published(load(oci, store))) == {f"sub/{WEIGHTS}"}


def test_files_of_modelpack_have_their_path(oci: Repository, store: Path, tmp_path: Path) -> None:
    raw = "application/vnd.cncf.model.weight.v1.raw"
    layer = oci.layer(weights(tmp_path), raw, **{"org.cncf.model.filepath": f"a/{WEIGHTS}"})
    packed = oci.layer(
        tar({"config.json": b"{}"}), "application/vnd.cncf.model.weight.config.v1.tar",
        **{"org.cncf.model.filepath": "config.json"},
    )  # fmt: skip
    oci.push([layer, packed])
    assert names(published(load(oci, store))) == {f"a/{WEIGHTS}", "config.json"}


def test_a_title_says_that_a_layer_is_a_file_whatever_its_type(
    oci: Repository, store: Path, tmp_path: Path
) -> None:
    oci.push([oci.layer(weights(tmp_path), TAR, name=WEIGHTS)])  # as ORAS does
    assert names(published(load(oci, store))) == {WEIGHTS}


@pytest.mark.parametrize("compressed", [False, True])
def test_the_folder_models_of_an_image_is_the_model(
    oci: Repository, store: Path, tmp_path: Path, compressed: bool
) -> None:
    base: dict[str, bytes | tarfile.TarInfo] = {
        "bin/sh": special(tarfile.SYMTYPE, "/bin/busybox"), "bin/busybox": b"elf",
        "dev/null": special(tarfile.CHRTYPE), "etc/x.json": b"[]",
    }  # fmt: skip
    model: dict[str, bytes | tarfile.TarInfo] = {
        "./models": special(tarfile.DIRTYPE), "./models/config.json": b"{}",
        "./models/sub/tokenizer.json": b"[]", f"./models/{WEIGHTS}": weights(tmp_path),
        "./models/README.md": b"not wanted", "./models/.modelcache.json": b"of another store",
    }  # fmt: skip
    image(oci, tar(base), tar(model, compressed=compressed))
    place = published(load(oci, store))
    assert names(place) == {"config.json", "sub/tokenizer.json", WEIGHTS}
    assert (place / WEIGHTS).read_bytes() == weights(tmp_path)


def test_an_image_that_is_published_is_not_changed_for_other_patterns(
    oci: Repository, store: Path, tmp_path: Path
) -> None:
    image(oci, {f"models/{WEIGHTS}": weights(tmp_path), "models/notes.md": b"notes"})
    place = published(load(oci, store))
    ran = load(oci, store, "--allow", "*")
    assert (ran.status, names(place)) == (1, {WEIGHTS})
    assert f"{place}: was published with other patterns" in ran.err


def test_an_image_without_that_folder_is_the_model_as_a_whole(
    oci: Repository, store: Path, tmp_path: Path
) -> None:
    image(oci, {"config.json": b"{}", WEIGHTS: weights(tmp_path)})
    assert names(published(load(oci, store))) == {"config.json", WEIGHTS}


def test_upper_layers_replace_and_whiteouts_remove(
    oci: Repository, store: Path, tmp_path: Path
) -> None:
    image(
        oci,
        {"models/a.json": b"1", "models/b.json": b"1", "models/old/c.json": b"1",
         "models/all/d.json": b"1", f"models/{WEIGHTS}": weights(tmp_path)},
        {"models/a.json": b"2", "models/.wh.b.json": b"", "models/.wh.old": b"",
         "models/all/e.json": b"2", "models/all/.wh..wh..opq": b""},
    )  # fmt: skip
    place = published(load(oci, store))
    assert names(place) == {"a.json", "all/e.json", WEIGHTS}
    assert (place / "a.json").read_text() == "2"


def test_links_within_the_model_become_files(oci: Repository, store: Path, tmp_path: Path) -> None:
    image(oci, {
        "models/real.safetensors": weights(tmp_path),
        f"models/{WEIGHTS}": special(tarfile.SYMTYPE, "real.safetensors"),
        "models/sub/again.safetensors": special(tarfile.SYMTYPE, f"/models/{WEIGHTS}"),
        "models/hard.safetensors": special(tarfile.LNKTYPE, "models/real.safetensors"),
    })  # fmt: skip
    place = published(load(oci, store))
    assert len(names(place)) == 4
    for name in names(place):
        assert (place / name).read_bytes() == weights(tmp_path)


@pytest.mark.programs
def test_an_image_is_unpacked_without_hard_links_too(oci: Repository, tmp_path: Path) -> None:
    with lacking(tmp_path / "store", tmp_path / "behind", "hard links") as store:
        image(oci, {"models/model.safetensors": weights(tmp_path), "models/config.json": b"{}"})
        place = published(load(oci, store))
        assert names(place) == {"model.safetensors", "config.json"}


def lying(content: bytes, size: int) -> bytes:
    """Return an archive of one file whose header claims *size* bytes."""
    member = tarfile.TarInfo("models/x.json")
    member.size = size
    return member.tobuf() + content.ljust(512, b"\0")


def sparse() -> tarfile.TarInfo:
    return special(tarfile.GNUTYPE_SPARSE)


HOSTILE: dict[str, tuple[Mapping[str, Any] | bytes, str]] = {
    "climbs": ({"../../x.json": b"{}"}, '"../../x.json": is not a path below the model'),
    "climbs within": ({"models/a/../../../x.json": b"{}"}, "is not a path below the model"),
    "absolute": ({"/x.json": b"{}"}, '"/x.json": is not a path below the model'),
    "folder climbs": ({"../x": special(tarfile.DIRTYPE)}, '"../x": is not a path below the model'),
    "whiteout climbs": ({"../.wh.x": b""}, '"../.wh.x": is not a path below the model'),
    "no name": ({"models/a//b.json": b"{}"}, '"a//b.json": is not a path below the model'),
    "device": ({"models/x.json": special(tarfile.CHRTYPE)}, "is a device, a pipe or another"),
    "disk": ({"models/x.json": special(tarfile.BLKTYPE)}, "is a device, a pipe or another"),
    "pipe": ({"models/x.json": special(tarfile.FIFOTYPE)}, "is a device, a pipe or another"),
    "link out": (
        {"etc/passwd": b"root", "models/x.json": special(tarfile.SYMTYPE, "../etc/passwd")},
        'x.json": is a link that leads out of the model, to "etc/passwd"',
    ),
    "link to the machine": (
        {"models/x.json": special(tarfile.SYMTYPE, "../../../../etc/passwd")},
        'x.json": is a link that leads out of the image',
    ),
    "hard link out": (
        {"etc/passwd": b"root", "models/x.json": special(tarfile.LNKTYPE, "etc/passwd")},
        'x.json": is a link that leads out of the model',
    ),
    "link without end": (
        {"models/x.json": special(tarfile.SYMTYPE, "y.json"),
         "models/y.json": special(tarfile.SYMTYPE, "x.json")},
        "which is not a file of the image",
    ),
    "link to a folder": (
        {"models/a/b.json": b"{}", "models/x.json": special(tarfile.SYMTYPE, "a")},
        'x.json": is a link to "models/a", which is not a file of the image',
    ),
    "link to what is left out": (
        {"models/blob": b"{}", "models/x.json": special(tarfile.SYMTYPE, "blob")},
        "is a link to a file that is not wanted",
    ),
    "file below a link": (
        {"models/a": special(tarfile.SYMTYPE, "/etc"), "models/a/x.json": b"{}",
         "models/a.json": special(tarfile.SYMTYPE, "a/passwd")},
        'a.json": is a link to "models/a/passwd", which is not a file of the image',
    ),
    "file and folder": ({"models/x.json": b"", "models/x.json/y.json": b""}, "is a file and a folder"),
    "larger than the layer": (lying(b"{}", 5000), "layer 1: is not a complete tar"),
    "larger than the disk": (lying(b"{}", 2**50), "bytes more"),
    "negative": (lying(b"{}", -512), "layer 1: "),
    "endless name": ({"models/" + "x" * 2**21: b"{}"}, "has a header of more than 1048576 bytes"),
    "sparse": ({"models/x.json": sparse()}, "is a device, a pipe or another special file"),
    "cut": (tar({"models/x.json": b"x" * 9000})[:4096], "layer 1: "),
    "cut gzip": (tar({"models/x.json": secrets.token_bytes(9000)}, compressed=True)[:4096], "layer 1: "),
    "no tar": (b"{}" * 3000, "layer 1: is not a complete tar"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(100), "is compressed with zstd"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_layer_is_refused(
    oci: Repository, store: Path, tmp_path: Path, kind: str
) -> None:
    layer, said = HOSTILE[kind]
    image(oci, layer, {f"models/{WEIGHTS}": weights(tmp_path)})
    assert said in refused(load(oci, store), store)


@pytest.mark.parametrize("within", ["a file", "names"])
def test_unpacking_ends_with_the_deadline(tmp_path: Path, within: str) -> None:
    member: Any = b"{}" if within == "a file" else special(tarfile.SYMTYPE, "b.json")
    (tmp_path / "layer").write_bytes(tar({"models/a.json": member}))

    def room(size: int) -> None:
        layers._deadline = 0.0

    layers = Layers(tmp_path, Patterns(), room, time.monotonic() + 60 if within == "a file" else 0)
    with pytest.raises(Unavailable, match="layer 1: the deadline has passed"):
        layers.add(tmp_path / "layer")


@pytest.mark.parametrize("title", ["../../x.json", "/x.json", "a/../../x.json", ".modelcache.json"])
def test_a_title_that_leads_elsewhere_is_refused(oci: Repository, store: Path, title: str) -> None:
    oci.push([oci.layer(b"{}", name=title)])
    assert f'"{title}": is ' in refused(load(oci, store), store)
    assert list(store.iterdir()) == []


def test_a_file_and_a_layer_may_not_have_the_same_name(
    oci: Repository, store: Path, tmp_path: Path
) -> None:
    content = weights(tmp_path)
    oci.push([oci.layer(content, name=WEIGHTS), oci.layer(tar({WEIGHTS: content}), TAR)])
    assert f'"{WEIGHTS}": is listed 2 times' in refused(load(oci, store), store)


def test_pickle_in_a_layer_may_be_refused(oci: Repository, store: Path) -> None:
    image(oci, {"models/a.bin": b"x"})
    said = refused(load(oci, store, "--allow", "*", "--safetensors-only"), store)
    assert "a.bin: pickle, which runs code" in said


def test_an_image_without_weights_is_refused(oci: Repository, store: Path) -> None:
    image(oci, {"models/config.json": b"{}"})
    assert "it has no safetensors (config.json)" in refused(load(oci, store), store)


def test_the_image_for_this_machine_is_taken_from_an_index(
    oci: Repository, store: Path, tmp_path: Path
) -> None:
    found = []
    for machine in ("s390x", "amd64", "arm64"):
        digest = image(
            oci, {f"models/{machine}.json": b"{}", f"models/{WEIGHTS}": weights(tmp_path)}
        )
        size = int(oci.client.head(f"/v2/{oci.name}/manifests/{digest}").headers["content-length"])
        found.append({
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest,
            "size": size, "platform": {"os": "linux", "architecture": machine},
        })  # fmt: skip
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": found}
    digest = oci.manifest(index, "latest")
    place = published(load(oci, store))
    assert place.name == digest.replace(":", "-")
    assert names(place) & {"amd64.json", "arm64.json", "s390x.json"} in (
        {"amd64.json"},
        {"arm64.json"},
    )
    oci.manifest(index | {"manifests": [found[0], found[0]]}, "foreign")
    said = load(oci, store, uri=f"{oci.uri}:foreign").err
    assert "is an index of 2, none for linux/" in said


def asked(oci: Repository, digest: str) -> list[tuple[str | None, int]]:
    """Return range and status of each request for a blob."""
    return [
        (one.headers.get("range"), one.code)
        for one in oci.faulty.asked
        if one.path.endswith(digest)
    ]


@pytest.mark.parametrize("kind", ["file", "layer"])
def test_a_blob_that_is_cut_continues_where_it_stopped(
    oci: Repository, store: Path, tmp_path: Path, kind: str
) -> None:
    content = weights(tmp_path)
    if kind == "layer":
        content = tar({WEIGHTS: content})
        oci.push([oci.layer(content, TAR)])
    else:
        oci.push([oci.layer(content, name=WEIGHTS)])
    oci.faulty.faults.append(Fault(BLOBS, cut_after=1_500_000, times=1))
    published(load(oci, store))
    first, second = asked(oci, digest_of(content))
    assert (first, second[1]) == ((None, 200), 206)
    assert 1_500_000 - MiB <= int((second[0] or "").removeprefix("bytes=").rstrip("-")) <= 1_500_000


@pytest.mark.parametrize("kind", ["file", "layer"])
def test_wrong_bytes_are_never_published(
    oci: Repository, store: Path, tmp_path: Path, kind: str
) -> None:
    if kind == "file":
        artifact(oci, tmp_path)
    else:
        image(oci, {WEIGHTS: weights(tmp_path)})
    oci.faulty.faults.append(Fault(BLOBS, corrupt_at=1))
    said = refused(load(oci, store), store)
    assert "its sha256 is " in said
    assert said.endswith(": 3 times\n")


def test_a_manifest_with_another_digest_is_refused(
    oci: Repository, store: Path, tmp_path: Path
) -> None:
    artifact(oci, tmp_path)
    oci.faulty.faults.append(Fault(MANIFESTS, corrupt_at=20))
    assert "/manifests/latest: its digest is sha256:" in refused(load(oci, store), store)


def test_a_blob_that_arrived_is_not_requested_again(
    oci: Repository, store: Path, tmp_path: Path
) -> None:
    first, second = tar({"models/a.json": b"{}"}), tar({f"models/{WEIGHTS}": weights(tmp_path)})
    image(oci, first, second)
    oci.faulty.faults.append(Fault(f"*{digest_of(second)}", status=403))
    assert "answered 403" in refused(load(oci, store, "--parallel=1"), store)
    oci.faulty.faults.clear()
    published(load(oci, store))
    assert asked(oci, digest_of(first)) == [(None, 200)]


@pytest.mark.parametrize("path", [MANIFESTS, BLOBS])
@pytest.mark.parametrize("status", [429, 503])
def test_a_registry_that_is_busy_is_asked_again_when_it_says(
    oci: Repository, store: Path, tmp_path: Path, status: int, path: str
) -> None:
    artifact(oci, tmp_path)
    oci.faulty.faults.append(Fault(path, status=status, headers={"Retry-After": "3"}, times=1))
    ran = load(oci, store)
    published(ran)
    assert f"answered {status}; again in 3 s" in ran.err


@pytest.mark.parametrize("path", [MANIFESTS, BLOBS])
@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_or_a_missing_tag_is_reported_at_once(
    oci: Repository, store: Path, tmp_path: Path, status: int, path: str
) -> None:
    artifact(oci, tmp_path)
    oci.faulty.faults.append(Fault(path, status=status))
    said = refused(load(oci, store), store)
    assert f"answered {status}" in said
    assert "again in" not in said


@pytest.mark.parametrize(
    "uri", ["oci://example.org/A", "oci://example.org/a:-", "oci://example.org"]
)
def test_a_malformed_reference_is_reported(oci: Repository, store: Path, uri: str) -> None:
    assert "must be oci://registry/repository[:tag]" in refused(load(oci, store, uri=uri), store)


def docker_config(folder: Path, auths: Mapping[str, Mapping[str, str]]) -> str:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"auths": auths}))
    return str(folder)


def basic(name: str = NAME, password: str = PASSWORD) -> str:
    return base64.b64encode(f"{name}:{password}".encode()).decode()


def logins(
    oci: Repository, how: str, folder: Path
) -> tuple[tuple[str | Path, ...], dict[str, str]]:
    """Return flags and environment with the credentials."""
    if how == "token file":
        (folder / "token").write_text(f"{NAME}:{PASSWORD}\n")
        return ("--token-file", folder / "token"), {}
    key, entry = {
        "host": (oci.faulty.host, {"auth": basic()}),
        "url": (f"https://{oci.faulty.host}/v2/", {"auth": basic()}),
        "repository": (f"{oci.faulty.host}/acme", {"username": NAME, "password": PASSWORD}),
    }[how]
    wrong = {f"{oci.faulty.host}/acm": {"auth": basic("wrong")}, "x.org": {"auth": basic("x")}}
    return (), {"DOCKER_CONFIG": docker_config(folder / "docker", wrong | {key: entry})}


@pytest.mark.parametrize("how", ["token file", "host", "url", "repository"])
def test_a_registry_that_asks_for_a_password_gets_it(
    ports: Ports, store: Path, tmp_path: Path, how: str
) -> None:
    with repository(ports, "basic") as oci:
        artifact(oci, tmp_path)
        assert "answered 401: it denies access" in refused(load(oci, store), store)
        flags, environment = logins(oci, how, tmp_path)
        published(load(oci, store, *flags, **environment))


def test_a_wrong_password_is_reported(ports: Ports, store: Path, tmp_path: Path) -> None:
    with repository(ports, "basic") as oci:
        artifact(oci, tmp_path)
        config = docker_config(tmp_path / "d", {oci.faulty.host: {"auth": basic(password="no")}})
        said = refused(load(oci, store, DOCKER_CONFIG=config), store)
        assert "answered 401: it denies access without credentials, or with these" in said


@pytest.mark.parametrize("content", ['{"auths": {"a": {"auth": 3}}}', "secret", '{"auths": 1}'])
def test_an_unreadable_config_is_named_without_its_text(
    oci: Repository, store: Path, tmp_path: Path, content: str
) -> None:
    (tmp_path / "config.json").write_text(content)
    said = refused(load(oci, store, DOCKER_CONFIG=str(tmp_path)), store)
    assert said == f"modelcache: {tmp_path}/config.json: can't be read as a docker config\n"


@pytest.fixture
def guarded(ports: Ports, tmp_path: Path) -> Iterator[Repository]:
    """A registry with a token service, whose tokens it verifies."""
    with repository(ports, "token") as oci:
        artifact(oci, tmp_path)
        body = json.dumps({"token": oci.token()}).encode()
        oci.faulty.faults.append(Fault("/token*", status=200, body=body))
        yield oci


def services(oci: Repository) -> list[tuple[str, str | None]]:
    """Return path and authorization of each request for a token."""
    return [
        (one.path, one.headers.get("authorization"))
        for one in oci.faulty.asked
        if one.path.startswith("/token")
    ]


def test_a_token_to_pull_is_fetched_from_the_named_service(
    guarded: Repository, store: Path
) -> None:
    published(load(guarded, store))
    ((path, said),) = services(guarded)
    scope = f"repository%3A{guarded.name}%3Apull".replace("/", "%2F")
    assert path == f"/token?service=registry&scope={scope}"
    assert said is None


def test_the_service_gets_our_credentials_and_the_registry_only_the_token(
    guarded: Repository, store: Path, tmp_path: Path
) -> None:
    config = docker_config(tmp_path / "d", {guarded.faulty.host: {"auth": basic()}})
    published(load(guarded, store, DOCKER_CONFIG=config))
    ((_, said),) = services(guarded)
    assert said == f"Basic {basic()}"
    others = [one for one in guarded.faulty.asked if not one.path.startswith("/token")]
    assert not [one for one in others if basic() in str(one.headers)]


def test_an_identity_token_is_exchanged(guarded: Repository, store: Path, tmp_path: Path) -> None:
    body = json.dumps({"access_token": guarded.token()}).encode()
    guarded.faulty.faults.insert(0, Fault("/token", "POST", status=200, body=body))
    entry = {"auth": basic(), "identitytoken": "identity-of-the-tests"}
    config = docker_config(tmp_path / "d", {guarded.faulty.host: entry})
    ran = load(guarded, store, DOCKER_CONFIG=config)
    published(ran)
    assert [one.method for one in guarded.faulty.asked if one.path == "/token"] == ["POST"]
    assert "identity-of-the-tests" not in ran.out + ran.err


def test_an_expired_token_is_fetched_again(guarded: Repository, store: Path) -> None:
    challenge = f'Bearer realm="{guarded.faulty.url}/token",service="registry"'
    headers = {"WWW-Authenticate": challenge}
    guarded.faulty.faults.append(Fault(BLOBS, status=401, headers=headers, times=1))
    published(load(guarded, store))
    assert len(services(guarded)) == 2


def test_a_redirect_of_the_token_service_is_not_followed(
    guarded: Repository, store: Path, tmp_path: Path
) -> None:
    place = {"Location": f"{guarded.storage.url}/token"}
    guarded.faulty.faults.insert(0, Fault("/token*", status=307, headers=place))
    config = docker_config(tmp_path / "d", {guarded.faulty.host: {"auth": basic()}})
    assert "/token: answered 307" in refused(load(guarded, store, DOCKER_CONFIG=config), store)
    assert guarded.storage.asked == []


def test_a_service_without_tls_gets_no_credentials(guarded: Repository, store: Path) -> None:
    challenge = f'Bearer realm="http://{guarded.faulty.host}/token",service="registry"'
    headers = {"WWW-Authenticate": challenge}
    guarded.faulty.faults.insert(0, Fault(MANIFESTS, status=401, headers=headers))
    said = refused(load(guarded, store), store)
    assert "names a token service that is not https" in said
    assert services(guarded) == []


def test_a_host_that_blobs_are_redirected_to_gets_no_credentials(
    ports: Ports, store: Path, tmp_path: Path
) -> None:
    with repository(ports, "basic") as oci:
        content = weights(tmp_path)
        oci.push([oci.layer(content, name=WEIGHTS)])
        path = f"/v2/{oci.name}/blobs/{digest_of(content)}"
        place = {"Location": oci.storage.url + path}
        # Only requests with a password are redirected.
        oci.faulty.faults.append(Fault(BLOBS, status=307, headers=place))
        config = docker_config(tmp_path / "d", {oci.faulty.host: {"auth": basic()}})
        published(load(oci, store, DOCKER_CONFIG=config))
        (there,) = oci.storage.asked
        assert (there.path, there.headers.get("authorization")) == (path, None)
        assert oci.faulty.asked[-1].headers["authorization"] == f"Basic {basic()}"


def test_memory_does_not_grow_with_the_model(oci: Repository, store: Path, tmp_path: Path) -> None:
    image(oci, *(
        tar({f"models/{number}.safetensors": weights(tmp_path, 40 * MiB)}, compressed=number < 2, **({"compresslevel": 1} if number < 2 else {}))
        for number in range(4)
    ))  # fmt: skip
    environment = {
        "SSL_CERT_FILE": str(oci.ports.authority.certificate), "HOME": str(tmp_path), "PATH": "/bin",
    }  # fmt: skip
    assert peak(sys.executable, "-m", "webhook", "load", oci.uri, store, env=environment) < PEAK
