"""Why a volume can't serve here: facts of the cluster that make one useless.

What is not known is no obstacle, with one exception: an API server that would
drop image volumes does so without a word, so it must be known to keep them.
"""

from collections.abc import Iterator, Sequence

from webhook import codes
from webhook.annotations import PREFIX
from webhook.decision import Problem, quoted
from webhook.facts import Facts
from webhook.model import Model
from webhook.store import NODE_LABEL_VALUE

_SHARED = ("ReadWriteMany", "ReadOnlyMany")
_PSA = "pod-security.kubernetes.io/enforce"


def claim_obstacles(facts: Facts, name: str) -> Iterator[Problem]:
    """Yield why the claim can't be mounted by several pods of the namespace."""
    if facts.claims is None:
        return
    claim = facts.claims.get(name)
    if claim is None:
        wrong = f"does not exist in namespace {facts.namespace}: create it, or name one that does"
    elif claim.access_modes is not None and not set(claim.access_modes) & set(_SHARED):
        modes = ", ".join(claim.access_modes) or "none"
        wrong = f"has access modes {modes}, but several pods need {_SHARED[0]} or {_SHARED[1]}"
    elif claim.phase not in (None, "Bound"):
        wrong = f"is {claim.phase}, not Bound: see kubectl describe pvc {name}"
    else:
        return
    yield Problem(codes.CLAIM, PREFIX + "claim", f"{quoted(name)} {wrong}")


def host_path_obstacles(facts: Facts, labels: Sequence[str]) -> Iterator[Problem]:
    """Yield why a directory of the node can't be mounted."""
    if facts.pod_security in ("baseline", "restricted"):
        yield Problem(
            codes.POD_SECURITY,
            PREFIX + "strategy",
            f"namespace {facts.namespace} has the label {_PSA}={facts.pod_security}, "
            "which forbids hostPath volumes: use pvc",
        )
    if facts.nodes is not None and labels:
        ready = [n for n in facts.nodes if all(n.get(x) == NODE_LABEL_VALUE for x in labels)]
        if not ready:
            yield Problem(
                codes.NODES,
                PREFIX + "strategy",
                f"no node of {len(facts.nodes)} bears the label {labels[0]}: "
                "load the model on one, or use pvc",
            )


def image_obstacles(
    facts: Facts, models: Sequence[Model], *, needs_sub_path: bool
) -> Iterator[Problem]:
    """Yield why an image volume would not come out as it went in."""
    version = f"1.{facts.kube_version[1]}" if facts.kube_version else "unknown"
    if not facts.image_volumes and (facts.kube_version is None or facts.older_than(35)):
        yield Problem(
            codes.IMAGE_VOLUME,
            PREFIX + "strategy",
            f"the API server (version {version}) may drop image volumes and start the pod without "
            "its model: needs 1.35, or --image-volumes where the gate is on; use pvc",
        )
    elif facts.older_than(33) and (needs_sub_path or facts.pod_security == "restricted"):
        what = "a directory inside the image" if needs_sub_path else "Pod Security restricted"
        yield Problem(
            codes.IMAGE_VOLUME,
            PREFIX + ("directory" if needs_sub_path else "strategy"),
            f"image volumes allow {what} from 1.33 on, and the API server has {version}: use pvc",
        )
    for model in models:
        if not model.image:
            yield Problem(
                codes.IMAGE,
                PREFIX + "image",
                f"no image is known for {quoted(model.asked)}: give one by digest, name@sha256:…",
            )
        elif "@sha256:" not in model.image:
            yield Problem(
                codes.IMAGE,
                PREFIX + "image",
                f"{quoted(model.image, 80)} can move: give it by digest, name@sha256:…",
            )
