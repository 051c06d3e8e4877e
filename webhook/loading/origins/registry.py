"""A repository of an OCI registry: its manifests, its blobs, and the tokens for them.

The protocol is opencontainers/distribution-spec. Tokens follow Docker's flow (distribution, "Token
Authentication"). Our credentials are sent to the registry, and to the token service that it names,
if that is https. They are never sent to a host that a blob is redirected to.
"""

import base64
import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final, TypeVar

import httpx2
import msgspec

from webhook.loading.origins.docker_config import Login
from webhook.loading.origins.http_body import body, http_client, refused, shown, translated
from webhook.loading.origins.http_status import CREDENTIALS
from webhook.loading.origins.origin import Body, Changed, Unauthorized, Unavailable
from webhook.terminal.hiding import hide

Found = TypeVar("Found")
_LARGEST: Final = 4 * 2**20
"""Bytes of a manifest, or of an answer with a token; registries refuse larger manifests."""
_HOSTS: Final = {"docker.io": "registry-1.docker.io"}
_PARAMETER: Final = re.compile(r'(\w+)="([^"]*)"')


class _Token(msgspec.Struct):
    token: str = ""
    access_token: str = ""


class Registry:
    """One repository of one registry, over TLS."""

    def __init__(self, host: str, repository: str, login: Login | None) -> None:
        self._repository, self._login = repository, login
        self._base = f"https://{_HOSTS.get(host, host)}/v2/{repository}"
        self._client = http_client()
        self._lock = threading.Lock()
        self._authorization = f"Bearer {login.bearer}" if login and login.bearer else ""

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def manifest(self, reference: str, accept: str) -> tuple[str, bytes]:
        """Return digest and content of a manifest; Changed if they don't match.

        *reference* is a tag or a digest.
        """
        url = f"{self._base}/manifests/{reference}"

        def ask(headers: Mapping[str, str]) -> tuple[str, bytes]:
            with (
                translated(url),
                self._client.stream("GET", url, headers={**headers, "Accept": accept}) as answer,
            ):
                refused(url, answer, CREDENTIALS)
                return answer.headers.get("docker-content-digest", ""), _read(url, answer)

        named, content = self._known(ask)
        found = f"sha256:{hashlib.sha256(content).hexdigest()}"
        announced = reference if ":" in reference else named or found
        if found != announced:
            raise Changed(f"{shown(url)}: its digest is {found}, but {announced} was announced")
        return found, content

    @contextmanager
    def blob(self, digest: str, start: int) -> Iterator[Body]:
        """Yield a blob from byte *start* on."""
        url = f"{self._base}/blobs/{digest}"
        with ExitStack() as stack:
            yield self._known(
                lambda headers: stack.enter_context(
                    body(self._client, url, headers, start, None, CREDENTIALS)
                )
            )

    def _known(self, ask: Callable[[Mapping[str, str]], Found]) -> Found:
        """Return what *ask* returns; with new credentials if the registry refuses those it gets."""
        used = self._authorization
        try:
            return ask({"Authorization": used} if used else {})
        except Unauthorized as error:
            with self._lock:
                if self._authorization == used:  # another file's thread may have renewed it
                    self._authorization = self._authorized(error)
        return ask({"Authorization": self._authorization})

    def _authorized(self, refusal: Unauthorized) -> str:
        """Return a header Authorization for the registry; raise *refusal* if there is none."""
        kind, _, rest = refusal.challenge.partition(" ")
        asked = dict(_PARAMETER.findall(rest))
        login = self._login
        if login and login.bearer:
            raise refusal
        if kind.lower() == "bearer" and "realm" in asked:
            return f"Bearer {self._token(asked['realm'], asked.get('service', ''))}"
        if kind.lower() == "basic" and login and login.name:
            basic = httpx2.BasicAuth(login.name, login.password)
            request = next(basic.auth_flow(httpx2.Request("GET", self._base)))
            header = str(request.headers["Authorization"])
            hide(header.partition(" ")[2])
            return header
        raise refusal

    def _token(self, realm: str, service: str) -> str:
        """Return a token of the service at *realm*, only to pull from this repository."""
        if not realm.startswith("https://"):
            raise Unavailable(f"{shown(self._base)}: names a token service that is not https")
        wanted = {"service": service, "scope": f"repository:{self._repository}:pull"}
        login = self._login
        # No redirects: the request contains our credentials.
        how: dict[str, Any] = {"follow_redirects": False}
        if login and login.refresh:
            grant = {"grant_type": "refresh_token", "refresh_token": login.refresh}
            how |= {"method": "POST", "data": {**wanted, **grant, "client_id": "modelcache"}}
        else:
            how |= {"method": "GET", "params": wanted}
            if login and login.name:
                how["auth"] = (login.name, login.password)
                hide(base64.b64encode(f"{login.name}:{login.password}".encode()).decode())
        with translated(realm), self._client.stream(url=realm, **how) as answer:
            refused(realm, answer, CREDENTIALS)
            content = _read(realm, answer)
        try:
            said = msgspec.json.decode(content, type=_Token)
        except msgspec.MsgspecError as error:
            raise Unavailable(f"{shown(realm)}: gives no token") from error
        token = said.token or said.access_token
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise Unavailable(f"{shown(realm)}: gives no token")
        hide(token)
        return token


def _read(url: str, answer: httpx2.Response) -> bytes:
    content = b""
    for block in answer.iter_bytes():
        content += block
        if len(content) > _LARGEST:
            raise Unavailable(f"{shown(url)}: answers with more than {_LARGEST} bytes")
    return content
