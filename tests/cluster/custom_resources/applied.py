"""Apply objects without a namespace, which end with the test."""

from typing import Any, Final

from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane

V1: Final = "modelcache.io/v1alpha1"


class Applied:
    """Applies objects without a namespace, which end with the test."""

    def __init__(self, cluster: ControlPlane) -> None:
        self.cluster, self.objects = cluster, list[Object]()

    def __call__(self, kind: str, name: str, **spec: Any) -> Object:
        obj = {"apiVersion": V1, "kind": kind, "metadata": {"name": name}, "spec": spec}
        self.cluster.api.apply(obj).expect()
        self.objects.append(obj)
        return obj
