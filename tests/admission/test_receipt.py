"""Which volume of a pod is the receipt of an injection."""

import msgspec
import pytest

from webhook.admission.reading import read_request
from webhook.admission.strategies import STRATEGIES
from webhook.models.catalogue import Catalogue
from webhook.objects.volume import ClaimSource, EmptyDirSource, HostPathSource, ImageSource, Volume

IMAGE = "example.com/coder@sha256:" + "ab" * 32
PATH = "/var/lib/model-cache/acme--coder/main"
PVC = {"strategy": "pvc", "claim": "a"}
WRITABLE = {**PVC, "read-only": "false"}
HOST_PATH = {"strategy": "hostPath"}
OF_AN_IMAGE = {"strategy": "image", "image": IMAGE}
IN_MEMORY = {"strategy": "emptyDir", "size": "1Gi"}
FROM_CLAIM = {**IN_MEMORY, "claim": "a"}
FROM_NODE = {**IN_MEMORY, "load-from": "node"}

VOLUMES: list[tuple[dict[str, str], Volume, bool]] = [
    (PVC, Volume(persistent_volume_claim=ClaimSource("a", True)), True),
    (PVC, Volume(persistent_volume_claim=ClaimSource("a", False)), False),
    (PVC, Volume(persistent_volume_claim=ClaimSource("b", True)), False),
    (PVC, Volume(), False),
    (WRITABLE, Volume(persistent_volume_claim=ClaimSource("a", None)), True),
    (WRITABLE, Volume(persistent_volume_claim=ClaimSource("a", False)), True),
    (WRITABLE, Volume(persistent_volume_claim=ClaimSource("a", True)), False),
    (HOST_PATH, Volume(host_path=HostPathSource(PATH, "Directory")), True),
    (HOST_PATH, Volume(host_path=HostPathSource(PATH, "")), False),
    (HOST_PATH, Volume(host_path=HostPathSource("/", "Directory")), False),
    (HOST_PATH, Volume(), False),
    (OF_AN_IMAGE, Volume(image=ImageSource(IMAGE, "Always")), True),
    (OF_AN_IMAGE, Volume(image=ImageSource("mirror.example/hub/coder@sha256:" + "ab" * 32)), True),
    (OF_AN_IMAGE, Volume(image=ImageSource("mirror.example/coder:v1@sha256:" + "ab" * 32)), True),
    (OF_AN_IMAGE, Volume(image=ImageSource("example.com/coder@sha256:" + "cd" * 32)), False),
    (OF_AN_IMAGE, Volume(image=ImageSource("example.com/coder")), False),
    (OF_AN_IMAGE, Volume(image=ImageSource("b")), False),
    (OF_AN_IMAGE, Volume(empty_dir=EmptyDirSource("Memory", "2Gi")), False),
    (OF_AN_IMAGE, Volume(empty_dir=EmptyDirSource("Memory", "2Gi"), image=ImageSource(IMAGE)), False),
    (IN_MEMORY, Volume(empty_dir=EmptyDirSource("Memory", "1280Mi")), True),
    (IN_MEMORY, Volume(empty_dir=EmptyDirSource("Memory", "2Gi")), True),
    (IN_MEMORY, Volume(empty_dir=EmptyDirSource("Memory", 2**31)), True),
    (IN_MEMORY, Volume(empty_dir=EmptyDirSource("Memory", "1279Mi")), False),
    (IN_MEMORY, Volume(empty_dir=EmptyDirSource("Memory", "lots")), False),
    (IN_MEMORY, Volume(empty_dir=EmptyDirSource("Memory")), False),
    (IN_MEMORY, Volume(empty_dir=EmptyDirSource("", "2Gi")), False),
    (IN_MEMORY, Volume(image=ImageSource(IMAGE)), False),
    (IN_MEMORY, Volume(), False),
]  # fmt: skip
STORES: list[tuple[dict[str, str], Volume, bool]] = [
    (FROM_CLAIM, Volume(persistent_volume_claim=ClaimSource("a", True)), True),
    (FROM_CLAIM, Volume(persistent_volume_claim=ClaimSource("a", False)), False),
    (FROM_CLAIM, Volume(host_path=HostPathSource(PATH, "Directory")), False),
    (FROM_NODE, Volume(host_path=HostPathSource(PATH, "Directory")), True),
    (FROM_NODE, Volume(host_path=HostPathSource("/", "Directory")), False),
    (FROM_NODE, Volume(persistent_volume_claim=ClaimSource("a", True)), False),
]


@pytest.mark.parametrize(("annotations", "volume", "expected"), VOLUMES)
def test_a_volume_is_a_receipt_if_its_source_is_the_one_we_would_give(
    annotations: dict[str, str], volume: Volume, expected: bool
) -> None:
    request, problems = read_request({"model": "acme/coder", **annotations}, {}, Catalogue())
    assert problems == []
    strategy = STRATEGIES[annotations["strategy"]](request)
    (ours,) = strategy.volumes()
    named = msgspec.structs.replace(volume, name=ours["name"])
    assert strategy.receipt(named, ours) is expected


@pytest.mark.parametrize(("annotations", "volume", "expected"), STORES)
def test_a_volume_that_the_loader_copies_from_is_a_receipt_too(
    annotations: dict[str, str], volume: Volume, expected: bool
) -> None:
    request, problems = read_request({"model": "acme/coder", **annotations}, {}, Catalogue())
    assert problems == []
    strategy = STRATEGIES[annotations["strategy"]](request)
    ((ours,), _) = strategy.sources()
    named = msgspec.structs.replace(volume, name=ours["name"])
    assert strategy.receipt(named, ours) is expected
