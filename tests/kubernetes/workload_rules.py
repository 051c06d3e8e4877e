"""Owns deploy/chart/files/kinds.yaml: what the chart registers for custom kinds, from their table."""

from collections.abc import Iterable
from typing import Any, Final

import yaml

from tests.kubernetes.helm import CHART
from webhook.objects.workload import steps
from webhook.objects.workload_kinds import EACH, MANY, WorkloadKind, registered

FILE: Final = CHART / "files" / "kinds.yaml"
_INLINE: Final = "/annotations"
_JUDGED: Final = ("/metadata/annotations", _INLINE)
"""Where the policy looks for annotations, below a part."""
_HEAD: Final = "# Written by `make manifests` from webhook/objects/workload_kinds.py.\n"


def text() -> str:
    """Return the contents of the file."""
    custom = [row for row in registered() if not row.built_in]
    content = {
        "rules": rules(custom),
        "parts": parts(custom),
        "inline": names(row for row in custom if _INLINE in _annotations(row)),
        "fixed": names(row for row in custom if row.fixed),
    }
    dumped: str = yaml.safe_dump(content, sort_keys=False, width=10**6, default_flow_style=None)
    return _HEAD + dumped


def rules(rows: Iterable[WorkloadKind]) -> list[dict[str, Any]]:
    """Return what the rules of a registration say about *rows*: one rule for each group."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for row in rows:
        found.setdefault((row.group, row.versions or ("*",)), []).append(row.resource)
    return [
        {"group": group, "versions": [*versions], "resources": resources}
        for (group, versions), resources in found.items()
    ]


def parts(rows: Iterable[WorkloadKind]) -> list[dict[str, Any]]:
    """Return the CEL expressions of the parts that describe pods, each with its kinds."""
    found: dict[str, list[WorkloadKind]] = {}
    for row in rows:
        places = dict.fromkeys(place.at for place in row.places if place.annotations in _JUDGED)
        found.setdefault(" + ".join(map(_parts, places)), []).append(row)
    return [{"kinds": names(same), "expression": cel} for cel, same in found.items()]


def names(rows: Iterable[WorkloadKind]) -> list[str]:
    """Return the kinds as the policy names them."""
    return [f"{row.group}/{row.kind}" for row in rows]


def _annotations(row: WorkloadKind) -> set[str]:
    return {place.annotations for place in row.places}


def _parts(at: str) -> str:
    """Return the CEL expression of the list of what is at *at*, as optional values."""
    first, *path = steps(at)
    start = "variables.spec" if first == "spec" else f"dyn(object).?{first}"
    many = [i for i, step in enumerate(path) if step in MANY]
    if not many:
        return f"[{_chained(start, path)}]"
    [i] = many
    whole, rest = _chained(start, path[:i]), path[i + 1 :]
    if path[i] == EACH:
        return f"{whole}.orValue([]).map(item, {_chained('item', rest)})"
    return f"{whole}.orValue({{}}).map(key, {_chained(f'{whole}[?key]', rest)})"


def _chained(start: str, path: Iterable[str]) -> str:
    """Return the CEL expression of what is at *path* below *start*, as an optional value."""
    steps_below = "".join(f".?{step}" for step in path)
    return start + steps_below if steps_below else f"optional.of({start})"
