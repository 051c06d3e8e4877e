"""Read the values of annotations: one function for each kind of value.

Each returns the value, or raises ValueError that says what is wrong and what to
write instead. The caller adds the name of the annotation.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from webhook.values.quantity import Quantity
from webhook.values.text import quoted

T = TypeVar("T")
OBJECT_NAME: Final = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
"""The form of a DNS subdomain; two dots in a row are refused too."""
_LABEL_NAME: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
IMAGE: Final = re.compile(
    r"[a-z0-9](?:[a-zA-Z0-9._-]*(?::[0-9]+)?)(?:/[a-z0-9][a-z0-9._-]*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
"""The form of an OCI image reference."""
MOST_USERS: Final = 2**31 - 1
MOST_BYTES: Final = Quantity(2**50)
"""No model and no /dev/shm is larger than this: a larger number is a typing error."""


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """Reads a comma-separated list."""

    of: Callable[[str], T]

    def __call__(self, text: str) -> tuple[T, ...]:
        """Return what `of` reads from each part of *text*."""
        return tuple([self.of(part.strip()) for part in text.split(",")])


def listed(of: Callable[[str], T]) -> Listed[T]:
    """Return a reader of a comma-separated list of what *of* reads."""
    return Listed(of)


@dataclass(frozen=True, slots=True)
class OneOf:
    """Reads one of some words."""

    words: tuple[str, ...]

    def __call__(self, text: str) -> str:
        """Return *text*; ValueError if it is none of the words."""
        if text not in self.words:
            raise ValueError(f"must be one of {', '.join(self.words)}, not {quoted(text)}")
        return text


def one_of(*words: str) -> OneOf:
    """Return a reader that accepts one of *words*."""
    return OneOf(words)


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
    if not OBJECT_NAME.fullmatch(text) or ".." in text:
        raise ValueError(f"{quoted(text)} is not a name such as model-store")
    return text


def container_name(text: str) -> str:
    """Read the name of a container (DNS label)."""
    if not _LABEL_NAME.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a container name such as vllm")
    return text


def user_id(text: str) -> int:
    """Read the ID of a user who is not root (runAsUser, at most 2147483647)."""
    if not re.fullmatch("[1-9][0-9]{0,9}", text) or int(text) > MOST_USERS:
        raise ValueError(f"{quoted(text)} is not a user ID from 1 to {MOST_USERS}")
    return int(text)


def image_reference(text: str) -> str:
    """Read an OCI image reference."""
    if not IMAGE.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not an image such as example.com/model@sha256:…")
    return text


def digest_reference(text: str) -> str:
    """Read an OCI image reference that names its content."""
    reference = image_reference(text)
    if "@" not in reference:
        raise ValueError(
            f"{quoted(text)} names a tag, which can change: write the digest, "
            "such as example.com/model@sha256:…"
        )
    return reference
