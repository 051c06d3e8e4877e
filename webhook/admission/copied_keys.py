"""Copy annotations of a workload to its pods: into its pod template, or next to it.

The annotation copied-keys on the workload lists what we copied, so that a later change or
removal is copied too. A value is ours if it was copied, was equal to the workload's before
this request, is unchanged by it, and its author is not known to have written it. On CREATE
no value is ours.

    on the workload    in the template         →
    set                absent                  copied
    set                another value, ours     follows the workload
    set                another value           the template wins, warning
    absent             set, ours               removed again
    absent             set                     stays: a person wrote it
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from webhook.admission import codes
from webhook.admission.authorship import Change, is_applied, put_back, wrote
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import COPIED_KEYS, PREFIX, asked
from webhook.objects.json import Json
from webhook.objects.json_patch import add, escaped, remove, replace
from webhook.objects.workload import Template, Workload, pointer, steps
from webhook.objects.workload_kinds import MANY, WorkloadKind
from webhook.values.text import quoted

_NEVER_COPIED: Final = frozenset(("injected", "copied-keys"))
_OWN: Final = "/metadata/annotations/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """What is copied: operations, the annotations of each template after them, warnings."""

    operations: list[Json] = field(default_factory=list)
    annotations: list[dict[str, str]] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def wanted_of(workload: Workload | None) -> dict[str, str]:
    """Return the annotations of *workload* that its pods get, without their prefix."""
    own = asked(workload.annotations) if workload else {}
    return {key: value for key, value in own.items() if key not in _NEVER_COPIED}


def copied(workload: Workload, kind: WorkloadKind, change: Change) -> Copies:
    """Return what has to be copied so that the pods of *workload* get its annotations."""
    found = Copies()
    work = _Copying(workload, kind, change)
    undone = _undone(work)
    work.wanted |= undone
    found.operations.extend(
        replace(_OWN + escaped(PREFIX + key), value) for key, value in undone.items()
    )
    changes = [_of_template(work, template) for template in workload.templates]
    written: dict[str, dict[str, str]] = {}
    for template, one in zip(workload.templates, changes, strict=True):
        first = template.pointer not in written
        if first:
            found.operations.extend(_operations(template, one))
            written[template.pointer] = one.after(template)
        found.annotations.append(written[template.pointer])
    listed = sorted({entry for one in changes for entry in one.listed} | work.foreign)
    found.operations.extend(_remembered(workload, listed, undone))
    found.warnings.extend(_warnings(workload, changes, undone))
    return found


@dataclass(kw_only=True)
class _OfTemplate:
    """What changes in one template: key → value, or keys."""

    added: dict[str, str] = field(default_factory=dict)
    followed: dict[str, str] = field(default_factory=dict)
    vanished: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Keys whose value in the template wins over the workload's."""
    listed: list[str] = field(default_factory=list)

    def after(self, template: Template) -> dict[str, str]:
        """Return all annotations of *template* after the change."""
        gone = {PREFIX + key for key in self.vanished}
        stays = {k: v for k, v in (template.annotations or {}).items() if k not in gone}
        new = self.added | self.followed
        return stays | {PREFIX + key: value for key, value in new.items()}


class _Copying:
    """One workload, its lists of copied keys, and the values before the request."""

    def __init__(self, workload: Workload, kind: WorkloadKind, change: Change) -> None:
        self.workload, self.kind, self.change = workload, kind, change
        self.wanted = wanted_of(workload)
        self.was = wanted_of(change.old)
        now = _entries(workload)
        old = _entries(change.old) if change.old else set()
        self.foreign = {entry for entry in now if not _is_ours(entry, kind)}
        self.now, self.old = now, old
        before = change.old.templates if change.old else ()
        self.before = {one.pointer: asked(one.annotations or {}) for one in before}

    def mark(self, template: Template, key: str) -> str:
        """Return the entry of *key* in the list of copied keys."""
        return key if self.kind.has_one else f"{key}@{_mark(template)}"

    def was_copied(self, template: Template, key: str) -> bool:
        """Whether we had copied *key*, and the two values were equal before this request."""
        before = self.before.get(template.pointer, {}).get(key)
        return (
            before is not None
            and before == self.was.get(key)
            and self.mark(template, key) in self.old
        )

    def is_ours(self, template: Template, key: str) -> bool:
        """Whether the value of *key* in *template* is a copy, and nobody wrote it since."""
        there = (template.annotations or {}).get(PREFIX + key)
        if not self.was_copied(template, key) or there != self.was[key]:
            return False
        # Without the list the request holds a whole object, which its author wrote, or it is an
        # apply: that removes the list with the last annotation of its manager.
        listed = self.mark(template, key) in self.now or is_applied(self.workload, self.change)
        return listed and not wrote(self.workload, template, key, self.change)


def _entries(workload: Workload) -> set[str]:
    return {entry for entry in workload.annotations.get(COPIED_KEYS, "").split(",") if entry}


def _mark(template: Template) -> str:
    return pointer(template.path).replace(",", "~2")


def _is_ours(entry: str, kind: WorkloadKind) -> bool:
    """Whether *entry* can be of this kind; a controller passes on the list of another."""
    _, at, place = entry.partition("@")
    if kind.has_one:
        return not at
    there = steps(place)
    return any(
        len(there) == len(path)
        and all(a in MANY or a == b for a, b in zip(path, there, strict=True))
        for path in (steps(one.at) for one in kind.places)
    )


def _of_template(work: _Copying, template: Template) -> _OfTemplate:
    found = _OfTemplate()
    present = asked(template.annotations or {})
    for key, value in work.wanted.items():
        entry = work.mark(template, key)
        if key not in present:
            found.added[key] = value
        elif present[key] == value:
            if entry not in work.old | work.now:
                continue
        elif work.is_ours(template, key):
            found.followed[key] = value
        else:
            found.kept.append(key)
            continue
        found.listed.append(entry)
    found.vanished = [
        key for key in present if key not in work.wanted and work.is_ours(template, key)
    ]
    return found


_RESTORED_BY_UNDO: Final = frozenset((("apps", "StatefulSet"), ("apps", "DaemonSet")))
"""kubectl rollout undo restores the template alone. Of a Deployment it restores the
annotations too (kubectl polymorphichelpers/rollback.go)."""


def _undone(work: _Copying) -> dict[str, str]:
    """Return the annotations that kubectl rollout undo put back into the template."""
    kind = work.kind
    if (kind.group, kind.kind) not in _RESTORED_BY_UNDO:
        return {}
    return {
        key: there[key]
        for template in work.workload.templates
        for there in [asked(template.annotations or {})]
        for key, value in work.wanted.items()
        if work.was_copied(template, key)
        and value == work.was[key] != there.get(key, value)
        and put_back(work.workload, template, key, work.change)
    }


def _operations(template: Template, one: _OfTemplate) -> Iterator[Json]:
    values = {PREFIX + key: value for key, value in one.added.items()}
    if values and template.missing:
        grown: Json = values
        for step in reversed(template.missing[1:]):
            grown = {step: grown}
        yield add(template.grows_at, grown)
        return
    at = template.pointer
    yield from (add(f"{at}/{escaped(key)}", value) for key, value in values.items())
    for key, value in one.followed.items():
        yield replace(f"{at}/{escaped(PREFIX + key)}", value)
    yield from (remove(f"{at}/{escaped(PREFIX + key)}") for key in sorted(one.vanished))


def _remembered(workload: Workload, listed: list[str], undone: Mapping[str, str]) -> Iterator[Json]:
    """Yield the operation that writes the list of copied keys."""
    own, text = workload.annotations, ",".join(listed)
    if text == own.get(COPIED_KEYS, ""):
        return
    path = _OWN + escaped(COPIED_KEYS)
    if not text:
        yield remove(path)
    elif not own and not undone:
        yield add("/metadata/annotations", {COPIED_KEYS: text})
    else:
        yield add(path, text) if COPIED_KEYS not in own else replace(path, text)


def _warnings(
    workload: Workload, changes: list[_OfTemplate], undone: Mapping[str, str]
) -> Iterator[Problem]:
    for key, value in undone.items():
        yield Problem(
            codes.UNDONE,
            PREFIX + key,
            f"kubectl rollout undo put {quoted(value)} back into the pod template, "
            "so the workload's own annotation now has it too",
        )
    names = sorted({PREFIX + key for one in changes for key in (*one.added, *one.followed)})
    if names:
        into = [
            template
            for template, one in zip(workload.templates, changes, strict=True)
            if one.added or one.followed
        ]
        yield Problem(codes.COPIED, "metadata", f"copied {', '.join(names)} into {_named(into)}")
    for key in sorted({key for one in changes for key in one.kept}):
        yield Problem(
            codes.TEMPLATE_WINS,
            PREFIX + key,
            "the pod template has another value, which wins over the workload's",
        )
    for key in sorted({key for one in changes for key in one.vanished}):
        yield Problem(
            codes.UNTEMPLATED,
            PREFIX + key,
            "removed from the pod template: the workload no longer has it",
        )


def _named(templates: list[Template]) -> str:
    if all(template.is_template for template in templates):
        many = len(templates)
        return "the pod template" if many == 1 else f"{many} pod templates"
    places = dict.fromkeys(".".join(map(str, one.annotations_path)) for one in templates)
    return ", ".join(places)
