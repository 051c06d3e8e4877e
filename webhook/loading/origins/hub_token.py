"""Find the token for the hub, in the order of its own tools, and say where it comes from."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from huggingface_hub import constants, get_token
from huggingface_hub.errors import OIDCError

from webhook.loading.origins.credentials import in_file, in_variable, token
from webhook.loading.origins.origin import Access, Unavailable

_VARIABLES: Final = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""The library reads both."""


@dataclass(frozen=True, slots=True)
class HubToken:
    """A token, or none; its repr does not show it."""

    token: str = field(default="", repr=False)
    whence: str = ""
    """The file, option or variable that it comes from."""
    cached: bool = False
    """Whether nobody gave it to this command: it is from an earlier login."""


def hub_token(access: Access) -> HubToken:
    """Return the token to send; Unavailable if it can't be one."""
    if access.token:
        return HubToken(token(access.token, "--token-file"), "--token-file")
    for name in _VARIABLES:
        if text := in_variable(name):
            return HubToken(token(text, name), name)
    if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN:
        return HubToken()
    return _of_login()


def _of_login() -> HubToken:
    """Return the token that `hf auth login` has stored, or that HF_OIDC_RESOURCE asks for."""
    path = Path(constants.HF_TOKEN_PATH)
    whence = "HF_OIDC_RESOURCE" if os.environ.get("HF_OIDC_RESOURCE") else str(path)
    if path.exists() and path.stat().st_size:
        token(in_file(path), str(path))  # the library would join two lines
    try:
        found = get_token()  # it renews what is about to expire
    except OIDCError as error:
        raise Unavailable("HF_OIDC_RESOURCE: the hub gives no token for this job") from error
    return HubToken(token(found, whence), whence, cached=True) if found else HubToken()
