"""CATALOGUE of proxies and agents that other tools add to pods: they read no model.

Meshes put them in front of the other containers, so that the first container is not the server.
"""

import re
from functools import lru_cache
from typing import Final

from webhook.objects.container import Container

IMAGES: Final = (
    r"(?:istio-)?proxyv2(?:-.*)?", r"linkerd/proxy", r"buoyantio/proxy", r"envoyproxy/.*", r"envoy",
    r"consul-dataplane", r"kuma-dp", r"aws-appmesh-envoy", r"aws-xray-daemon", r"hashicorp/vault.*",
    r"gcs-fuse-csi-driver-.*", r"cloud-sql-proxy", r"gce-proxy", r"alloydb-auth-proxy", r"argoexec",
    r"opentelemetry-collector(?:-.*)?", r"daprd", r"oauth2-proxy", r"kube-rbac-proxy", r"git-sync",
    r"fluent-bit", r"fluentd", r"aws-for-fluent-bit", r"filebeat", r"promtail", r"datadog/agent",
    r"datadoghq/agent", r"cloudwatch-agent", r"cmd/queue", r"kserve/agent", r"dcgm-exporter",
    r"llm-d-routing-sidecar", r"llm-d-router-disagg-sidecar", r"juicedata/mount",
)  # fmt: skip
"""Regular expressions for the end of the image's repository."""
NAMES: Final = frozenset((
    "istio-proxy", "linkerd-proxy", "consul-dataplane", "kuma-sidecar", "vault-agent", "daprd",
    "gke-gcsfuse-sidecar", "gke-gcsfuse-metadata-prefetch", "cloud-sql-proxy", "otc-container",
    "queue-proxy", "oauth2-proxy", "kube-rbac-proxy", "datadog-agent-injected", "xray-daemon",
    "azwi-proxy", "fluent-bit", "filebeat", "git-sync",
))  # fmt: skip
"""Names that these tools give to their containers, and that people give to no server."""
_IMAGE: Final = re.compile(rf"(?:.*/)?(?:{'|'.join(IMAGES)})")


def is_proxy_or_agent(container: Container) -> bool:
    """Whether another tool added *container*, or would: it serves no model."""
    return container.name in NAMES or bool(container.image and _known(container.image))


@lru_cache(maxsize=1024)
def _known(image: str) -> bool:
    repository = re.sub(r"(?::[^/:]*)?$", "", image.partition("@")[0])
    return _IMAGE.fullmatch(repository) is not None
