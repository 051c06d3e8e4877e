"""CATALOGUE of proxies and agents that other tools add to pods: they read no model.

Meshes put them in front of the other containers, so that the first container is not the server.
A name is in the table only if people give it to nothing else: agent, envoy, main and wait are not.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from webhook.objects.container import Container


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The containers of one tool."""

    tool: str
    names: tuple[str, ...] = ()
    """Regular expressions for the names that the tool gives to its containers."""
    images: tuple[str, ...] = ()
    """Regular expressions for the end of the image's repository."""
    source: str = ""
    """Where names or images were read, in the tool's own source. Empty: well known."""


SIDECARS: Final = (
    # meshes and gateways
    Sidecar(
        "Istio", ("istio-proxy",), (r"(?:istio-)?proxyv2(?:-.*)?",), "pkg/kube/inject/inject.go"
    ),
    Sidecar(
        "Linkerd",
        ("linkerd-proxy", "linkerd-debug"),
        (r"linkerd/(?:proxy|debug)", r"buoyantio/proxy"),
        "pkg/k8s/labels.go",
    ),
    Sidecar(
        "Consul",
        (r"consul-dataplane(?:-.*)?",),
        (r"consul-dataplane",),
        "control-plane/connect-inject/webhook",
    ),
    Sidecar("Kuma", ("kuma-sidecar",), (r"kuma-dp",), "plugins/runtime/k8s/util/names.go"),
    Sidecar(
        "AWS App Mesh",
        ("xray-daemon",),
        (r"aws-appmesh-envoy", r"aws-xray-daemon"),
        "config/helm/appmesh-controller/values.yaml",
    ),
    Sidecar("Open Service Mesh", ("osm-healthcheck",), (), "pkg/constants/constants.go"),
    Sidecar("Envoy", (), (r"envoyproxy/.*", r"envoy")),
    Sidecar(
        "Azure Workload Identity",
        ("azwi-proxy",),
        (r"workload-identity/proxy",),
        "pkg/webhook/consts.go",
    ),
    Sidecar("SPIFFE helper", ("spiffe-helper",), (r"spiffe-helper",)),
    Sidecar(
        "authentication",
        ("oauth2-proxy", "oauth-proxy", "kube-rbac-proxy"),
        (
            r"oauth2-proxy",
            r"(?:ose|origin)-oauth-proxy(?:-.*)?",
            r"kube-rbac-proxy",
            r"odh-kube-auth-proxy",
        ),
    ),
    Sidecar(
        "web servers",
        (),
        (r"nginx", r"nginx-unprivileged", r"haproxy", r"traefik", r"caddy", r"openresty"),
    ),
    # platforms of models
    Sidecar(
        "Knative",
        ("queue-proxy",),
        (r"serving/cmd/queue(?:-.*)?", r"cmd/queue"),
        "pkg/reconciler/revision/resources",
    ),
    Sidecar(
        "KServe",
        ("modelcar",),
        (r"kserve/(?:agent|router)", r"storage-initializer"),
        "pkg/constants/constants.go",
    ),
    Sidecar(
        "llm-d",
        ("routing-proxy", "llm-d-routing-sidecar"),
        (r"llm-d-(?:routing-sidecar|router-disagg-sidecar|uds-tokenizer)",),
        "llm-d-modelservice templates/_helpers.tpl",
    ),
    Sidecar(
        "vLLM production-stack",
        (),
        (r"lmstack-.*", r"gateway-api-inference-extension/lora-syncer"),
        "helm/templates",
    ),
    Sidecar("AIBrix", ("aibrix-runtime",), (r"aibrix/runtime",)),
    Sidecar("RBG", (), (r"inference-engine-runtime",)),
    Sidecar(
        "KubeRay",
        ("ray-job-submitter",),
        (r"rayproject/autoscaler", r"kuberay/.*"),
        "controllers/ray/utils/constant.go",
    ),
    Sidecar("Seldon", ("seldon-container-engine",), (r"seldon-(?:core-executor|agent|rclone)",)),
    # storage
    Sidecar(
        "GKE GCS FUSE",
        ("gke-gcsfuse-sidecar", "gke-gcsfuse-metadata-prefetch"),
        (r"gcs-fuse-csi-driver-.*",),
        "pkg/webhook/sidecar_spec.go",
    ),
    Sidecar("JuiceFS", (r"jfs-mount(?:-\d+)?",), (r"juicedata/mount",)),
    Sidecar("Fluid", (r"fluid-fuse(?:-\d+)?",), (), "pkg/common/volume.go"),
    Sidecar("Alluxio", ("alluxio-fuse",), ()),
    Sidecar("CSI", ("csi-node-driver-registrar", "node-driver-registrar"), (r"sig-storage/.*",)),
    # secrets and databases
    Sidecar(
        "Vault",
        ("vault-agent",),
        (r"hashicorp/vault.*", r"openbao"),
        "agent-inject/agent/container_sidecar.go",
    ),
    Sidecar(
        "Cloud SQL",
        (r"cloud-?sql-proxy", r"csql-.*"),
        (r"cloud-sql-proxy", r"gce-proxy", r"alloydb-auth-proxy"),
        "internal/workload/names.go",
    ),
    Sidecar("secrets", ("akeyless-sidecar",), (r"secrets-provider-for-k8s",)),
    # workflows
    Sidecar("Argo Workflows", (), (r"argoexec",), "workflow/common/common.go"),
    Sidecar("runners", (), (r"gitlab-runner-helper",)),
    # telemetry
    Sidecar(
        "OpenTelemetry",
        ("otc-container", "opentelemetry-auto-instrumentation"),
        (r"opentelemetry-collector(?:-.*)?", r"aws-otel-collector", r"grafana/(?:agent|alloy)"),
        "internal/naming/main.go",
    ),
    Sidecar("Dapr", ("daprd",), (r"daprd",), "pkg/injector/consts/consts.go"),
    Sidecar(
        "Datadog",
        ("datadog-agent-injected",),
        (r"datadog(?:hq)?/(?:agent|cluster-agent)", r"datadoghq\.com/agent"),
        "helm-charts/charts/datadog",
    ),
    Sidecar(
        "Fluent",
        ("fluent-bit", "fluentbit", "fluentd", "log-router"),
        (r"fluent-bit", r"fluentd(?:-.*)?", r"aws-for-fluent-bit"),
    ),
    Sidecar(
        "Elastic",
        ("filebeat", "metricbeat", "elastic-agent"),
        (r"beats/.*", r"filebeat", r"metricbeat", r"elastic-agent"),
    ),
    Sidecar("other logs", ("promtail",), (r"promtail", r"timberio/vector", r"kube-logging/.*")),
    Sidecar("CloudWatch", ("cloudwatch-agent",), (r"cloudwatch-agent",)),
    Sidecar(
        "other agents",
        ("splunk-otel-collector",),
        (r"newrelic/.*", r"dynatrace/.*", r"signalfx/.*"),
    ),
    Sidecar(
        "Prometheus",
        ("dcgm-exporter", "config-reloader", "prometheus-config-reloader"),
        (
            r"dcgm-exporter",
            r"prom/.*",
            r"quay\.io/prometheus/.*",
            r"prometheus-config-reloader",
            r"redis_exporter",
            r"neuron-monitor",
        ),
    ),
    # others
    Sidecar("git-sync", ("git-sync",), (r"git-sync",)),
    Sidecar("k8s-sidecar", (), (r"kiwigrid/k8s-sidecar",)),
)
_NAME: Final = re.compile("|".join(name for row in SIDECARS for name in row.names))
_IMAGE: Final = re.compile(
    rf"(?:.*/)?(?:{'|'.join(image for row in SIDECARS for image in row.images)})"
)


def is_proxy_or_agent(container: Container) -> bool:
    """Whether another tool added *container*, or would: it serves no model."""
    if _NAME.fullmatch(container.name):
        return True
    return bool(container.image and _known(container.image))


@lru_cache(maxsize=1024)
def _known(image: str) -> bool:
    repository = re.sub(r"(?::[^/:]*)?$", "", image.partition("@")[0])
    return _IMAGE.fullmatch(repository) is not None
