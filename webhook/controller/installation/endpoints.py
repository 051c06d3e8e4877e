"""Read whether a Service has a ready replica, from its EndpointSlices."""

import msgspec

from webhook.api_server.controller_client import ControllerApi


class _Conditions(msgspec.Struct):
    ready: bool | None = None


class _Endpoint(msgspec.Struct):
    conditions: _Conditions = msgspec.field(default_factory=_Conditions)


class _Slice(msgspec.Struct):
    endpoints: list[_Endpoint] | None = None


class _Slices(msgspec.Struct):
    items: list[_Slice] = []


def reachable(api: ControllerApi, namespace: str, service: str) -> bool:
    """Return whether *service* has a ready replica; Refused if that can't be read."""
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    query = [("labelSelector", f"kubernetes.io/service-name={service}")]
    doing = f"list EndpointSlices of Service {service}"
    answer = api.request("GET", path, query=query).expect(doing, 200)
    slices = msgspec.json.decode(answer.body, type=_Slices).items
    # A condition that is not set means ready (discovery/v1 EndpointConditions).
    return any(
        endpoint.conditions.ready is not False for one in slices for endpoint in one.endpoints or []
    )
