"""Admit one object as the cluster would, without asking it."""

from typing import Any, Final

from webhook.admission.admit import EXCLUDED
from webhook.admission.decision import Skip, SkipReason
from webhook.admission.policy.documents import API_VERSION
from webhook.admission.request.annotations import PREFIX
from webhook.documents.aliases import unshared
from webhook.documents.plain import plain
from webhook.objects.json import Json
from webhook.objects.pod import Pod
from webhook.objects.template_search import searched_kind
from webhook.objects.workload import misfits
from webhook.objects.workload_kinds import WorkloadKind, kind_of
from webhook.offline.outcome import Misshapen, Outcome, Part
from webhook.offline.template import admitted
from webhook.offline.world import World
from webhook.values.shape import Fault, faults

POD: Final = "Pod"


def _has_our_key(value: Any) -> bool:  # noqa: ANN401  # any JSON value
    """Whether a mapping in *value* has one of our keys."""
    match value:
        case dict():
            return any(key.startswith(PREFIX) or _has_our_key(v) for key, v in value.items())
        case list():
            return any(map(_has_our_key, value))
        case _:
            return False


def _has_our_annotation(value: Any) -> bool:  # noqa: ANN401  # any JSON value
    """Whether a mapping of annotations in *value* has one of our keys."""
    match value:
        case dict():
            own = value.get("annotations")
            return (isinstance(own, dict) and any(key.startswith(PREFIX) for key in own)) or any(
                map(_has_our_annotation, value.values())
            )
        case list():
            return any(map(_has_our_annotation, value))
        case _:
            return False


def _name(kind: str, content: Json) -> str:
    metadata = content.get("metadata")
    if not isinstance(metadata, dict):
        metadata = {}
    return f"{kind.lower()}/{metadata.get('name') or metadata.get('generateName') or ''}"


def admit_object(document: Any, world: World) -> Outcome | None:  # noqa: ANN401
    """Return the outcome for one object; None if it does not concern us.

    Raises Misshapen with every value of the wrong type, and ValueError if
    kubectl could not send the object at all.
    """
    name = document.get("kind") if isinstance(document, dict) else None
    if not isinstance(name, str):
        return None
    content = plain(document)
    group = _group(content.get("apiVersion"))
    title = _name(name, content)
    kind: WorkloadKind | None
    if name == POD and group in (None, ""):
        kind, built_in = None, "v1"
    else:
        kind = _built_in(name) if group is None else kind_of(group, name)
        built_in = f"{kind.group}/v1".lstrip("/") if kind and kind.built_in else ""
        kind = kind or _searched(content, group, name)
        if kind is None:
            return None
    ours = _has_our_key(content)
    if not ours and not world.policy.judges_every_pod:
        return None
    found = list(faults(content, Pod)) if kind is None else list(misfits(content, kind))
    if built_in and content.get("apiVersion") != built_in:
        found.insert(0, Fault(("apiVersion",), f"must be {built_in} for a {name}"))
    if found:
        raise Misshapen(title, found)
    before = unshared(document)
    namespace = (content.get("metadata") or {}).get("namespace") or world.namespace
    outcome = Outcome(
        name=title,
        is_pod=kind is None,
        before=before,
        after=before,
        parts=(Part(name=title, decision=Skip(reason=SkipReason.EXCLUDED_NAMESPACE)),),
    )
    if namespace in EXCLUDED or world.facts(namespace).switched_off:
        return outcome if ours else None
    outcome = admitted(outcome, kind, content, namespace, world)
    return outcome if ours or outcome.findings or outcome.warnings else None


def _built_in(name: str) -> WorkloadKind | None:
    """Return the built-in kind of *name*, for an object without a readable apiVersion."""
    groups = ("apps", "batch", "")
    return next((kind for group in groups if (kind := kind_of(group, name))), None)


def _searched(content: Json, group: str | None, name: str) -> WorkloadKind | None:
    """Return what is known of an unknown kind; None if the object does not concern us."""
    if group == _group(API_VERSION) or not _has_our_annotation(content):
        return None
    return searched_kind(content, group or "", name)


def _group(version: Any) -> str | None:  # noqa: ANN401  # any JSON value
    """Return the group of an apiVersion; None if it can't be read."""
    return version.rpartition("/")[0] if isinstance(version, str) else None
