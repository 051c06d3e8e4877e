"""Use a PersistentVolumeClaim as the store of models: its volume, and obstacles.

What is not known of a claim is not an obstacle.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from webhook.admission import codes
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import PREFIX
from webhook.admission.strategies.store import Store
from webhook.admission.strategies.strategy import Strategy
from webhook.objects.facts import CLAIMS, Facts
from webhook.objects.json import Json
from webhook.objects.pod import PodSpec
from webhook.objects.volume import ClaimSource, Volume
from webhook.values.text import quoted

SHARED: Final = ("ReadWriteMany", "ReadOnlyMany")
_ONE_NODE: Final = "ReadWriteOnce"
_UNBOUND: Final = "Pending"
_WHERE: Final = PREFIX + "claim"


def claim_volume(name: str, claim: str, *, read_only: bool) -> Json:
    """Return the volume *name* that mounts *claim*."""
    # readOnly on the claim, and not only on the mount: then the kubelet neither walks the
    # volume for an fsGroup nor creates a missing subPath (csi_mounter.go).
    source: Json = {"claimName": claim}
    return {
        "name": name,
        "persistentVolumeClaim": source | ({"readOnly": True} if read_only else {}),
    }


def same_claim(volume: Volume, ours: Json) -> bool:
    """Whether *volume* mounts the same claim as *ours*, with the same readOnly."""
    source, want = volume.source, ours["persistentVolumeClaim"]
    return isinstance(source, ClaimSource) and (source.claim_name, bool(source.read_only)) == (
        want["claimName"],
        bool(want.get("readOnly")),
    )


def claim_obstacles(facts: Facts, name: str) -> Iterator[Problem]:
    """Yield what speaks against the claim as a store of several pods of the namespace.

    ReadWriteOnce binds a volume to a node, not to a pod.
    """
    if facts.claims is None:
        return
    claim, namespace = facts.claims.get(name), facts.namespace
    if claim is None:
        wrong = (
            f"{quoted(name)} does not exist in namespace {namespace}: create it, or name one that "
            f"does (kubectl get pvc -n {namespace})"
        )
        yield Problem(codes.CLAIM_AWAITED, _WHERE, wrong)
        return
    modes = claim.access_modes
    if modes is not None and not set(modes) & set(SHARED):
        if _ONE_NODE in modes:
            wrong = (
                f"{quoted(name)} is {_ONE_NODE}: one node mounts it, and pods on a second node "
                f"wait. Use a claim that is {SHARED[0]} or {SHARED[1]}"
            )
            yield Problem(codes.ONE_NODE, _WHERE, wrong)
        else:
            wrong = (
                f"{quoted(name)} has access modes {', '.join(modes) or 'none'}, but several pods "
                f"need {SHARED[0]} or {SHARED[1]}"
            )
            yield Problem(codes.CLAIM, _WHERE, wrong)
    if claim.phase == _UNBOUND:
        wrong = (
            f"{quoted(name)} is {_UNBOUND}, not Bound: see kubectl describe pvc {name} "
            f"-n {namespace}"
        )
        yield Problem(codes.CLAIM_AWAITED, _WHERE, wrong)
    elif claim.phase not in (None, "Bound"):
        wrong = f"{quoted(name)} is {claim.phase}: its volume is gone. Use another claim"
        yield Problem(codes.CLAIM, _WHERE, wrong)


@dataclass(frozen=True, slots=True)
class ClaimStore(Store):
    """A claim as a store."""

    name: str

    def unknown(self, facts: Facts) -> str | None:
        if facts.claims is None:
            return facts.why_unknown(CLAIMS)
        claim = facts.claims.get(self.name)
        if claim and (claim.access_modes is None or claim.phase is None):
            return f"it is not known whether {quoted(self.name)} is shared and Bound"
        return None

    def says_what_it_holds(self, facts: Facts) -> bool:  # noqa: ARG002  # of Store
        return False

    def looks_at(self) -> tuple[str, ...]:
        return (CLAIMS,)


def named_twice(strategy: Strategy, spec: PodSpec, facts: Facts) -> Iterator[Problem]:
    """Yield a problem for each other volume of the pod that mounts a claim of the strategy.

    Kubelets before 1.35 never start such a pod.
    """
    if not facts.older_than(35):
        return
    for volume, source in _others(strategy, spec):
        yield Problem(
            codes.CLAIM,
            f"spec.volumes {volume}",
            f"mounts claim {quoted(source.claim_name or '')} too. A kubelet before 1.35 "
            "never starts a pod with two volumes of one claim, and a later one mounts both "
            "read-only or both writable: remove this volume",
        )


def shared_mode(strategy: Strategy, spec: PodSpec, facts: Facts) -> Iterator[Problem]:
    """Yield a remark for each other volume that makes a claim of the strategy writable, or not.

    Kubelets from 1.35 on mount a claim once for each pod, with the readOnly of either volume
    (desired_state_of_world.go, AddPodToVolume).
    """
    if facts.older_than(35):
        return
    ours = {
        v["persistentVolumeClaim"]["claimName"]: bool(v["persistentVolumeClaim"].get("readOnly"))
        for v in _claims(strategy)
    }
    for volume, source in _others(strategy, spec):
        read_only = ours[source.claim_name]
        if bool(source.read_only) == read_only:
            continue
        mode = "readOnly: true" if read_only else "no readOnly"
        yield Problem(
            codes.SHARED_MODE,
            f"spec.volumes {volume}",
            f"mounts claim {quoted(source.claim_name or '')} too, with another readOnly. A kubelet "
            "from 1.35 on mounts both read-only or both writable, and an older one never starts "
            f"the pod: give this volume {mode}, or remove it",
        )


def _claims(strategy: Strategy) -> list[Json]:
    """Return the volumes of the strategy that mount a claim."""
    ours = [*strategy.volumes(), *strategy.sources()[0]]
    return [volume for volume in ours if "persistentVolumeClaim" in volume]


def _others(strategy: Strategy, spec: PodSpec) -> Iterator[tuple[str, ClaimSource]]:
    """Yield name and source of each volume that is not ours, but mounts a claim of the strategy."""
    ours = _claims(strategy)
    claims = {volume["persistentVolumeClaim"]["claimName"] for volume in ours}
    named = {volume["name"] for volume in ours}
    for volume in spec.volumes or ():
        source = volume.persistent_volume_claim
        if volume.name not in named and source and source.claim_name in claims:
            yield volume.name, source
