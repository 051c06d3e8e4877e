"""Copy annotations of a workload into its pod template.

The annotation copied-keys on the workload lists them, so that a later change or removal
is copied too.

    on the workload    in the template    listed in copied-keys    →
    set                absent             either                   copied
    set                other value        yes                      follows the workload
    set                other value        no                       the template wins, warning
    absent             set                yes                      removed again
"""

from collections.abc import Mapping
from typing import Final

from webhook.admission import codes
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import COPIED_KEYS, PREFIX, asked
from webhook.objects.json import Json
from webhook.objects.json_patch import add, escaped, remove, replace
from webhook.objects.workload import Template

_NEVER_COPIED: Final = frozenset(("injected", "copied-keys"))


def copied(
    own: Mapping[str, str],
    there: Mapping[str, str],
    pointer: str,
    template: Template,
) -> tuple[list[Json], dict[str, str], list[Problem]]:
    """Return the operations, the template's annotations after them, and warnings.

    *own*: annotations of the workload. *there*: annotations of its template, which is at
    the JSON pointer *pointer*.
    """
    before = {k for k in own.get(COPIED_KEYS, "").split(",") if k}
    wanted = {k: v for k, v in asked(own).items() if k not in _NEVER_COPIED}
    present = asked(there)
    added: list[str] = []
    followed: list[str] = []
    kept: list[str] = []
    for key, value in wanted.items():
        if key not in present:
            added.append(key)
        elif present[key] != value:
            (followed if key in before else kept).append(key)
    vanished = sorted(k for k in before if k not in wanted and k in present)
    warnings = []
    if added or followed:
        names = ", ".join(PREFIX + key for key in sorted((*added, *followed)))
        warnings.append(Problem(codes.COPIED, "metadata", f"copied {names} into the pod template"))
    warnings += [
        Problem(
            codes.TEMPLATE_WINS,
            PREFIX + key,
            "the pod template has another value, which wins over the workload's",
        )
        for key in sorted(kept)
    ]
    warnings += [
        Problem(
            codes.UNTEMPLATED,
            PREFIX + key,
            "removed from the pod template: the workload no longer has it",
        )
        for key in vanished
    ]
    annotations = pointer + "/metadata/annotations"
    values = {PREFIX + key: wanted[key] for key in added}
    operations: list[Json] = []
    if added and template.metadata is None:
        operations.append(add(pointer + "/metadata", {"annotations": values}))
    elif added and template.metadata and template.metadata.annotations is None:
        operations.append(add(annotations, values))
    else:
        operations += [add(f"{annotations}/{escaped(k)}", v) for k, v in values.items()]
    operations += [
        replace(f"{annotations}/{escaped(PREFIX + key)}", wanted[key]) for key in followed
    ]
    operations += [remove(f"{annotations}/{escaped(PREFIX + key)}") for key in vanished]
    operations += _remembered(own, sorted({*added, *(before & wanted.keys())}))
    after = {k: v for k, v in there.items() if k.removeprefix(PREFIX) not in vanished}
    after |= values | {PREFIX + key: wanted[key] for key in followed}
    return operations, after, warnings


def _remembered(own: Mapping[str, str], keys: list[str]) -> list[Json]:
    path = "/metadata/annotations/" + escaped(COPIED_KEYS)
    text = ",".join(keys)
    if text == own.get(COPIED_KEYS, ""):
        return []
    if not text:
        return [remove(path)]
    if not own:
        return [add("/metadata/annotations", {COPIED_KEYS: text})]
    return [add(path, text) if COPIED_KEYS not in own else replace(path, text)]
