"""Read corpus.yaml: servers, and the ways in which people name a model to them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.admission.admitting import Json, pod_of

FILE: Final = Path(__file__).with_name("corpus.yaml")
PATHS: Final = {"{1}": "/models/acme--coder/main", "{2}": "/models/acme--draft/main"}
SOURCES: Final[Json] = {
    "rw": {"emptyDir": {}},
    "ro": {"emptyDir": {}},
    "claim": {"persistentVolumeClaim": {"claimName": "models", "readOnly": True}},
    "csi": {"csi": {"driver": "csi.example.com", "readOnly": True}},
    "nfs": {"nfs": {"server": "nfs.example.com", "path": "/", "readOnly": True}},
    "secret": {"secret": {"secretName": "models"}},
    "image": {"image": {"reference": "example.com/models"}},
}
"""What a row says of a mount → the volume."""
ROOT: Final = "/modelcache/hub"
_GROUP: Final = {"server", "image", "cache", "roots", "path", "rows"}
_ROW: Final = {
    "how", "model", "asked", "image", "command", "args", "env", "mounts", "outcome", "at", "after",
    "sets", "roots", "warns",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A container that names a model, and what the webhook makes of it."""

    server: str
    how: str
    models: list[str]
    asked: Json
    container: Json
    """As the author wrote it."""
    volumes: list[Json]
    outcomes: list[str]
    at: list[str]
    after: Json
    """The fields of the container that are different afterwards."""
    sets: Json
    """Variable → value, of those that are gained except MODELCACHE_PATH."""
    roots: list[str]
    """The roots of the caches that are mounted; of a group, those of its rows without their own."""
    warns: list[str]

    @property
    def pod(self) -> Json:
        """The pod of the row."""
        asked = {"model": ",".join(self.models), "shm_size": "0", "strategy": "pvc", **self.asked}
        return pod_of(asked, container=self.container, volumes=self.volumes)


def rows() -> Iterator[Row]:
    """Yield the rows of corpus.yaml, in its order."""
    for group in yaml.load(FILE.read_text(), Loader=yaml.CSafeLoader):
        assert set(group) <= _GROUP, group["server"]
        for row in group["rows"]:
            assert set(row) <= _ROW, row["how"]
            yield _row(group, row)


def _row(group: Json, row: Json) -> Row:
    outcomes = _list(row["outcome"])
    models = row.get("model", "acme/coder").split(",")
    sets = row.get("sets", group["cache"] if "cache" in outcomes else {})
    container: Json = {"image": row.get("image", group["image"]), "args": None}
    container |= _filled({key: row[key] for key in ("command", "args", "env") if key in row})
    container["env"] = [_variable(*entry) for entry in container.get("env", {}).items()]
    container["volumeMounts"] = [
        {"name": f"own-{i}", "mountPath": path, "readOnly": mode == "ro"}
        for i, (path, mode) in enumerate(row.get("mounts", {}).items())
    ]
    after = _filled(row.get("after", {}))
    if "env" in after:
        after["env"] = [_variable(*entry) for entry in after["env"].items()]
    return Row(
        server=group["server"],
        how=row["how"],
        models=models,
        asked=row.get("asked", {}),
        container=container,
        volumes=[
            {"name": f"own-{i}", **SOURCES[mode]}
            for i, mode in enumerate(row.get("mounts", {}).values())
        ],
        outcomes=outcomes,
        at=_list(row.get("at", [])),
        after=after,
        sets=_filled(group["path"] if sets == "path" else sets),
        roots=_list(row.get("roots", group.get("roots", [ROOT]) if "cache" in outcomes else [])),
        warns=row.get("warns", []),
    )


def _variable(name: str, value: str | None) -> Json:
    if value is None:
        return {"name": name, "valueFrom": {"configMapKeyRef": {"name": "settings", "key": name}}}
    return {"name": name, "value": value}


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _filled(value: Any) -> Any:
    """Return *value* with the paths of the models in place of {1} and {2}."""
    match value:
        case dict():
            return {key: _filled(item) for key, item in value.items()}
        case list():
            return [_filled(item) for item in value]
        case str():
            for mark, path in PATHS.items():
                value = value.replace(mark, path)
            return value
        case _:
            return value
