"""Readers of annotation values: what they accept, and their messages."""

from collections.abc import Callable
from typing import Any

import pytest

from webhook.values import paths, readers
from webhook.values.quantity import Quantity

TAKEN: list[tuple[Callable[[str], Any], str, Any]] = [
    (readers.boolean, "true", True),
    (readers.boolean, "false", False),
    (readers.amount, "0", 0),
    (readers.amount, "2Gi", 2**31),
    (readers.amount, "1Pi", 2**50),
    (readers.size, "1", 1),
    (readers.claim_name, "model-store", "model-store"),
    (readers.claim_name, "a.b-c", "a.b-c"),
    (readers.claim_name, "a" * 253, "a" * 253),
    (readers.container_name, "vllm", "vllm"),
    (paths.relative_path, "a/b+c/@d_e", "a/b+c/@d_e"),
    (paths.relative_path, "a/", "a"),
    (paths.absolute_path, "/models", "/models"),
    (paths.absolute_path, "//models//x/", "/models/x"),
    (paths.absolute_path, "/developer", "/developer"),
    (readers.image_reference, "a.io/b/c:v1", "a.io/b/c:v1"),
    (readers.image_reference, "a.io:5000/b@sha256:" + "0" * 64, "a.io:5000/b@sha256:" + "0" * 64),
    (readers.one_of("a", "b"), "b", "b"),
    (readers.listed(readers.size), "1, 2Ki", (Quantity(1), Quantity(2048))),
]
REFUSED: list[tuple[Callable[[str], Any], str, str]] = [
    (readers.boolean, "True", 'must be "true" or "false", not "True"'),
    (readers.boolean, "yes", 'must be "true" or "false", not "yes"'),
    (readers.amount, "-1", '"-1" is out of range: must be from 0 to 1048576Gi'),
    (readers.amount, "2Pi", '"2Pi" is out of range: must be from 0 to 1048576Gi'),
    (readers.amount, "big", '"big" is not a quantity such as 512Mi or 16Gi'),
    (readers.size, "0", '"0" must be more than 0'),
    (readers.claim_name, "ns/claim", "write only the claim's name"),
    (readers.claim_name, "My_Claim", "is not a name such as model-store"),
    (readers.claim_name, "a..b", "is not a name such as model-store"),
    (readers.claim_name, "a" * 254, "is not a name such as model-store"),
    (readers.container_name, "a.b", "is not a container name such as vllm"),
    (readers.container_name, "", "is not a container name such as vllm"),
    (paths.relative_path, "/a", "must be a relative directory"),
    (paths.relative_path, "", "must be a relative directory"),
    (paths.relative_path, "../a", "is not a plain path"),
    (paths.relative_path, "a/./b", "is not a plain path"),
    (paths.relative_path, "a//b", "is not a plain path"),
    (paths.relative_path, "a/$(HOME)", "is not a plain path"),
    (paths.relative_path, "a b", "is not a plain path"),
    (paths.relative_path, "a\n", "is not a plain path"),
    (paths.relative_path, "\N{LATIN SMALL LETTER U WITH DIAERESIS}", "is not a plain path"),
    (paths.relative_path, "a/" * 600 + "a", "is longer than 1024 characters"),
    (paths.absolute_path, "models", "must be an absolute directory"),
    (paths.absolute_path, "/", 'must not be "/"'),
    (paths.absolute_path, "///", 'must not be "/"'),
    (paths.absolute_path, "/a/../b", "is not a plain path"),
    (paths.absolute_path, "/proc", "is below /proc, /sys, /dev"),
    (paths.absolute_path, "//dev/shm/", "is below /proc, /sys, /dev"),
    (paths.absolute_path, "/sys/fs", "is below /proc, /sys, /dev"),
    (readers.image_reference, "a b", "is not an image"),
    (readers.image_reference, "a@sha256:abc", "is not an image"),
    (readers.image_reference, "-a", "is not an image"),
    (readers.one_of("a", "b"), "c", 'must be one of a, b, not "c"'),
]


@pytest.mark.parametrize(("read", "text", "expected"), TAKEN)
def test_taken(read: Callable[[str], Any], text: str, expected: object) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(("read", "text", "said"), REFUSED)
def test_t57_a_refusal_says_what_would_be_right(
    read: Callable[[str], Any], text: str, said: str
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the words are compared below
        read(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("/dev/shm/", "/dev/shm"),
        ("//dev//shm", "/dev/shm"),
        ("/dev/./shm", "/dev/shm"),
        ("/a/../dev/shm", "/dev/shm"),
        ("dev/shm", "/dev/shm"),
        ("/", "/"),
        ("", "/"),
    ],
)
def test_t50_mount_paths_are_compared_as_the_kernel_sees_them(written: str, expected: str) -> None:
    assert paths.normalised(written) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("/models", "/models", True),
        ("/models", "/models/a", True),
        ("/models/a", "/models", True),
        ("/", "/models", True),
        ("/models", "/models-2", False),
        ("/models/a", "/models/b", False),
    ],
)
def test_t59_paths_collide_at_and_below_each_other(one: str, other: str, expected: bool) -> None:
    assert paths.collide(one, other) is expected
