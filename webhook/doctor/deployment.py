"""Check the Deployment: replicas available, and --kube-version as the API server's."""

from collections.abc import Iterator
from typing import Final

from webhook.doctor.check import Check
from webhook.doctor.finding import Finding, error, kubectl, ok, warning
from webhook.doctor.installation import Installation, is_ready
from webhook.objects.json import Json

_APPLY: Final = "apply deploy/ again (kubectl apply -k deploy), or upgrade the chart's release"


def _run(installation: Installation) -> Iterator[Finding]:
    if installation.url:
        yield ok("the webhook is called by URL: the cluster does not know its replicas")
        return
    if not installation.deployments:
        namespace = installation.called.namespace
        yield error(f"no Deployment in {namespace} makes pods for the Service", _APPLY)
    for deployment in installation.deployments:
        yield _replicas(installation, deployment)
    yield from _kube_version(installation)


def _replicas(installation: Installation, deployment: Json) -> Finding:
    name, namespace = deployment["metadata"]["name"], deployment["metadata"]["namespace"]
    wanted = deployment["spec"].get("replicas", 1)
    available = deployment.get("status", {}).get("availableReplicas", 0)
    seen = f"{available} of {wanted} replicas of Deployment {namespace}/{name} are available"
    scale = kubectl("scale", f"deployment/{name}", "-n", namespace, "--replicas=2")
    if wanted == 0:
        return error(f"Deployment {namespace}/{name} is scaled to 0", scale)
    if available < wanted:
        pods = [pod for pod in installation.replicas if not is_ready(pod)]
        names = [pod["metadata"]["name"] for pod in pods]
        fix = kubectl(
            "describe", "-n", namespace, *([f"pod/{names[0]}"] if names else [f"deployment/{name}"])
        )
        reasons = sorted({reason for pod in pods for reason in _reasons(pod)})
        seen += f": {', '.join(reasons)}" if reasons else ""
        return error(seen, fix) if available == 0 else warning(seen, fix)
    if wanted == 1:
        return warning(f"{seen}: nobody answers while that one is moved", scale)
    return ok(seen)


def _reasons(pod: Json) -> Iterator[str]:
    """Yield why *pod* does not run, in the words of kubectl."""
    status = pod.get("status", {})
    for container in status.get("containerStatuses") or []:
        if waiting := container.get("state", {}).get("waiting"):
            yield waiting["reason"]
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield condition.get("reason", "not scheduled")


def _kube_version(installation: Installation) -> Iterator[Finding]:
    """Yield a finding if --kube-version is not the API server's."""
    given, found = installation.kube_version, installation.minor
    if given and given != found:
        is_version = ".".join(map(str, found))
        yield warning(
            f"serve has --kube-version={given[0]}.{given[1]}, but the API server is {is_version}",
            f"write --kube-version={is_version} in the args of the Deployment",
        )


CHECK: Final = Check(
    name="deployment",
    looks_at="how many replicas are available, why others are not, and whether --kube-version is "
    "the API server's",
    may=("get services", "list deployments.apps", "list pods"),
    run=_run,
)
