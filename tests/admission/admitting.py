"""Review a pod as the API server does: send the review, apply the patch of the answer.

The library jsonpatch applies the patch, so that the product's own code does not check itself.
"""

import base64
import copy
import json
from dataclasses import dataclass, field
from typing import Any

import jsonpatch
import msgspec

from webhook.admission.policy.documents import Policy, load_policy
from webhook.admission.strategies import STRATEGIES
from webhook.models import cached_model as models
from webhook.models.cached_model import CachedModel
from webhook.objects.facts import Claim, Facts, LimitRangeItem
from webhook.objects.workload_kinds import KINDS, kind_of
from webhook.server.reviews.reviewer import Reviewer
from webhook.server.telemetry.decisions import DecisionLine, Telemetry

Json = dict[str, Any]
LOADER_IMAGE = "modelcache/modelcache-webhook:tested"
PREFIX = "modelcache.io/"
UID = "705ab4f5-6393-11e8-b7cc-42010a800002"
TARGETS = {"Pod": ("", "pods")} | {
    row.kind: (row.group, row.resource) for row in KINDS if row.built_in
}


def target_of(document: Json, kind: str) -> tuple[str, str]:
    """Return group and resource of *document*, as the API server would name them."""
    group = str((document or {}).get("apiVersion", "")).rpartition("/")[0]
    if row := kind_of(group, kind):
        return row.group, row.resource
    return TARGETS.get(kind) or (group, f"{kind.lower()}s")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The result of one review."""

    admitted: Json
    """The object after the patch; unchanged if there is no patch."""
    response: Json
    operations: list[Json]
    result: str
    reason: str
    codes: list[str]

    @property
    def allowed(self) -> bool:
        return bool(self.response["allowed"])

    @property
    def adds_nothing(self) -> bool:
        return self.allowed and not self.operations

    @property
    def denial(self) -> str:
        assert not self.allowed, "the pod was admitted"
        return str(self.response["status"]["message"])

    @property
    def warnings(self) -> list[str]:
        return list(self.response.get("warnings", ()))

    @property
    def spec(self) -> Json:
        assert self.allowed, self.denial
        spec: Json = self.admitted["spec"]
        return spec

    @property
    def annotations(self) -> Json:
        annotations: Json = self.admitted["metadata"]["annotations"]
        return annotations

    def container(self, name: str = "vllm") -> Json:
        found: Json = named(self.spec["containers"], name)
        return found

    def init(self, name: str) -> Json:
        return named(self.spec.get("initContainers") or [], name)

    def volume(self, name: str = "modelcache-model") -> Json:
        return named(self.spec.get("volumes") or [], name)

    def memory(self, name: str = "vllm") -> tuple[Any, Any]:
        """Request and limit of a container, written "X/Y" as in docs/requirements.md."""
        return amounts(self.container(name).get("resources"))

    def env(self, name: str = "vllm") -> Json:
        return {e["name"]: e.get("value") for e in self.container(name).get("env") or ()}


def named(items: list[Json], name: str) -> Json:
    found = [item for item in items if item["name"] == name]
    assert len(found) == 1, f"{name} occurs {len(found)} times"
    return found[0]


def amounts(resources: Json | None) -> tuple[Any, Any]:
    resources = resources or {}
    return (
        (resources.get("requests") or {}).get("memory"),
        (resources.get("limits") or {}).get("memory"),
    )


def defaulted(pod: Json) -> Json:
    """The pod as a webhook sees it: an absent request is the container's own limit."""
    pod = copy.deepcopy(pod)
    spec = pod.get("spec") or {}
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        if limits := (container.get("resources") or {}).get("limits"):
            requests = container["resources"].get("requests") or {}
            container["resources"]["requests"] = {**limits, **requests}
    return pod


def review_of(
    document: Json,
    *,
    namespace: str = "default",
    operation: str = "CREATE",
    kind: str = "Pod",
    version: str = "v1",
    **request: Any,
) -> bytes:
    group, resource = target_of(document, kind)
    body = {
        "apiVersion": f"admission.k8s.io/{version}",
        "kind": "AdmissionReview",
        "request": {
            "uid": UID,
            "kind": {"group": group, "version": "v1", "kind": kind},
            "resource": {"group": group, "version": "v1", "resource": resource},
            "namespace": namespace,
            "operation": operation,
            "userInfo": {"username": "ada"},
            "object": document,
            "oldObject": None,
            "dryRun": False,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
            **request,
        },
    }
    return json.dumps(body).encode()


@dataclass
class Webhook:
    """A server with its policies and facts about the cluster."""

    facts: Facts = field(default_factory=lambda: facts_of({}))
    policy: Policy = field(default_factory=Policy)
    lines: list[Json] = field(default_factory=list)
    changes = False

    def __post_init__(self) -> None:
        self.telemetry = Telemetry(self._log)
        self.reviewer = Reviewer(self, self.telemetry, self_check=True)

    def of(self, _: str) -> Facts:
        """Return the facts of every namespace."""
        return self.facts

    async def settled(self, namespace: str, claim: str) -> None:
        """Wait for nothing."""

    def _log(self, line: DecisionLine) -> None:
        self.lines.append(msgspec.to_builtins(line))

    def send(self, body: bytes) -> Json:
        """Return the answer to *body*, decoded; pods and workloads by their resource."""
        resource = json.loads(body)["request"]["resource"]["resource"]
        review = self.reviewer.review_pod
        if resource != "pods":
            review = self.reviewer.review_workload
        answer: Json = json.loads(review(body))
        return answer

    def admit(self, document: Json, *, raw: bool = False, **request: Any) -> Answer:
        """Review *document* as the API server would; *raw*: without its defaulting."""
        kind = request.setdefault("kind", document.get("kind", "Pod"))
        sent = document if raw or kind != "Pod" else defaulted(document)
        response = self.send(review_of(sent, **request))["response"]
        operations: list[Json] = []
        if "patch" in response:
            operations = json.loads(base64.b64decode(response["patch"]))
        line = self.lines[-1]
        return Answer(
            admitted=jsonpatch.JsonPatch(operations).apply(sent),
            response=response,
            operations=operations,
            result=line["result"],
            reason=line["reason"],
            codes=line["codes"],
        )


def facts_of(document: Json) -> Facts:
    """Return the facts that a case describes.

    namespace, namespace_labels, claims: {name: {access_modes, phase}}, nodes: [labels],
    kube_version: "1.34", image_volumes, limit_ranges, quotas.
    """
    document = {"kube_version": "1.34", "loader_image": LOADER_IMAGE, **document}
    if document["kube_version"] is not None:
        document["kube_version"] = [int(part) for part in document["kube_version"].split(".")]
    return msgspec.convert(document, Facts)


def policy_of(*documents: Json) -> Policy:
    return load_policy((f"document {i}", document) for i, document in enumerate(documents, 1))


def cached_model(name: str, source: str, **spec: Any) -> Json:
    status = spec.pop("status", {})
    return {
        "apiVersion": "modelcache.io/v1alpha1",
        "kind": "CachedModel",
        "metadata": {"name": name},
        "spec": {"source": source, **spec},
        "status": status,
    }


def entry_of(document: Json) -> CachedModel:
    """Return the catalogue's entry of a CachedModel."""
    return models.cached_model(document, STRATEGIES)


def cache_policy(name: str = "platform", **spec: Any) -> Json:
    return {
        "apiVersion": "modelcache.io/v1alpha1",
        "kind": "CachePolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


def pod_of(
    annotations: Json | None = None,
    *,
    container: Json | None = None,
    request: str | None = None,
    limit: str | None = None,
    **spec: Any,
) -> Json:
    """Return a pod with one container vllm; annotations without their prefix, _ for -."""
    asked = {"model": "acme/coder", **(annotations or {})}
    vllm: Json = {"name": "vllm", "image": "vllm/vllm-openai:v0.11.0"}
    if not {"args", "command"} & (container or {}).keys():
        vllm["args"] = ["--model", "$(MODELCACHE_PATH)"]
    vllm |= container or {}
    resources: Json = {}
    if limit is not None:
        resources["limits"] = {"memory": limit}
    if request is not None:
        resources["requests"] = {"memory": request}
    if resources:
        vllm["resources"] = resources
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "vllm-",
            "annotations": {PREFIX + key.replace("_", "-"): v for key, v in asked.items()},
        },
        "spec": {"containers": [vllm], **spec},
    }


def in_memory(**others: str) -> Json:
    """Return the annotations of most cases T in docs/requirements.md: strategy emptyDir, V = 16Gi, S = 0."""
    return {"strategy": "emptyDir", "size": "15.2Gi", "shm_size": "0", **others}


def claim(*modes: str, phase: str = "Bound") -> Claim:
    return Claim(access_modes=modes or ("ReadWriteMany",), phase=phase)


def limit_range(name: str, kind: str, **amounts: Json) -> LimitRangeItem:
    return LimitRangeItem(name=name, type=kind, **amounts)
