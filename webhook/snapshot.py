"""A cluster as files describe it: what kubectl get -o yaml printed, turned into Facts.

A kind of which no object is given is unknown, and so no obstacle; once one
claim or one node is given, those that are not given do not exist.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from webhook.decision import quoted
from webhook.facts import Claim, Facts, LimitRangeItem, Quota
from webhook.policy import API_VERSION, Policy, load_policy

KINDS: Final = ("Namespace", "PersistentVolumeClaim", "Node", "LimitRange", "ResourceQuota")


def _amounts(value: Any) -> dict[str, str]:  # noqa: ANN401  # any YAML value
    return {str(k): str(v) for k, v in (value or {}).items()}


def _metadata(item: Mapping[str, Any]) -> Mapping[str, Any]:
    return item.get("metadata") or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is known of a cluster."""

    objects: tuple[Mapping[str, Any], ...]
    policy: Policy
    namespace: str
    kube_version: tuple[int, int] | None
    image_volumes: bool
    loader_image: str

    @classmethod
    def of(  # the options of the commands that need one
        cls,
        objects: Iterable[tuple[str, Any]],
        policy: Iterable[tuple[str, Any]],
        *,
        namespace: str,
        kube_version: tuple[int, int] | None,
        image_volumes: bool,
        loader_image: str,
    ) -> "Snapshot":
        """Return the snapshot of (place, object) pairs; ValueError names every fault."""
        ours, others, faults = list(policy), [], []
        for place, item in objects:
            if not isinstance(item, dict) or not isinstance(item.get("metadata"), dict):
                faults.append(f"{place}: is not a Kubernetes object")
            elif item.get("apiVersion") == API_VERSION:
                ours.append((place, item))
            elif item.get("kind") in KINDS:
                others.append(item)
            else:
                faults.append(
                    f"{place}: {quoted(str(item.get('kind')))} tells nothing here: give "
                    f"{', '.join(KINDS)}, CachedModel or CachePolicy"
                )
        try:
            loaded = load_policy(ours)
        except ValueError as error:
            faults.append(str(error))
        if faults:
            raise ValueError("\n".join(faults))
        return cls(
            objects=tuple(others),
            policy=loaded,
            namespace=namespace,
            kube_version=kube_version,
            image_volumes=image_volumes,
            loader_image=loader_image,
        )

    def _of_kind(self, kind: str) -> list[Mapping[str, Any]]:
        return [item for item in self.objects if item["kind"] == kind]

    def _in(self, kind: str, namespace: str) -> list[Mapping[str, Any]]:
        return [
            item
            for item in self._of_kind(kind)
            if (_metadata(item).get("namespace") or self.namespace) == namespace
        ]

    def facts(self, namespace: str) -> Facts:
        """Return what is known of *namespace*."""
        labels = [
            _metadata(item).get("labels") or {}
            for item in self._of_kind("Namespace")
            if _metadata(item).get("name") == namespace
        ]
        claims = {
            str(_metadata(item)["name"]): Claim(
                access_modes=tuple((item.get("spec") or {}).get("accessModes") or ()) or None,
                phase=(item.get("status") or {}).get("phase"),
            )
            for item in self._in("PersistentVolumeClaim", namespace)
        }
        nodes = tuple(_metadata(item).get("labels") or {} for item in self._of_kind("Node"))
        return Facts(
            namespace=namespace,
            namespace_labels=_amounts(labels[0]) if labels else None,
            claims=claims if self._of_kind("PersistentVolumeClaim") else None,
            nodes=nodes or None,
            kube_version=self.kube_version,
            image_volumes=self.image_volumes,
            limit_ranges=tuple(self._limit_ranges(namespace)),
            quotas=tuple(
                Quota(
                    name=str(_metadata(item).get("name")),
                    hard=_amounts((item.get("spec") or {}).get("hard")),
                    used=_amounts((item.get("status") or {}).get("used")),
                )
                for item in self._in("ResourceQuota", namespace)
            ),
            loader_image=self.loader_image,
        )

    def _limit_ranges(self, namespace: str) -> Iterable[LimitRangeItem]:
        for item in self._in("LimitRange", namespace):
            for entry in (item.get("spec") or {}).get("limits") or ():
                most = _amounts(entry.get("max"))
                # An entry with max but no default defaults to max (core/v1 defaults.go).
                default = {**most, **_amounts(entry.get("default"))}
                yield LimitRangeItem(
                    name=str(_metadata(item).get("name")),
                    type=str(entry.get("type")),
                    maximum=most,
                    default=default,
                    default_request={**default, **_amounts(entry.get("min")),
                                     **_amounts(entry.get("defaultRequest"))},
                )  # fmt: skip
