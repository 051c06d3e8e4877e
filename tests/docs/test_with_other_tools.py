"""docs/with-other-tools.md: what it says of our side is so."""

import re
from typing import Any, Final

import pytest
import yaml

from tests.cli.command import modelcache
from tests.docs.chart_values import documented
from tests.docs.manual import DOCS, ROOT
from webhook.values.quantity import MI, Quantity

PAGE: Final = (DOCS / "with-other-tools.md").read_text()
VERIFY: Final = {"strategy": "pvc", "verify": "true"}
KUEUE: Final = ROOT / "examples" / "kueue.yaml"


def pods(text: str) -> list[dict[str, Any]]:
    """Return the pod specs of the workloads in *text*."""
    return [one["spec"]["template"]["spec"] for one in yaml.safe_load_all(text)]


def injected(text: str) -> list[dict[str, Any]]:
    """Return the pod specs as they are admitted."""
    ran = modelcache("inject", "-f", "-", "--kube-version=1.35", stdin=text)
    assert ran.status == 0, ran.err
    return pods(ran.out)


def memory(container: dict[str, Any]) -> tuple[int, int]:
    """Return limit and request of memory in MiB; an absent request is the limit."""
    limits = container["resources"]["limits"]
    both = (limits, limits | container["resources"].get("requests", {}))
    limit, request = (Quantity.parse(amounts["memory"]) // MI for amounts in both)
    return limit, request


def server(pod: dict[str, Any]) -> dict[str, Any]:
    """Return the only container of *pod*."""
    (container,) = pod["containers"]
    found: dict[str, Any] = container
    return found


def asking(text: str, **annotations: str) -> str:
    """Return the workload *text* with *annotations* on its pod template."""
    found = yaml.safe_load(text)
    there = found["spec"]["template"].setdefault("metadata", {}).setdefault("annotations", {})
    there |= {f"modelcache.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return yaml.safe_dump(found)


def test_pods_of_the_job_in_a_queue_request_what_kueue_counted() -> None:
    (template,), (pod,) = pods(KUEUE.read_text()), injected(KUEUE.read_text())
    assert memory(server(pod)) == memory(server(template))
    # A pod requests the larger of its init containers and of its containers.
    (loader,) = pod["initContainers"]
    assert memory(loader) < memory(server(pod))


def test_the_same_job_without_ensure_requests_more_than_kueue_counted() -> None:
    text = asking(KUEUE.read_text(), memory="add")
    (template,), (pod,) = pods(text), injected(text)
    v, s = 5632, 2048  # the volume of phi-2, and /dev/shm
    assert memory(server(pod)) == tuple(amount + v + s for amount in memory(server(template)))


@pytest.mark.parametrize("strategy", ["pvc", "hostPath"])
def test_nothing_is_added_to_the_memory_of_a_pod_without_shared_memory(strategy: str) -> None:
    text = asking(KUEUE.read_text(), strategy=strategy, memory="add", shm_size="0")
    (template,), (pod,) = pods(text), injected(text)
    assert memory(server(pod)) == memory(server(template))


@pytest.mark.parametrize(
    ("annotations", "volumes"),
    [
        ({"strategy": "hostPath"}, {"modelcache-model"}),
        ({"load_from": "node"}, {"modelcache-store"}),
    ],
    ids=["hostPath", "load-from: node"],
)
def test_the_annotation_of_cluster_autoscaler_names_every_hostpath_volume(
    annotations: dict[str, str], volumes: set[str]
) -> None:
    (pod,) = injected(asking(KUEUE.read_text(), **annotations))
    assert {one["name"] for one in pod["volumes"] if "hostPath" in one} == volumes
    assert all(f"`{name}`" in PAGE or f": {name}\n" in PAGE for name in volumes)


@pytest.mark.parametrize("root", [False, True], ids=["any user", "root"])
def test_our_init_containers_leave_the_choice_of_their_user_to_openshift(root: bool) -> None:
    found = yaml.safe_load(KUEUE.read_text())
    if root:
        found["spec"]["template"]["spec"]["securityContext"] = {"runAsUser": 0}
    (pod,) = injected(yaml.safe_dump(found))
    (loader,) = pod["initContainers"]
    context = loader["securityContext"]
    assert context.get("runAsUser") == (65532 if root else None)
    # What restricted-v2 demands of each container.
    assert context["runAsNonRoot"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}


def test_only_a_loader_that_downloads_needs_a_network() -> None:
    commands = {}
    for source in ("claim", "node", "source"):
        (pod,) = injected(asking(KUEUE.read_text(), load_from=source))
        commands[source] = pod["initContainers"][0]["command"][1]
    assert commands == {"claim": "copy", "node": "copy", "source": "load"}


@pytest.mark.parametrize(
    ("sidecar", "annotations", "order"),
    [
        ("istio-proxy", {"load_from": "source"}, ["istio-proxy", "modelcache-loader"]),
        ("linkerd-proxy", {"load_from": "source"}, ["linkerd-proxy", "modelcache-loader"]),
        ("istio-proxy", VERIFY, ["modelcache-verify", "istio-proxy"]),
        ("gke-gcsfuse-sidecar", VERIFY, ["gke-gcsfuse-sidecar", "modelcache-verify"]),
        ("gke-gcsfuse-sidecar", {}, ["gke-gcsfuse-sidecar", "modelcache-loader"]),
    ],
)
def test_our_init_container_starts_behind_a_native_sidecar_that_it_needs(
    sidecar: str, annotations: dict[str, str], order: list[str]
) -> None:
    # The paragraphs on Istio, Linkerd and Cloud Storage FUSE follow from this.
    found = yaml.safe_load(asking(KUEUE.read_text(), **annotations))
    native = {"name": sidecar, "image": "example.com/sidecar:1", "restartPolicy": "Always"}
    found["spec"]["template"]["spec"]["initContainers"] = [native]
    (pod,) = injected(yaml.safe_dump(found))
    assert [one["name"] for one in pod["initContainers"]] == order


def test_the_values_of_the_chart_that_the_page_names_exist() -> None:
    known = {value.name for value in documented()}
    known |= {name.partition(".")[0] for name in known}
    (yours,) = re.findall(r"```yaml\n(registrationAnnotations:\n.*?)```", PAGE, re.DOTALL)
    named = set(yaml.safe_load(yours)) | {"failurePolicy", "policy"}
    named |= set(
        re.findall(r"`(fixedUser|hostNetwork|port|healthPort|networkPolicy\.enabled)\b", PAGE)
    )
    named |= set(re.findall(r"`(podLabels|podAnnotations): ", PAGE))
    assert len(named) == 10
    assert named <= known


def test_every_example_of_the_page_is_yaml() -> None:
    found = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(found) == 5
    assert all(isinstance(yaml.safe_load(text), dict) for text in found)
