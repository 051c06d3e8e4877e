"""The rows of sidecars.py: containers that other tools add to pods."""

import pytest

from tests.admission.admitting import Webhook, pod_of
from webhook.admission.containers.sidecars import SIDECARS, is_proxy_or_agent
from webhook.objects.container import Container

ADDED = [
    ("istio-proxy", "docker.io/istio/proxyv2:1.27.0"),
    ("istio-proxy", "gcr.io/gke-release/asm/proxyv2:1.20-distroless"),
    ("linkerd-proxy", "cr.l5d.io/linkerd/proxy:edge-25.1.1"),
    ("linkerd-debug", "cr.l5d.io/linkerd/debug:edge-25.1.1"),
    ("consul-dataplane-web", "hashicorp/consul-dataplane:1.6.0"),
    ("kuma-sidecar", "docker.io/kumahq/kuma-dp:2.9.0"),
    ("envoy", "840364872350.dkr.ecr.us-west-2.amazonaws.com/aws-appmesh-envoy:v1.29"),
    ("envoy", "docker.io/envoyproxy/envoy:v1.33.2"),
    ("azwi-proxy", "mcr.microsoft.com/oss/azure/workload-identity/proxy:v1.4.0"),
    ("oauth2-proxy", "quay.io/oauth2-proxy/oauth2-proxy:v7"),
    ("queue-proxy", "gcr.io/knative-releases/knative.dev/serving/cmd/queue@sha256:" + "0" * 64),
    ("agent", "kserve/agent:v0.15.0"),
    ("routing-proxy", "ghcr.io/llm-d/llm-d-routing-sidecar:v0.3.0"),
    ("proxy", "ghcr.io/llm-d/llm-d-router-disagg-sidecar:v0.5.0"),
    ("gke-gcsfuse-sidecar", "gke.gcr.io/gcs-fuse-csi-driver-sidecar-mounter:v1.8"),
    ("jfs-mount-0", "juicedata/mount:ce-v1.2"),
    ("fluid-fuse-0", "example.com/anything"),
    ("vault-agent", "hashicorp/vault:1.19"),
    ("csql-default-db", "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14"),
    ("wait", "quay.io/argoproj/argoexec:v3.6.2"),
    (
        "otc-container",
        "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-k8s:0.1",
    ),
    ("daprd", "ghcr.io/dapr/daprd:1.15"),
    ("agent", "gcr.io/datadoghq/agent:7.60"),
    ("logs", "cr.fluentbit.io/fluent/fluent-bit:3.2"),
    ("beat", "docker.elastic.co/beats/filebeat:8.17.0"),
    ("metrics", "nvcr.io/nvidia/k8s/dcgm-exporter:4.0"),
    ("sync", "registry.k8s.io/git-sync/git-sync:v4.4.0"),
]
OWN = [
    ("agent", "example.com/agent:1"),
    ("envoy", "example.com/model:1"),
    ("main", "example.com/main:1"),
    ("wait", "example.com/wait:1"),
    ("proxy", "example.com/proxy:1"),
    ("server", "vllm/vllm-openai:v0.11.0"),
    ("vector", "example.com/vector-db:1"),
]


@pytest.mark.parametrize(("name", "image"), ADDED)
def test_a_container_of_another_tool_is_known(name: str, image: str) -> None:
    assert is_proxy_or_agent(Container(name=name, image=image))


@pytest.mark.parametrize(("name", "image"), OWN)
def test_a_container_of_the_application_is_none(name: str, image: str) -> None:
    assert not is_proxy_or_agent(Container(name=name, image=image))


@pytest.mark.parametrize(("name", "image"), ADDED)
def test_the_model_goes_to_the_container_behind_the_other_tools(
    name: str, image: str, webhook: Webhook
) -> None:
    pod = pod_of({"strategy": "pvc"}, container={"image": "example.com/engine:1"})
    pod["spec"]["containers"].insert(0, {"name": name, "image": image})
    answer = webhook.admit(pod)
    assert answer.codes == []
    assert "MODELCACHE_PATH" in answer.env("vllm")


def test_a_tool_is_known_by_its_names_or_its_images() -> None:
    assert all(row.names or row.images for row in SIDECARS)
    tools = [row.tool for row in SIDECARS]
    assert len(set(tools)) == len(tools)
