"""Tools that apply the chart again: which of the webhook's fields they leave, reset or refuse.

docs/with-other-tools.md says what to set for each tool. The objects have other names, and match no
namespace, so they don't disturb the webhook that other tests registered.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.cluster.api_servers.chart.rendering import only, rendered
from tests.docs.manual import DOCS
from tests.kubernetes import binaries, helm
from tests.kubernetes.api import Object, url_of
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NamespaceFactory
from webhook.controller.installation.configuration import MANAGER, POLICY_MANAGER

PAGE: Final = DOCS / "with-other-tools.md"
NAME: Final = "applied-again"
NOWHERE: Final = {"matchLabels": {"kubernetes.io/metadata.name": "no-namespace-has-this-name"}}
SERVER_SIDE: Final = ("--server-side", "--force-conflicts")
TOOLS: Final = {
    "kubectl, and Argo CD by default": (),
    "Helm 4": ("--server-side", "--field-manager=helm"),
    "Flux": (*SERVER_SIDE, "--field-manager=kustomize-controller"),
    "Argo CD with ServerSideApply": (*SERVER_SIDE, "--field-manager=argocd-controller"),
}
REGISTRATION: Final = "MutatingWebhookConfiguration"
BINDING: Final = "ValidatingAdmissionPolicyBinding"
WRITTEN: Final[dict[str, tuple[str, str, str, Any]]] = {
    "caBundle": (REGISTRATION, MANAGER, "/webhooks/0/clientConfig/caBundle", "LS0tLS1CRUdJTg=="),
    "failurePolicy": (REGISTRATION, POLICY_MANAGER, "/webhooks/0/failurePolicy", "Fail"),
    "validationActions": (BINDING, "python-httpx", "/spec/validationActions", ["Audit", "Deny"]),
}
"""What the webhook writes: kind, field manager, JSON pointer, value."""


@pytest.fixture
def chart(cluster: ControlPlane) -> Iterator[dict[str, Object]]:
    kinds = rendered({})
    found = {
        REGISTRATION: only(kinds, REGISTRATION, "zz-modelcache"),
        BINDING: only(kinds, BINDING, "modelcache-injected"),
    }
    found[BINDING]["spec"]["policyName"] = NAME
    for obj in found.values():
        obj["metadata"]["name"] = NAME
        for hook in obj.get("webhooks", []):
            hook["namespaceSelector"] = NOWHERE
    yield found
    for obj in found.values():
        cluster.api.delete(obj).expect(200, 404)


def written_by_the_webhook(plane: ControlPlane, obj: Object, what: str) -> Object:
    """Change the field *what* of *obj* as the webhook does; return the stored object."""
    _, manager, path, value = WRITTEN[what]
    operations = [{"op": "add", "path": path, "value": value}]
    kind = "application/json-patch+json"
    answer = plane.api.request(
        "PATCH", url_of(obj), operations, media_type=kind, params={"fieldManager": manager}
    )
    return answer.expect(200).body


def kept(obj: Object, what: str) -> bool:
    """Whether the field *what* of *obj* has what the webhook wrote."""
    found: Any = obj
    for key in WRITTEN[what][2].split("/")[1:]:
        found = found[int(key)] if isinstance(found, list) else found.get(key)
    return bool(found == WRITTEN[what][3])


@pytest.mark.parametrize(
    ("tool", "what", "outcome"),
    [
        (tool, what, outcomes[what])
        for tool, outcomes in {
            "kubectl, and Argo CD by default": {
                "caBundle": "kept", "validationActions": "reset", "failurePolicy": "reset",
            },
            "Helm 4": {
                "caBundle": "kept", "validationActions": "kept", "failurePolicy": "refused",
            },
            "Flux": {
                "caBundle": "kept", "validationActions": "kept", "failurePolicy": "reset",
            },
            "Argo CD with ServerSideApply": {
                "caBundle": "kept", "validationActions": "kept", "failurePolicy": "reset",
            },
        }.items()
        for what in WRITTEN
    ],
)  # fmt: skip
def test_what_the_webhook_wrote_when_the_chart_is_applied_again(
    cluster: ControlPlane, chart: dict[str, Object], tool: str, what: str, outcome: str
) -> None:
    obj = chart[WRITTEN[what][0]]

    def run(verb: str) -> Any:
        return cluster.kubectl(verb, *TOOLS[tool], "-f", "-", input=json.dumps(obj))

    assert run("apply").returncode == 0
    assert kept(written_by_the_webhook(cluster, obj, what), what)
    differs = run("diff")
    done = run("apply")
    now = cluster.api.get(obj["apiVersion"], obj["kind"], NAME).expect().body
    if outcome == "refused":
        assert differs.returncode > 1
        assert done.returncode == 1
        assert f'conflict with "{WRITTEN[what][1]}"' in done.stderr
    else:
        assert done.returncode == 0, done.stderr
        assert differs.returncode == (outcome == "reset"), differs.stdout
    assert kept(now, what) is (outcome != "reset")


@pytest.fixture
def release(
    cluster: ControlPlane, chart: dict[str, Object], namespace: NamespaceFactory, tmp_path: Path
) -> Callable[..., None]:
    """Helm 4, which installs or upgrades a release of these objects."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text(f"apiVersion: v2\nname: {NAME}\nversion: 1.0.0\n")
    objects = "\n---\n".join(json.dumps(obj) for obj in chart.values())
    (tmp_path / "templates" / "objects.yaml").write_text(objects)
    words = ("upgrade", "--install", NAME, tmp_path, "--namespace", namespace())

    def upgrade(*flags: str) -> None:
        helm.helm(*words, *flags, plane=cluster, program=binaries.HELM_4)

    return upgrade


@pytest.mark.parametrize("what", WRITTEN)
def test_a_release_of_helm_4_keeps_it_or_stops_at_the_conflict(
    cluster: ControlPlane, chart: dict[str, Object], release: Callable[..., None], what: str
) -> None:
    obj = chart[WRITTEN[what][0]]

    def now() -> Object:
        return cluster.api.get(obj["apiVersion"], obj["kind"], NAME).expect().body

    release()
    assert kept(written_by_the_webhook(cluster, obj, what), what)
    if what == "failurePolicy":
        with pytest.raises(helm.RefusedError, match=f'conflict with "{POLICY_MANAGER}"'):
            release()
        assert kept(now(), what)
        release("--force-conflicts")
        assert not kept(now(), what)
    else:
        release()
        assert kept(now(), what)


def test_what_the_page_lets_tools_ignore_is_what_the_webhook_writes() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    specs = [found["spec"] for found in map(yaml.safe_load, blocks) if "spec" in found]
    (argo,) = [spec["ignoreDifferences"] for spec in specs if "ignoreDifferences" in spec]
    assert [(one["kind"], one["jsonPointers"]) for one in argo] == [
        (BINDING, [WRITTEN["validationActions"][2]])
    ]
    (flux,) = [spec["driftDetection"]["ignore"] for spec in specs if "driftDetection" in spec]
    registration = only(rendered({"failurePolicy": "Fail"}), REGISTRATION, "zz-modelcache")
    assert flux == [
        {
            "paths": [f"/webhooks/{i}/failurePolicy" for i in range(len(registration["webhooks"]))],
            "target": {"kind": REGISTRATION, "name": registration["metadata"]["name"]},
        }
    ]
