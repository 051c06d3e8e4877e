"""Read the values of annotations: one function for each kind of value.

Each returns the value, or raises ValueError that says what is wrong and what to
write instead. The caller adds the name of the annotation.
"""

import re
from collections.abc import Callable
from typing import Final, TypeVar

from webhook.values.quantity import Quantity
from webhook.values.text import quoted

T = TypeVar("T")
_OBJECT_NAME: Final = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
_LABEL_NAME: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_IMAGE: Final = re.compile(
    r"[a-z0-9](?:[a-zA-Z0-9._-]*(?::[0-9]+)?)(?:/[a-z0-9][a-z0-9._-]*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
_MOST_USERS: Final = 2**31 - 1
MOST_BYTES: Final = Quantity(2**50)
"""No model and no /dev/shm is larger than this: a larger number is a typing error."""


def listed(of: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """Return a reader of a comma-separated list of what *of* reads."""

    def read(text: str) -> tuple[T, ...]:
        return tuple([of(part.strip()) for part in text.split(",")])

    return read


def one_of(*words: str) -> Callable[[str], str]:
    """Return a reader that accepts one of *words*."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}, not {quoted(text)}")
        return text

    return read


def boolean(text: str) -> bool:
    """Read "true" or "false"."""
    if text not in ("true", "false"):
        raise ValueError(f'must be "true" or "false", not {quoted(text)}')
    return text == "true"


def amount(text: str) -> Quantity:
    """Read a number of bytes, 0 included."""
    value = Quantity.parse(text)
    if not 0 <= value <= MOST_BYTES:
        raise ValueError(f"{quoted(text)} is out of range: must be from 0 to {MOST_BYTES}")
    return value


def size(text: str) -> Quantity:
    """Read a number of bytes above 0."""
    if not (value := amount(text)):
        raise ValueError(f"{quoted(text)} must be more than 0")
    return value


def claim_name(text: str) -> str:
    """Read the name of a PersistentVolumeClaim (DNS subdomain, at most 253 characters)."""
    if "/" in text:
        raise ValueError(
            f"{quoted(text)} names another namespace, but a pod can mount only claims of its "
            "own namespace: write only the claim's name"
        )
    return object_name(text)


def object_name(text: str) -> str:
    """Read a DNS subdomain name."""
    if not _OBJECT_NAME.fullmatch(text) or ".." in text:
        raise ValueError(f"{quoted(text)} is not a name such as model-store")
    return text


def container_name(text: str) -> str:
    """Read the name of a container (DNS label)."""
    if not _LABEL_NAME.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a container name such as vllm")
    return text


def user_id(text: str) -> int:
    """Read the ID of a user who is not root (runAsUser, at most 2147483647)."""
    if not re.fullmatch("[1-9][0-9]{0,9}", text) or int(text) > _MOST_USERS:
        raise ValueError(f"{quoted(text)} is not a user ID from 1 to {_MOST_USERS}")
    return int(text)


def image_reference(text: str) -> str:
    """Read an OCI image reference."""
    if not _IMAGE.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not an image such as example.com/model@sha256:…")
    return text
