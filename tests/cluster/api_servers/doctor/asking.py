"""Run checks of the doctor against a cluster, in this process."""

import base64
import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import mutating, shipped
from tests.kubernetes.rights import entitled
from webhook.api_server.client import Api
from webhook.doctor.check import Check
from webhook.doctor.diagnosis import CHECKS
from webhook.doctor.finding import Finding, Level
from webhook.doctor.installation import Installation, Names
from webhook.objects.facts import ADMISSION_LABEL

OK, WARNING, ERROR = Level.OK, Level.WARNING, Level.ERROR


def installation(plane: ControlPlane, **names: str) -> Installation:
    """Return the installation on *plane*, read as an administrator."""
    return Installation(Api(plane.kubeconfig), Names(**names))


def found(plane: ControlPlane, name: str, **names: str) -> list[Finding]:
    """Return what the check *name* finds on *plane*."""
    return list(check(name).run(installation(plane, **names)))


def check(name: str) -> Check:
    """Return the check with that name."""
    (wanted,) = [one for one in CHECKS if one.name == name]
    return wanted


def shown(findings: list[Finding], level: Level, seen: str, fix: str = "") -> Finding:
    """Return the one of *findings* with *seen* in its text; level and fix must match."""
    (one,) = [one for one in findings if seen in one.seen]
    assert one.level is level, findings
    assert fix in one.fix, one.fix
    assert bool(one.fix) is (level is not OK), one
    return one


def take_in(plane: ControlPlane) -> None:
    """Remove the labels with which other tests excluded namespaces."""
    off = {"metadata": {"labels": {ADMISSION_LABEL: None}}}
    for obj in plane.api.list("v1", "Namespace", labelSelector=ADMISSION_LABEL):
        plane.api.merge({"apiVersion": "v1", "kind": "Namespace", **obj}, off).expect()


def physician(
    plane: ControlPlane, name: str = "physician", checks: Sequence[Check] = CHECKS
) -> Path:
    """Return the kubeconfig of a user who has the rights of *checks*, and no others."""
    return entitled(plane, name, *(may for one in checks for may in one.may))


def idle_configuration(name: str, bundle: bytes, **changes: Any) -> Object:
    """Return the shipped configuration as *name*. No object is ever sent to it."""
    (obj,) = copy.deepcopy(shipped("MutatingWebhookConfiguration"))
    never = [{"name": "never", "expression": "false"}]
    for hook in obj["webhooks"]:
        hook["clientConfig"]["caBundle"] = base64.b64encode(bundle).decode()
        hook.update({"matchConditions": never, **changes})
    return mutating(name, *obj["webhooks"])
