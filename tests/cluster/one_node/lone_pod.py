"""Owns pods without a workload, whose ended containers nothing restarts."""

from collections.abc import Mapping
from typing import Any

from tests.kubernetes.api import Object
from tests.kubernetes.inference_pods import PREFIX


def lone_pod(
    namespace: str, annotations: Mapping[str, str], *containers: Object, **spec: Any
) -> Object:
    """Return a pod that has *annotations*, without their prefix."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "server-",
            "namespace": namespace,
            "annotations": {PREFIX + key: value for key, value in annotations.items()},
        },
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "restartPolicy": "Never",
            "containers": [*containers],
            **spec,
        },
    }
