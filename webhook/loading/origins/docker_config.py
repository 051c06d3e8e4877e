"""Credentials for a registry: from docker's config.json, or from a token file.

`docker login` and pull secrets write config.json. It is read from DOCKER_CONFIG, or else from
~/.docker. Programs that it names (credsStore) are not run.
"""

import base64
import binascii
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from webhook.loading.origins.credentials import credential, token
from webhook.loading.origins.origin import Unavailable
from webhook.terminal.hiding import hide

_HUB: Final = "index.docker.io"
"""The name of Docker's own registry in the file, whatever its host."""
_VERSIONS: Final = frozenset({"", "v1", "v2"})


@dataclass(frozen=True, slots=True)
class Login:
    """The credentials for a registry; its repr shows no secret."""

    name: str = ""
    password: str = field(default="", repr=False)
    refresh: str = field(default="", repr=False)
    """A refresh token for the token service (identitytoken)."""
    bearer: str = field(default="", repr=False)
    """A token, sent as it is."""


class _Auth(msgspec.Struct, rename="lower"):
    auth: str = ""
    username: str = ""
    password: str = ""
    identity_token: str = msgspec.field(default="", name="identitytoken")
    registry_token: str = msgspec.field(default="", name="registrytoken")


class _Config(msgspec.Struct):
    auths: dict[str, _Auth] = {}


def of_token(text: str) -> Login:
    """Return the credentials in the text of --token-file: name:password, or a bearer token.

    Unavailable if it can't be either.
    """
    name, colon, password = credential(text.strip(), "--token-file").partition(":")
    hide(password)
    return Login(name, password) if colon else Login(bearer=token(text, "--token-file"))


def login(host: str, repository: str) -> Login | None:
    """Return the credentials for *host*, None if there are none.

    Unavailable if the file is unreadable, or they can't be credentials.
    """
    folder = os.environ.get("DOCKER_CONFIG")
    path = (Path(folder) if folder else Path.home() / ".docker") / "config.json"
    try:
        auths = msgspec.json.decode(path.read_bytes(), type=_Config).auths
        fitting = [key for key in auths if _fits(key, host, repository)]
        found = _login(auths[max(fitting, key=len)]) if fitting else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # the text of the error may contain secrets of the file
        raise Unavailable(f"{path}: can't be read as a docker config") from error
    if found:
        credential(found.name, f"{path}: the credentials for {host}", secret=False)
        for part in (found.password, found.refresh, found.bearer):
            credential(part, f"{path}: the credentials for {host}")
    return found


def _fits(key: str, host: str, repository: str) -> bool:
    """Whether a key names the whole host, or a path that the repository is below."""
    place, _, path = key.rpartition("://")[2].partition("/")
    path = path.rstrip("/")
    same = place == (_HUB if host == "docker.io" else host)
    return same and (path in _VERSIONS or f"{repository}/".startswith(f"{path}/"))


def _login(auth: _Auth) -> Login:
    name, password = auth.username, auth.password
    if auth.auth:
        try:
            text = base64.b64decode(auth.auth, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError("auth is not base64") from error
        name, _, password = text.partition(":")
    # `echo name:password | base64` has a newline.
    password = password.rstrip("\0\r\n")
    return Login(name, password, auth.identity_token.strip(), auth.registry_token.strip())
