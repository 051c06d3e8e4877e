"""Check the Service that the API server calls, and its addresses."""

from collections.abc import Iterator
from typing import Final

from webhook.api_server.errors import Missing
from webhook.doctor.check import Check
from webhook.doctor.finding import Finding, error, kubectl, ok
from webhook.doctor.installation import Called, Installation
from webhook.objects.json import Json

_APPLY: Final = "apply deploy/ again (kubectl apply -k deploy), or upgrade the chart's release"


def _run(installation: Installation) -> Iterator[Finding]:
    called = installation.called
    if installation.url:
        yield ok(f"the API server calls {installation.url}, not a Service")
        return
    where = f"Service {called.namespace}/{called.name}"
    try:
        service = installation.service
    except Missing:
        yield error(f"{where} does not exist", _APPLY)
        return
    ports = {port["port"] for port in service["spec"]["ports"]}
    if called.port not in ports:
        yield error(f"{where} has no port {called.port}, which the registration calls", _APPLY)
    ready, unready = _addresses(installation, called)
    if ready:
        yield ok(f"{where} leads to {_count(len(ready), 'ready address', 'ready addresses')}")
        return
    pods = kubectl("describe", "pods", "-n", called.namespace, "-l", installation.selector)
    if unready:
        yield error(f"{where} leads to no ready address: {len(unready)} are not ready", pods)
    else:
        yield error(f"{where} has no address: no pod with its labels has one", pods)


def _addresses(installation: Installation, called: Called) -> tuple[set[str], set[str]]:
    """Return the addresses that are ready, and those that are not."""
    slices = installation.api.items(
        *("apis", "discovery.k8s.io", "v1", "namespaces", called.namespace, "endpointslices"),
        labelSelector=f"kubernetes.io/service-name={called.name}",
    )
    ready, unready = set[str](), set[str]()
    for endpoint in [one for part in slices for one in part.get("endpoints") or []]:
        (ready if _is_ready(endpoint) else unready).update(endpoint["addresses"])
    return ready, unready - ready


def _is_ready(endpoint: Json) -> bool:
    # A condition that is not set means ready: discovery/v1 EndpointConditions.
    return (endpoint.get("conditions") or {}).get("ready") is not False


def _count(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


CHECK: Final = Check(
    name="service",
    looks_at="the Service that is called, its port, and how many ready addresses it has",
    may=("get services", "list endpointslices.discovery.k8s.io"),
    run=_run,
)
