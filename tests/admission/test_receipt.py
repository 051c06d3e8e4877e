"""Which volume of a pod is the receipt of an injection."""

import pytest

from tests.admission.admitting import Json
from webhook.admission.receipt import same_source
from webhook.objects.volume import ClaimSource, EmptyDirSource, HostPathSource, ImageSource, Volume

VOLUMES: list[tuple[Volume, Json, bool]] = [
    (Volume(persistent_volume_claim=ClaimSource("a", True)),
     {"persistentVolumeClaim": {"claimName": "a", "readOnly": True}}, True),
    (Volume(persistent_volume_claim=ClaimSource("a", None)),
     {"persistentVolumeClaim": {"claimName": "a"}}, True),
    (Volume(persistent_volume_claim=ClaimSource("a", False)),
     {"persistentVolumeClaim": {"claimName": "a", "readOnly": True}}, False),
    (Volume(persistent_volume_claim=ClaimSource("b", True)),
     {"persistentVolumeClaim": {"claimName": "a", "readOnly": True}}, False),
    (Volume(host_path=HostPathSource("/a", "Directory")), {"hostPath": {"path": "/a", "type": "Directory"}}, True),
    (Volume(host_path=HostPathSource("/a", "")), {"hostPath": {"path": "/a", "type": "Directory"}}, False),
    (Volume(host_path=HostPathSource("/", "Directory")), {"hostPath": {"path": "/a", "type": "Directory"}}, False),
    (Volume(image=ImageSource("a", "Always")), {"image": {"reference": "a"}}, True),
    (Volume(image=ImageSource("b")), {"image": {"reference": "a"}}, False),
    (Volume(empty_dir=EmptyDirSource("Memory", "2Gi")), {"emptyDir": {"sizeLimit": "1Gi"}}, True),
    (Volume(empty_dir=EmptyDirSource("Memory", 2**30)), {"emptyDir": {"sizeLimit": "1Gi"}}, True),
    (Volume(empty_dir=EmptyDirSource("Memory", "1Mi")), {"emptyDir": {"sizeLimit": "1Gi"}}, False),
    (Volume(empty_dir=EmptyDirSource("Memory", "lots")), {"emptyDir": {"sizeLimit": "1Gi"}}, False),
    (Volume(empty_dir=EmptyDirSource("Memory")), {"emptyDir": {"sizeLimit": "1Gi"}}, False),
    (Volume(empty_dir=EmptyDirSource("", "2Gi")), {"emptyDir": {"sizeLimit": "1Gi"}}, False),
    (Volume(empty_dir=EmptyDirSource("Memory", "2Gi")), {"image": {"reference": "a"}}, False),
    (Volume(empty_dir=EmptyDirSource("Memory", "2Gi"), image=ImageSource("a")), {"image": {"reference": "a"}}, False),
    (Volume(), {"emptyDir": {"sizeLimit": "1Gi"}}, False),
]  # fmt: skip


@pytest.mark.parametrize(("volume", "ours", "expected"), VOLUMES)
def test_same_source(volume: Volume, ours: Json, expected: bool) -> None:
    assert same_source(volume, ours) is expected
