"""Render the chart for tests: its objects by kind, its pod, its certificate modes."""

import itertools
import subprocess
from pathlib import Path
from typing import Any

import typer
import yaml

from tests.kubernetes import binaries, helm
from tests.kubernetes.api import Object
from tests.kubernetes.registration import DEPLOY, RULES
from webhook.cli.app import app

OF_SERVE = {
    word
    for option in typer.main.get_command(app).commands["serve"].params  # type: ignore[attr-defined]  # a group
    for word in option.opts
}
"""The options of `modelcache serve`."""
FILES: dict[str, Any] = {"certificates": {"mode": "files"}}
MANAGED: dict[str, Any] = {"certificates": {"mode": "certManager"}}
POLICY = list(yaml.safe_load_all((Path(__file__).parents[4] / "examples/policy.yaml").read_text()))
MODES = [
    {"certificates": {"mode": mode}, "failurePolicy": failure, "controller": controller}
    for mode, failure, controller in itertools.product(
        ("self", "files", "certManager"), ("Ignore", "Fail"), (True, False)
    )
    if controller or mode != "self"
]


def named(values: dict[str, Any]) -> str:
    """Return the name of a test of one of MODES."""
    words = [values["certificates"]["mode"], values["failurePolicy"]]
    return ", ".join([*words, *([] if values["controller"] else ["no controller"])])


def only(kinds: dict[str, list[Object]], kind: str, name: str) -> Object:
    """Return the object of a kind and a name."""
    (found,) = [obj for obj in kinds[kind] if obj["metadata"]["name"] == name]
    return found


def refuses_what_was_missed(obj: Object) -> bool:
    """Whether a policy or binding is about what the webhook has to do with pods and workloads."""
    name: str = obj["metadata"]["name"]
    return name != "modelcache-registration" and not name.startswith(RULES)


def rendered(values: dict[str, Any] | None = None, *flags: str) -> dict[str, list[Object]]:
    """Return the objects by kind."""
    kinds: dict[str, list[Object]] = {}
    for obj in helm.objects(values, *flags):
        kinds.setdefault(obj["kind"], []).append(obj)
    return kinds


def pod(values: dict[str, Any] | None = None, *flags: str) -> Object:
    """Return the template's spec."""
    (deployment,) = rendered(values, *flags)["Deployment"]
    spec: Object = deployment["spec"]["template"]["spec"]
    return spec


def args(values: dict[str, Any] | None = None, *flags: str) -> list[str]:
    """Return the arguments of the webhook."""
    (container,) = pod(values, *flags)["containers"]
    words: list[str] = container["args"]
    return words


def kustomized() -> list[Object]:
    """Return what `kubectl apply -k deploy` applies, in its order."""
    command: list[str | Path] = [binaries.path(binaries.KUBECTL), "kustomize", DEPLOY]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return list(yaml.safe_load_all(done.stdout))
