"""The pods of one vLLM Deployment, as a ReplicaSet controller creates them."""

from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]

MODEL: Final = "meta-llama/Llama-3.1-8B-Instruct"
_NAME: Final = "llama-8b-7c9d6b8f5d"
_ANNOTATIONS: Final = {
    "modelcache.io/model": MODEL,
    "modelcache.io/size": "16Gi",
    "modelcache.io/strategy": "emptyDir",
}
_LABELS: Final = {"app": "llama-8b", "pod-template-hash": "7c9d6b8f5d"}
_LOCKED: Final = {
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_TOKEN_PATH: Final = "/var/run/secrets/kubernetes.io/serviceaccount"


def pod(*, large: bool) -> Json:
    """Return a pod as the controller writes it."""
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": _NAME,
        "uid": "d1f0c6ee-2b67-4d39-8b61-0a4c6d7f2e90",
        "controller": True,
        "blockOwnerDeletion": True,
    }
    metadata: Json = {
        "generateName": f"{_NAME}-",
        "namespace": "inference",
        "creationTimestamp": None,
        "labels": _LABELS,
        "annotations": _ANNOTATIONS,
        "ownerReferences": [owner],
    }
    spec: Json = {
        "containers": [_server(large)],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 60,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {"fsGroup": 1000} if large else {},
        "schedulerName": "default-scheduler",
        "enableServiceLinks": True,
    }
    if large:
        spec["initContainers"] = [_waiter()]
        spec["containers"].append(_sidecar())
        spec["affinity"] = _affinity()
        spec["nodeSelector"] = {"kubernetes.io/arch": "amd64", "example.com/pool": "gpu"}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec, "status": {}}


def _container(name: str, image: str, **rest: object) -> Json:
    return {
        "name": name,
        "image": image,
        **rest,
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    }


def _server(large: bool) -> Json:
    args = ["--model", MODEL, "--port", "8000"]
    env: list[Json] = [
        {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hf-token", "key": "token"}}},
        {"name": "VLLM_LOGGING_LEVEL", "value": "INFO"},
    ]
    if large:
        args += ["--tensor-parallel-size", "1", "--gpu-memory-utilization", "0.92"]
        env += [{"name": f"VLLM_TUNING_{i:02}", "value": f"value-{i:02}"} for i in range(26)]
        env += [
            {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
            for name, path in (("POD_NAME", "metadata.name"), ("POD_IP", "status.podIP"))
        ]
    amounts = {"cpu": "8", "memory": "24Gi", "nvidia.com/gpu": "1"}
    rest: Json = {}
    if large:
        hook = {"exec": {"command": ["/bin/sh", "-c", "sleep 15; kill -TERM 1; tail --pid=1 -f"]}}
        rest = {"startupProbe": _probe(10), "lifecycle": {"preStop": hook}}
    return _container(
        "vllm",
        "vllm/vllm-openai:v0.11.0",
        args=args,
        ports=[{"name": "http", "containerPort": 8000, "protocol": "TCP"}],
        env=env,
        resources={"limits": amounts, "requests": amounts},
        readinessProbe=_probe(5),
        livenessProbe=_probe(30),
        **rest,
    )


def _sidecar() -> Json:
    env = [
        {"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector.observability:4317"},
        {"name": "OTEL_RESOURCE_ATTRIBUTES", "value": "service.name=llama-8b,team=search"},
        {"name": "LOG_LEVEL", "value": "info"},
    ]
    return _container(
        "metrics",
        "registry.example.com/observability/metrics-proxy:2.14.0",
        args=["--upstream=http://127.0.0.1:8000/metrics", "--listen=:9100"],
        ports=[{"name": "metrics", "containerPort": 9100, "protocol": "TCP"}],
        env=env,
        resources={
            "limits": {"cpu": "200m", "memory": "256Mi"},
            "requests": {"cpu": "50m", "memory": "128Mi"},
        },
        readinessProbe=_probe(10),
        livenessProbe=_probe(30),
        securityContext=_LOCKED,
    )


def _waiter() -> Json:
    return _container(
        "wait-for-licence",
        "registry.example.com/platform/wait:1.6.2",
        command=["/bin/wait", "--for=tcp://licences.platform:7000", "--timeout=120s"],
        env=[{"name": "LICENCE_POOL", "value": "inference"}],
        resources={
            "limits": {"cpu": "100m", "memory": "64Mi"},
            "requests": {"cpu": "10m", "memory": "32Mi"},
        },
        securityContext=_LOCKED,
    )


def _probe(period: int) -> Json:
    return {
        "httpGet": {"path": "/health", "port": 8000, "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": period,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def _affinity() -> Json:
    def expression(key: str, *values: str) -> Json:
        return {"key": key, "operator": "In", "values": list(values)}

    nodes = {
        "nodeSelectorTerms": [
            {
                "matchExpressions": [
                    expression("nvidia.com/gpu.product", "NVIDIA-L40S", "NVIDIA-A100-SXM4-80GB"),
                    expression("topology.kubernetes.io/zone", "eu-west-1a", "eu-west-1b"),
                ]
            }
        ]
    }
    apart = {
        "labelSelector": {"matchExpressions": [expression("app", "llama-8b")]},
        "topologyKey": "kubernetes.io/hostname",
    }
    return {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": nodes},
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 100, "podAffinityTerm": apart}
            ]
        },
    }


def pass_built_in_plugins(spec: Json, suffix: str) -> None:
    """Do what ServiceAccount, DefaultTolerationSeconds and Priority do before webhooks."""
    name = f"kube-api-access-{suffix}"
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {
            "configMap": {
                "name": "kube-root-ca.crt",
                "items": [{"key": "ca.crt", "path": "ca.crt"}],
            }
        },
        {
            "downwardAPI": {
                "items": [
                    {
                        "path": "namespace",
                        "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
                    }
                ]
            }
        },
    ]
    mount = {"name": name, "readOnly": True, "mountPath": _TOKEN_PATH}
    spec["volumes"] = [{"name": name, "projected": {"sources": sources, "defaultMode": 420}}]
    for container in (*spec.get("initContainers", ()), *spec["containers"]):
        container["volumeMounts"] = [mount]
    spec["serviceAccountName"] = spec["serviceAccount"] = "default"
    spec["tolerations"] = [
        {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
        for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
    ]
    spec["priority"] = 0
    spec["preemptionPolicy"] = "PreemptLowerPriority"
