"""Read rules.yaml: objects, the policies of their cluster, and what a rule finds in them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from tests.admission.admitting import Json, cache_policy, cached_model

FILE: Final = Path(__file__).with_name("rules.yaml")
MODES: Final = ("enforce", "warn", "audit")
NAMESPACES: Final[dict[str, dict[str, str]]] = {
    "team": {"team": "ai"},
    "other": {},
    "off": {"team": "ai", "modelcache.io/admission": "disabled"},
    "kube-system": {},
}
WORKLOADS: Final = ("Deployment", "Job", "CronJob")
_LABELS: Final = {"app": "app"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row; the fields are those of the file."""

    row: str
    what: str
    rule: str
    by: str
    finds: bool | dict[str, bool]
    parameters: Json = field(default_factory=dict)
    more: Json = field(default_factory=dict)
    kinds: tuple[str, ...] = ("Pod", "Workload")
    asked: dict[str, str] | None = None
    name: str = "app"
    namespace: str = "team"
    volumes: list[Json] = field(default_factory=list)
    mounts: list[Json] = field(default_factory=list)
    container: Json = field(default_factory=dict)
    init: list[Json] = field(default_factory=list)
    ephemeral: list[Json] = field(default_factory=list)
    account: str = ""
    owner: str = ""
    replicas: int | None = None
    claims: dict[str, list[str]] | None = None
    nodes: list[dict[str, str]] | None = None
    catalogue: dict[str, Json] = field(default_factory=dict)
    policies: dict[str, Json] = field(default_factory=dict)
    codes: list[str] | None = None
    refused: str | dict[str, str] = ""
    says: list[str] = field(default_factory=list)
    warns: dict[str, list[str]] = field(default_factory=dict)

    def is_found(self, mode: str) -> bool:
        """Whether the rule finds something."""
        return self.finds if isinstance(self.finds, bool) else self.finds[mode]

    def refusal(self, mode: str) -> str:
        """The code of the refusal for what is wrong whatever rules say."""
        return self.refused if isinstance(self.refused, str) else self.refused.get(mode, "")

    @property
    def all_kinds(self) -> list[str]:
        """The kinds of its objects."""
        return [kind for one in self.kinds for kind in (WORKLOADS if one == "Workload" else (one,))]

    def documents(self, mode: str) -> list[Json]:
        """Return the CachePolicies and CachedModels, with the rule in *mode*."""
        spec: Json = {"namespaceSelector": {"matchLabels": {"team": "ai"}}, **self.more}
        spec["rules"] = {**spec.get("rules", {}), self.rule: {"mode": mode, **self.parameters}}
        policies = {"platform": spec, **self.policies}
        return [
            *(_with_mode(cache_policy(name, **found), mode) for name, found in policies.items()),
            *(
                cached_model(name, **found["spec"], status=found.get("status", {}))
                for name, found in self.catalogue.items()
            ),
        ]

    def object(self, kind: str) -> Json:
        """Return the object."""
        asked = {} if self.by == "state" else {"model": "org/name"}
        asked |= self.asked or {}
        metadata: Json = {"annotations": {f"modelcache.io/{k}": v for k, v in asked.items()}}
        container: Json = {"name": "app", "image": "busybox", "volumeMounts": self.mounts}
        spec: Json = {
            "volumes": self.volumes,
            "containers": [container | self.container],
            **({"initContainers": self.init} if self.init else {}),
            **({"ephemeralContainers": self.ephemeral} if self.ephemeral else {}),
            **({"serviceAccountName": self.account} if self.account else {}),
        }
        own: Json = {"name": self.name, "namespace": self.namespace}
        if kind == "Pod":
            if self.owner:
                own["ownerReferences"] = [{"kind": self.owner, "name": "app", "controller": True}]
            return {"apiVersion": "v1", "kind": kind, "metadata": own | metadata, "spec": spec}
        template = {"metadata": {"labels": _LABELS, **metadata}, "spec": spec}
        return _workload(kind, own, template, self.replicas)


def _workload(kind: str, metadata: Json, template: Json, number: int | None) -> Json:
    if kind in ("Job", "CronJob"):
        template["spec"]["restartPolicy"] = "Never"
        spec: Json = {"template": template}
        if number is not None:
            spec["parallelism"] = number
        if kind == "CronJob":
            spec = {"schedule": "0 0 * * *", "jobTemplate": {"spec": spec}}
        return {"apiVersion": "batch/v1", "kind": kind, "metadata": metadata, "spec": spec}
    spec = {"selector": {"matchLabels": _LABELS}, "template": template}
    if number is not None:
        spec["replicas"] = number
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _with_mode(value: Any, mode: str) -> Any:
    match value:
        case dict():
            return {key: _with_mode(item, mode) for key, item in value.items()}
        case list():
            return [_with_mode(item, mode) for item in value]
        case "MODE":
            return mode
        case _:
            return value


def rows() -> Iterator[Row]:
    """Yield the rows of the file, completed by their groups."""
    for group in yaml.load(FILE.read_text(), Loader=yaml.CSafeLoader):
        for row in group["rows"]:
            both = {
                key: {**group.get(key, {}), **row.get(key, {})} for key in ("parameters", "more")
            }
            yield Row(**{"rule": group["rule"], "by": group["by"], **row, **both})
