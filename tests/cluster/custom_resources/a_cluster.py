"""A cluster with many kinds of facts, and the objects that are applied to it.

- A namespace for each folder of tests/cases that has facts or policies: with its claims, labels,
  LimitRanges, quotas, and its policies for that namespace alone.
- Generated namespaces, for the pods of tests/cases, of the corpus of servers, and of the table of
  rules.
"""

import copy
import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.admission import corpus, rules
from tests.admission.admitting import Json, cache_policy, cached_model, pod_of
from tests.admission.test_cases import FOLDERS, documents, given

NUMBER: Final = 30
"""Generated namespaces."""
NAME: Final = "kubernetes.io/metadata.name"
DISABLED: Final = "modelcache.io/admission"
SYSTEM: Final = "kube-system"
OF_ROWS: Final = ("Pod", "Deployment", "CronJob")
"""The kinds of the objects of the table of rules that are applied."""
LEVEL: Final = "pod-security.kubernetes.io/enforce"
NODES: Final[list[Json]] = [
    {},
    {"modelcache.io/d5eccae1661c3253": "ready"},
    {"modelcache.io/eb6534d8325b2030": "ready", "modelcache.io/d5eccae1661c3253": "loading"},
]
"""The labels of each node. Those are of acme/coder and org/name at a commit."""
PARAMETERS: Final[dict[str, Json]] = {
    "allowedStrategies": {"strategies": ["pvc", "emptyDir"]},
    "allowedModels": {"models": ["acme/*", "org/*", "oci://*"]},
    "maxMemoryModel": {"size": "16Gi"},
    "pinnedRevisions": {},
    "safetensorsOnly": {},
    "maxSharedMemory": {"size": "2Gi"},
    "sharedClaims": {},
    "servedFromCache": {},
}
OF_ALL: Final[dict[str, Json]] = {
    "readOnlyMounts": {},
    "hostPathRoots": {"roots": ["/var/lib/model-cache"]},
    "requireModel": {},
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A namespace and what is in it."""

    name: str
    labels: dict[str, str] = field(default_factory=dict)
    claims: dict[str, Json] = field(default_factory=dict)
    """Name → access_modes and phase."""
    limits: Sequence[Json] = ()
    """The entries of a LimitRange, as the API server writes them."""
    quota: Json | None = None
    policies: Sequence[Json] = ()

    @property
    def asks(self) -> bool:
        """Whether the API server asks the webhook about its pods."""
        return self.name != SYSTEM and self.labels.get(DISABLED) != "disabled"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """What is in a cluster, and the pods and workloads that are applied to it."""

    places: list[Place]
    models: list[Json]
    policies: list[Json]
    applied: list[tuple[Place, Json]]


def made() -> Cluster:
    """Return the cluster, the same each time."""
    chance = random.Random("a cluster")
    generated = [*(_generated(i, chance) for i in range(NUMBER)), Place(name=SYSTEM)]
    own = {case: place for i, case in enumerate(FOLDERS) if (place := _of_case(case, i))}
    objects = [(own.get(case), given(case)) for case in FOLDERS]
    others = [given(case) for case in own]
    others += [row.pod for row in corpus.rows()]
    others += [
        row.object(kind) for row in rules.rows() for kind in row.all_kinds if kind in OF_ROWS
    ]
    others += [pod_of({"model": name}) for name in ("still-loading", "only-image", "huge")]
    turns = itertools.cycle(generated)
    every = [(place or next(turns), obj) for place, obj in objects]
    every += [(next(turns), obj) for obj in others]
    return Cluster(
        places=[*own.values(), *generated],
        models=list(_models()),
        policies=[*_policies(), *(one for place in own.values() for one in place.policies)],
        applied=[(place, _named(obj, place, i)) for i, (place, obj) in enumerate(every)],
    )


def _named(obj: Json, place: Place, number: int) -> Json:
    """Return *obj* in its namespace, with a name that no other has."""
    found = copy.deepcopy(obj)
    metadata = found.setdefault("metadata", {})
    begin = metadata.pop("generateName", None) or metadata.get("name", "") + "-"
    metadata["name"] = f"{begin}{number}"
    metadata["namespace"] = place.name
    return found


def _generated(number: int, chance: random.Random) -> Place:
    labels = {"generated": "yes"}
    for key, values in {
        "team": ("inference", "web", "", ""),
        "env": ("prod", "dev", ""),
        "rules": (*rules.MODES, "", ""),
        LEVEL: ("privileged", "baseline", "restricted", "", "", ""),
        "every": ("pod", "", "", "", "", ""),
    }.items():
        if value := chance.choice(values):
            labels[key] = value
    if number % 15 == 14:
        labels[DISABLED] = "disabled"
    claims = {
        name: {
            "access_modes": chance.choice(
                [["ReadWriteMany"], ["ReadOnlyMany"], ["ReadWriteOnce"], ["ReadWriteOncePod"]]
            ),
            "phase": chance.choice(["Bound", "Bound", "Bound", "Pending", "Lost"]),
        }
        for name in ("model-store", "team-models", "models", "mistral-7b")
        if chance.random() < 0.6
    }
    limits = chance.choice(
        [
            (), (), (),
            ({"type": "Container", "default": {"memory": "24Gi"}, "defaultRequest": {"memory": "8Gi"}},),
            ({"type": "Container", "max": {"memory": "32Gi"}},),
            ({"type": "Pod", "max": {"memory": "40Gi"}, "min": {"memory": "1Gi"}},),
            (
                {"type": "Container", "maxLimitRequestRatio": {"memory": "2"}},
                {"type": "PersistentVolumeClaim", "max": {"storage": "1Ti"}},
            ),
        ]
    )  # fmt: skip
    quota = {"hard": {"limits.memory": "64Gi"}, "used": {"limits.memory": "60Gi"}}
    return Place(
        name=f"generated-{number}",
        labels=labels,
        claims=claims,
        limits=limits,
        quota=quota if chance.random() < 0.3 else None,
    )


_ITEM: Final = {
    "minimum": "min",
    "maximum": "max",
    "ratio": "maxLimitRequestRatio",
    "default": "default",
    "default_request": "defaultRequest",
}


def _of_case(case: str, number: int) -> Place | None:
    """Return the namespace of a folder of tests/cases; None if it has nothing of its own."""
    facts = next(iter(documents(case, "facts.yaml")), {})
    policies = [d for d in documents(case, "policy.yaml") if d["kind"] == "CachePolicy"]
    known = ("claims", "namespace_labels", "limit_ranges", "quotas")
    if not policies and not any(key in facts for key in known):
        return None
    name = f"case-{number}"
    items = [
        {"type": item["type"], **{_ITEM[k]: v for k, v in item.items() if k in _ITEM}}
        for item in facts.get("limit_ranges", ())
    ]
    quotas = facts.get("quotas", ())
    return Place(
        name=name,
        labels=facts.get("namespace_labels") or {},
        claims=facts.get("claims") or {},
        limits=items,
        quota=quotas[0] if quotas else None,
        policies=[_only(policy, name) for policy in policies],
    )


def _only(policy: Json, namespace: str) -> Json:
    """Return *policy*, which was written for namespace default, for *namespace* alone."""
    found: Json = _moved(copy.deepcopy(policy), namespace)
    found["metadata"]["name"] = f"{namespace}-{policy['metadata']['name']}"
    selector = found["spec"].setdefault("namespaceSelector", {})
    selector.setdefault("matchLabels", {}).setdefault(NAME, namespace)
    return found


def _moved(value: Any, namespace: str) -> Any:
    match value:
        case dict():
            return {key: _moved(item, namespace) for key, item in value.items()}
        case list():
            return [_moved(item, namespace) for item in value]
        case str() if value == "default" or value.startswith("default/"):
            return namespace + value.removeprefix("default")
        case _:
            return value


def _models() -> Iterator[Json]:
    """Yield the CachedModels of all cases and rows; of those with the same name, the first."""
    seen = set()
    found: Iterable[Json] = (d for case in FOLDERS for d in documents(case, "policy.yaml"))
    rows = (one for row in rules.rows() for one in row.documents("enforce"))
    loading = {"type": "Ready", "status": "False", "reason": "Loading", "message": "62 %"}
    loading |= {"lastTransitionTime": "2026-01-01T00:00:00Z"}
    own = [
        cached_model("still-loading", "acme/slow", status={"conditions": [loading]}),
        cached_model("only-image", "acme/imaged", strategies=["image"], image=IMAGE),
        cached_model("huge", "acme/huge", size="2Pi"),  # the schema does not know the range
    ]
    for document in itertools.chain(found, rows, own):
        name = document["metadata"]["name"]
        if document["kind"] == "CachedModel" and name not in seen:
            seen.add(name)
            yield _with_times(document)


IMAGE: Final = "registry.example/models@sha256:" + "0" * 64


def _with_times(model: Json) -> Json:
    """Return *model* with conditions that the API server accepts."""
    found = copy.deepcopy(model)
    for condition in found.get("status", {}).get("conditions", ()):
        condition.setdefault("lastTransitionTime", "2026-01-01T00:00:00Z")
    return found


def _policies() -> Iterator[Json]:
    """Yield the policies of generated namespaces."""
    yield _policy("web", {"team": "web"}, defaults={"claim": "team-models", "shm-size": "1Gi"})
    yield _policy("web-first", {"team": "web"}, priority=5, defaults={"placement": "required"})
    yield _policy("inference", {"team": "inference"}, priority=-1, defaults={"memory": "ensure"})
    not_prod: Json = {
        "matchLabels": {"generated": "yes"},
        "matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["prod"]}],
    }
    yield cache_policy("not-prod", namespaceSelector=not_prod, defaults={"layout": "directory"})
    yield _policy("dev", {"env": "dev"}, unknownAnnotations="Refuse")
    for mode in rules.MODES:
        found = {name: {"mode": mode, **more} for name, more in PARAMETERS.items()}
        yield _policy(f"rules-{mode}", {"rules": mode}, rules=found)
    found = {name: {"mode": "enforce", **more} for name, more in OF_ALL.items()}
    yield _policy("every-pod", {"every": "pod"}, rules=found)


def _policy(name: str, labels: dict[str, str], **spec: Any) -> Json:
    selector = {"matchLabels": {"generated": "yes", **labels}}
    return cache_policy(f"generated-{name}", namespaceSelector=selector, **spec)
