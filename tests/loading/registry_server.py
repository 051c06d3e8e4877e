"""Run OCI registries (distribution) that share their storage, and push to them."""

import base64
import hashlib
import io
import json
import secrets
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.kubernetes import binaries
from tests.kubernetes.certificates import Authority
from tests.loading.faulty_server import FaultyServer, faulty_server
from tests.loading.programs import HOST, program

NAME, PASSWORD = "loader", "password-of-the-tests"
HASH = "$2b$05$abcdefghijklmnopqrstuuWIdHHbcHCbQl9axRX8PLVYdE/X22muy"
"""The bcrypt hash of the password."""
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
TAR = "application/vnd.oci.image.layer.v1.tar"
FILE = "application/octet-stream"
TITLE = "org.opencontainers.image.title"


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of the registries, which share their storage."""

    open: int
    basic: int
    """Requires name and password."""
    token: int
    """Requires a token that the authority signed."""
    authority: Authority


@contextmanager
def registries(folder: Path) -> Iterator[Ports]:
    """Run the registries for a `with` block."""
    authority = Authority(folder / "pki")
    (folder / "htpasswd").write_text(f"{NAME}:{HASH}\n")
    ways: list[dict[str, Any]] = [
        {},
        {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}},
        {"token": {
            "realm": "https://replaced.invalid/token", "autoredirect": True, "autoredirectpath": "/token",
            "service": "registry", "issuer": "tests", "rootcertbundle": str(authority.certificate),
        }},
    ]  # fmt: skip
    with ExitStack() as stack:
        ports = []
        for number, auth in enumerate(ways):
            port = HOST.free_port()
            config = {
                "version": 0.1,
                "log": {"level": "error", "accesslog": {"disabled": True}},
                "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
                "http": {"addr": f"127.0.0.1:{port}", "secret": "tests"},
            } | ({"auth": auth} if auth else {})
            file = folder / f"{number}.yaml"
            file.write_text(yaml.safe_dump(config))
            argv: list[str | Path] = [binaries.path(binaries.REGISTRY), "serve", file]
            log = folder / f"{number}.log"
            none = {"OTEL_TRACES_EXPORTER": "none"}
            stack.enter_context(program(argv, f"http://127.0.0.1:{port}/v2/", log, none))
            ports.append(port)
        first, second, third = ports
        yield Ports(first, second, third, authority)


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository that one test uses; faulty servers with TLS stand in front of the registries."""

    name: str
    faulty: FaultyServer
    """In front of the registry that the loader asks."""
    storage: FaultyServer
    """In front of the open registry, to which blobs may be redirected."""
    ports: Ports
    client: httpx.Client

    @property
    def uri(self) -> str:
        return f"oci://{self.faulty.host}/{self.name}"

    def blob(self, content: bytes) -> str:
        """Push a blob, and return its digest."""
        answer = self.client.post(f"/v2/{self.name}/blobs/uploads/").raise_for_status()
        place = httpx.URL(answer.headers["location"]).copy_add_param("digest", digest_of(content))
        self.client.put(place, content=content).raise_for_status()
        return digest_of(content)

    def layer(
        self, content: bytes, media: str = FILE, name: str | None = None, **notes: str
    ) -> dict[str, Any]:
        """Push a layer, and return its descriptor."""
        annotations = notes | ({TITLE: name} if name is not None else {})
        digest = self.blob(content)
        return {
            "mediaType": media,
            "digest": digest,
            "size": len(content),
            "annotations": annotations,
        }

    def push(self, layers: Sequence[Mapping[str, Any]], tag: str = "latest") -> str:
        """Push a manifest of *layers*, and return its digest."""
        config = {
            "mediaType": "application/vnd.oci.empty.v1+json", "digest": self.blob(b"{}"), "size": 2,
        }  # fmt: skip
        document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
        return self.manifest(document, tag)

    def manifest(self, document: Mapping[str, Any], tag: str) -> str:
        content = json.dumps(document).encode()
        headers = {"Content-Type": document["mediaType"]}
        path = f"/v2/{self.name}/manifests/{tag}"
        self.client.put(path, content=content, headers=headers).raise_for_status()
        return digest_of(content)

    def token(self) -> str:
        """Return a signed token to pull, as from a token service (RFC 7519)."""
        authority = self.ports.authority
        pair = authority.sign(f"signer-{secrets.token_hex(4)}", hosts=["signer"])
        key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
        der = certificate.public_bytes(serialization.Encoding.DER)
        access = [{"type": "repository", "name": self.name, "actions": ["pull"]}]
        now = int(time.time())
        head = {"alg": "ES256", "typ": "JWT", "x5c": [base64.b64encode(der).decode()]}
        body = {
            "iss": "tests", "sub": NAME, "aud": "registry", "exp": now + 300, "nbf": now - 60,
            "iat": now, "jti": secrets.token_hex(8), "access": access,
        }  # fmt: skip
        signed = f"{_encoded(json.dumps(head).encode())}.{_encoded(json.dumps(body).encode())}"
        r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_encoded(r.to_bytes(32) + s.to_bytes(32))}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@contextmanager
def repository(ports: Ports, kind: str = "open") -> Iterator[Repository]:
    """Yield a repository for one test, behind the registry of that kind."""
    pair = ports.authority.sign(f"front-{secrets.token_hex(4)}", hosts=["127.0.0.1"])
    with (
        httpx.Client(base_url=f"http://127.0.0.1:{ports.open}", trust_env=False) as client,
        faulty_server(getattr(ports, kind), pair) as faulty,
        faulty_server(ports.open, pair) as storage,
    ):
        yield Repository(f"acme/m{secrets.token_hex(4)}", faulty, storage, ports, client)


def tar(
    files: Mapping[str, bytes | tarfile.TarInfo], *, compressed: bool = False, **options: Any
) -> bytes:
    """Return an archive; a TarInfo is for an entry that is not a plain file, or has other attributes."""
    out = io.BytesIO()
    mode = "w:gz" if compressed else "w"
    with tarfile.open(fileobj=out, mode=mode, **options) as archive:  # type: ignore[call-overload]  # two modes
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                content.name = name
                archive.addfile(content)
            else:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def special(kind: bytes, target: str = "") -> tarfile.TarInfo:
    """Return a link to *target*, a folder, a device or a pipe."""
    found = tarfile.TarInfo("later")
    found.type, found.linkname = kind, target
    return found
