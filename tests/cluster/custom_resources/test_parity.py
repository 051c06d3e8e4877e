"""`modelcache check` and `inject`, with a dump of a cluster, say what the webhook of that cluster does."""

import base64
import copy
import json
import re
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx
import jsonpatch
import pytest
import yaml

from tests.admission.admitting import PREFIX, Json, defaulted, review_of
from tests.cli.command import modelcache
from tests.cluster.custom_resources.a_cluster import NODES, SYSTEM, Cluster, Place, made
from tests.kubernetes.api import Object, url_of
from tests.kubernetes.control_plane import ControlPlane, Options
from tests.kubernetes.custom_resources import served
from tests.kubernetes.server import kubernetes_version, serve
from webhook.admission.policy.rules.catalogue import RULES
from webhook.custom_resources.definitions import definitions
from webhook.objects import defaulting
from webhook.objects.facts import LimitRangeItem

LEAST: Final = 200
LEDGER: Final = f"{PREFIX}injected"
HUGE: Final = "huge"
"""The name of a model whose size is out of range, which only its reader knows."""
SENDERS: Final = 16
KINDS: Final = "namespaces,pvc,nodes,limitranges,resourcequotas,cachedmodels,cachepolicies"
WILL_BE_REFUSED: Final = re.compile(r"MC110 .*?: pods will be refused: (MC\d{3}) ")
SIMPLE: Final = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
"""Kinds of workloads of which each makes pods from one template."""
OF_ALL: Final = {rule.code for rule in RULES if rule.of_all}
"""Rules that concern pods as they will run, annotated or not. The API server judges by them itself,
after the webhook, which finds only what an annotated pod requests: docs/platform.md, Rules."""


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """An API server without controllers, so that the status of claims stays as it is written."""
    found = ControlPlane(Options(controller_manager=False))
    with served(found, definitions()):
        yield found
    found.stop()


@pytest.fixture(scope="module")
def cluster(plane: ControlPlane) -> Cluster:
    """The cluster whose objects the API server has."""
    found = made()
    for number, labels in enumerate(NODES):
        plane.api.create(_object("v1", "Node", f"node-{number}", labels=labels)).expect(201)
    for place in found.places:
        _fill(plane, place)
    for obj in (*found.models, *found.policies):
        plane.api.create(obj, fieldValidation="Strict").expect(201)
        if obj.get("status"):
            _set_status(plane, obj)
    return found


def _object(version: str, kind: str, name: str, namespace: str = "", **more: Any) -> Object:
    metadata: Object = {"name": name, **({"namespace": namespace} if namespace else {})}
    if labels := more.pop("labels", None):
        metadata["labels"] = labels
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def _fill(plane: ControlPlane, place: Place) -> None:
    """Create the namespace of *place*, and what is in it."""
    plane.api.create(_object("v1", "Namespace", place.name, labels=place.labels)).expect(201, 409)
    size = {"requests": {"storage": "1Gi"}}
    for name, claim in place.claims.items():
        spec = {"accessModes": claim.get("access_modes") or ["ReadWriteMany"], "resources": size}
        obj = _object("v1", "PersistentVolumeClaim", name, place.name, spec=spec)
        plane.api.create(obj).expect(201)
        _set_status(plane, {**obj, "status": {"phase": claim.get("phase") or "Pending"}})
    if place.limits:
        spec = {"limits": list(place.limits)}
        plane.api.create(_object("v1", "LimitRange", "limits", place.name, spec=spec)).expect(201)
    if place.quota:
        obj = _object(
            "v1", "ResourceQuota", "quota", place.name, spec={"hard": place.quota["hard"]}
        )
        plane.api.create(obj).expect(201)
        _set_status(plane, {**obj, "status": {key: place.quota[key] for key in ("hard", "used")}})


def _set_status(plane: ControlPlane, obj: Object) -> None:
    media_type = "application/merge-patch+json"
    body = {"status": obj["status"]}
    plane.api.request("PATCH", f"{url_of(obj)}/status", body, media_type=media_type).expect(200)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What becomes of an object.

    Of a pod, each problem of its refusal and each warning, as text. Of a workload only their
    codes, since the webhook warns of the refusal of its pods.
    """

    refused: list[str]
    warned: list[str]
    pod: Json | None
    """The pod that is stored, or one of the workload; None for what is refused."""


def problems_of(message: str) -> list[str]:
    return re.split(r"; (?=MC\d{3} )", message) if message else []


def code_of(problem: str) -> str:
    return problem.split(" ", 1)[0]


def key_of(obj: Json) -> str:
    return f"{obj['metadata']['namespace']}/{obj['kind']}/{obj['metadata']['name']}"


def template_of(workload: Json) -> Json:
    """Return the only pod template of a workload of a built-in kind."""
    spec = workload["spec"]
    found: Json = (spec.get("jobTemplate") or {"spec": spec})["spec"]["template"]
    return found


def pod_of(workload: Json) -> Json:
    """Return a pod as its controller makes it from the template of *workload*."""
    name, kind = workload["metadata"]["name"], workload["kind"]
    maker = {"Deployment": "ReplicaSet", "CronJob": "Job"}.get(kind, kind)
    owner = {"apiVersion": "apps/v1", "kind": maker, "name": name, "uid": "1", "controller": True}
    template = copy.deepcopy(template_of(workload))
    metadata = template.setdefault("metadata", {}) or {}
    metadata |= {"generateName": f"{name}-", "namespace": workload["metadata"]["namespace"]}
    metadata["ownerReferences"] = [owner]
    return {"apiVersion": "v1", "kind": "Pod", **template, "metadata": metadata}


@pytest.fixture(scope="module")
def by_webhook(plane: ControlPlane, cluster: Cluster) -> Iterator[dict[str, Verdict]]:
    """What the running webhook answers, for each object about which it is asked."""
    webhook = serve(plane, "--facts")
    limits = {place.name: list(_limits(plane, place.name)) for place in cluster.places}
    trusted = ssl.create_default_context(cadata=webhook.ca.decode())
    with (
        httpx.Client(base_url=webhook.url, verify=trusted, trust_env=False, timeout=30) as client,
        ThreadPoolExecutor(SENDERS) as senders,
    ):
        asked = [(place, obj) for place, obj in cluster.applied if place.asks]
        asking = Asking(client)
        answers = senders.map(lambda one: asking.verdict(one[1], limits[one[0].name]), asked)
        yield {key_of(obj): answer for (_, obj), answer in zip(asked, answers, strict=True)}
    webhook.stop()


def _limits(plane: ControlPlane, namespace: str) -> Iterator[LimitRangeItem]:
    """Yield the entries of a namespace's LimitRanges, with the defaults that the API server wrote."""
    for obj in plane.api.list("v1", "LimitRange", namespace):
        for entry in obj["spec"]["limits"]:
            yield LimitRangeItem(
                name=obj["metadata"]["name"],
                type=entry["type"],
                default=entry.get("default", {}),
                default_request=entry.get("defaultRequest", {}),
            )


@dataclass(frozen=True)
class Asking:
    """The connection of an API server to the webhook."""

    client: httpx.Client

    def verdict(self, obj: Json, limits: list[LimitRangeItem]) -> Verdict:
        """Return what becomes of *obj*, which is created."""
        if obj["kind"] == "Pod":
            return self._pod(obj, limits)
        response, after = self._answer(obj, "/mutate-workload")
        refused, warned = list[str](), list[str]()
        for line in response.get("warnings", ()):
            if found := WILL_BE_REFUSED.match(line):
                refused.append(found[1])
            else:
                warned.append(code_of(line))
        pod = None
        if not refused and obj["kind"] in SIMPLE:
            pod = self._pod(pod_of(after), limits).pod
        return Verdict(refused=refused, warned=warned, pod=pod)

    def _pod(self, pod: Json, limits: list[LimitRangeItem]) -> Verdict:
        response, after = self._answer(as_sent(pod, limits), "/mutate")
        return Verdict(
            refused=[] if response["allowed"] else problems_of(response["status"]["message"]),
            warned=response.get("warnings", []),
            pod=what_counts(after) if response["allowed"] else None,
        )

    def _answer(self, obj: Json, path: str) -> tuple[Json, Json]:
        """Return the webhook's answer, and the object as it is stored then."""
        body = review_of(obj, kind=obj["kind"], namespace=obj["metadata"]["namespace"])
        answer = self.client.post(path, content=body, headers={"content-type": "application/json"})
        response: Json = answer.raise_for_status().json()["response"]
        patch = base64.b64decode(response["patch"]) if "patch" in response else b"[]"
        return response, jsonpatch.JsonPatch(json.loads(patch)).apply(obj)


def what_counts(pod: Json) -> Json:
    """Return the specification and the annotations of *pod*: the rest comes from its maker."""
    return {"spec": pod["spec"], "annotations": pod["metadata"].get("annotations", {})}


def as_sent(pod: Json, limits: list[LimitRangeItem]) -> Json:
    """Return *pod* as the API server sends it: with default requests, and those of LimitRanges."""
    found = defaulted(pod)
    defaulting.defaulted(found["spec"], limits)
    return found


@pytest.fixture(scope="module")
def folder(plane: ControlPlane, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files with what is applied, and one with what kubectl says of the cluster."""
    found = tmp_path_factory.mktemp("parity")
    done = plane.kubectl("get", KINDS, "--all-namespaces", "-o", "yaml")
    assert done.returncode == 0, done.stderr
    (found / "cluster.yaml").write_text(done.stdout)
    (found / "applied").mkdir()
    for number, (_, obj) in enumerate(cluster.applied):
        (found / "applied" / f"{number:05}.yaml").write_text(yaml.safe_dump(obj))
    return found


def by_dump(plane: ControlPlane, folder: Path) -> tuple[str | Path, ...]:
    version = kubernetes_version(plane)
    return "--cluster", folder / "cluster.yaml", "--kube-version", version


def output(folder: Path, command: str, *words: str | Path) -> str:
    """Return what a command says of the files, as JSON."""
    ran = modelcache(command, "-f", folder / "applied", "-o", "json", *words)
    assert ran.status in (0, 1), ran.err
    return ran.out


@pytest.fixture(scope="module")
def checked(plane: ControlPlane, folder: Path) -> list[Json]:
    """What check says, with a dump of the cluster."""
    found: list[Json] = json.loads(output(folder, "check", *by_dump(plane, folder)))
    return found


@pytest.fixture(scope="module")
def by_command(
    plane: ControlPlane, cluster: Cluster, folder: Path, checked: list[Json]
) -> dict[str, Verdict]:
    """What check and inject say of each object, with a dump of the cluster."""
    files = sorted((folder / "applied").iterdir())
    objects = {str(file): obj for file, (_, obj) in zip(files, cluster.applied, strict=True)}
    injected = output(folder, "inject", *by_dump(plane, folder))
    after = {key_of(obj): obj for obj in _objects(injected)}
    limits = {place.name: list(_limits(plane, place.name)) for place in cluster.places}
    found: dict[str, Verdict] = {}
    for entry in checked:
        obj = objects[entry["place"].partition(":")[0]]
        key, is_pod = key_of(obj), obj["kind"] == "Pod"
        refused, warned = problems_of(entry["message"]), entry["warnings"]
        if not is_pod:
            refused, warned = [*map(code_of, refused)], [*map(code_of, warned)]
        before = found[key].refused if key in found else []
        pod = None
        if entry["verdict"] != "refused" and (is_pod or obj["kind"] in SIMPLE):
            stored = after[key] if is_pod else pod_of(after[key])
            pod = what_counts(as_sent(stored, limits[obj["metadata"]["namespace"]]))
        found[key] = Verdict(refused=[*before, *refused], warned=warned, pod=pod)
    return found


def _objects(text: str) -> Iterator[Json]:
    """Yield the objects of JSON texts, one after the other."""
    decode = json.JSONDecoder().raw_decode
    at = 0
    while at < len(text):
        obj, at = decode(text, at)
        yield obj
        at += len(text[at:]) - len(text[at:].lstrip())


def test_there_are_enough_objects(cluster: Cluster) -> None:
    kinds = {obj["kind"] for _, obj in cluster.applied}
    assert len(cluster.applied) >= LEAST
    assert {"Pod", *SIMPLE} <= kinds


def test_the_command_says_what_the_webhook_answers(
    cluster: Cluster, by_webhook: dict[str, Verdict], by_command: dict[str, Verdict]
) -> None:
    both = by_webhook.keys() & by_command.keys()
    said = {key: without_more(by_command[key], by_webhook[key]) for key in both}
    for key in both & set(injected(cluster)):
        # The webhook warned in the first review. A command says it of the file, whenever it is asked.
        assert by_webhook[key].warned in ([], said[key].warned)
        said[key] = replace(said[key], warned=by_webhook[key].warned)
    different = {k: (by_webhook[k], found) for k, found in said.items() if found != by_webhook[k]}
    assert different == {}
    assert len(both) >= LEAST
    assert {bool(found.refused) for found in said.values()} == {True, False}


def injected(cluster: Cluster) -> Iterator[str]:
    """Yield the keys of pods that are applied with what an earlier review has added."""
    for _, obj in cluster.applied:
        if obj["kind"] == "Pod" and LEDGER in (obj["metadata"].get("annotations") or {}):
            yield key_of(obj)


def without_more(command: Verdict, webhook: Verdict) -> Verdict:
    """Return what the command says, without what the rules of OF_ALL find only in a running pod."""
    refused = [
        problem
        for problem in command.refused
        if code_of(problem) not in OF_ALL or problem in webhook.refused
    ]
    if command.refused and not refused:  # then it says nothing of what else the pod would get
        return replace(webhook, refused=refused)
    return replace(command, refused=refused)


def test_few_objects_are_judged_by_the_rules_that_only_the_command_knows_wholly(
    by_webhook: dict[str, Verdict], by_command: dict[str, Verdict]
) -> None:
    found = [
        key
        for key in by_webhook.keys() & by_command.keys()
        if by_webhook[key].refused != by_command[key].refused
    ]
    assert 0 < len(found) < len(by_command) / 20


def unchanged(plane: ControlPlane, obj: Json) -> Verdict:
    limits = list(_limits(plane, obj["metadata"]["namespace"]))
    if obj["kind"] not in ("Pod", *SIMPLE):
        return Verdict(refused=[], warned=[], pod=None)
    pod = obj if obj["kind"] == "Pod" else pod_of(obj)
    return Verdict(refused=[], warned=[], pod=what_counts(as_sent(pod, limits)))


def test_what_the_command_does_not_mention_is_left_as_it_is(
    plane: ControlPlane,
    cluster: Cluster,
    by_webhook: dict[str, Verdict],
    by_command: dict[str, Verdict],
) -> None:
    rest = [obj for place, obj in cluster.applied if place.asks and key_of(obj) not in by_command]
    assert rest
    for obj in rest:
        assert by_webhook[key_of(obj)] == unchanged(plane, obj)


def test_nothing_changes_where_the_webhook_is_not_asked(
    plane: ControlPlane, cluster: Cluster, by_command: dict[str, Verdict]
) -> None:
    rest = [obj for place, obj in cluster.applied if not place.asks and key_of(obj) in by_command]
    assert {obj["metadata"]["namespace"] for obj in rest} > {SYSTEM}
    for obj in rest:
        assert by_command[key_of(obj)] == unchanged(plane, obj)


def test_a_cluster_that_is_asked_says_what_its_dump_says(
    plane: ControlPlane, folder: Path, checked: list[Json]
) -> None:
    live = output(folder, "check", "--live", "--kubeconfig", plane.kubeconfig)
    assert json.loads(live) == checked


def test_a_model_with_a_mistake_is_unknown_to_all_of_them(
    cluster: Cluster, by_webhook: dict[str, Verdict]
) -> None:
    [asks] = [
        obj
        for place, obj in cluster.applied
        if place.asks and obj["metadata"].get("annotations", {}).get(f"{PREFIX}model") == HUGE
    ]
    [refused] = [p for p in by_webhook[key_of(asks)].refused if f'"{HUGE}"' in p]
    assert "is not in the catalogue" in refused
