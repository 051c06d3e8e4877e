"""Read a workload: its own annotations, and the parts that describe its pods."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from webhook.objects.json import Json
from webhook.objects.json_patch import escaped
from webhook.objects.meta import Metadata, Object
from webhook.objects.pod import Pod, PodSpec
from webhook.objects.workload_kinds import MANY, Place, WorkloadKind
from webhook.values.shape import Fault, faults

Path = tuple[str | int, ...]
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
"""What kubectl apply and Argo CD record of the manifest that they applied from the client."""


class ManagedFields(Object, frozen=True):
    """Which fields one field manager owns (meta/v1 ManagedFieldsEntry)."""

    manager: str = ""
    operation: str = ""
    fields: Any = msgspec.field(default=None, name="fieldsV1")


class WorkloadMetadata(Metadata, frozen=True):
    """The metadata of a workload."""

    managed_fields: tuple[ManagedFields, ...] | None = None


class _Part(Object, frozen=True):
    annotations: dict[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One part of a workload that describes pods."""

    path: Path
    """The part."""
    spec_path: Path | None
    """Its pod specification; None if the controller composes it."""
    annotations_path: Path
    annotations: Mapping[str, str] | None
    """None: absent, or null."""
    missing: tuple[str, ...]
    """The last steps of `annotations_path` that are absent."""
    spec: PodSpec | None
    name: str | None
    identities: Mapping[Path, Json] = field(default_factory=dict)
    """The list items on its path, by which managedFields name them."""

    @property
    def pointer(self) -> str:
        """The JSON pointer of the annotations."""
        return pointer(self.annotations_path)

    @property
    def grows_at(self) -> str:
        """The JSON pointer of what has to be added first, or of the annotations."""
        end = len(self.annotations_path) - max(0, len(self.missing) - 1)
        return pointer(self.annotations_path[:end])

    @property
    def is_template(self) -> bool:
        """Whether it is a PodTemplateSpec, which people call the pod template."""
        return self.annotations_path == (*self.path, "metadata", "annotations")

    def pod(self, annotations: Mapping[str, str], workload: str) -> Pod:
        """Return a pod of it with *annotations*. *workload*: the name of its workload."""
        name = f"{workload}-"  # the names of pods begin so
        metadata = Metadata(generate_name=name, annotations=dict(annotations))
        return Pod(metadata=metadata, spec=self.spec)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """An object whose controller makes pods."""

    metadata: WorkloadMetadata
    templates: tuple[Template, ...]
    makes_several: bool | None = None
    """Whether it runs several pods at a time; None: that is not known."""
    downloads: tuple[tuple[str, str, str], ...] = ()
    """URIs that its controller makes each pod download: place, URI, what to write instead."""

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its own annotations; empty if there are none."""
        return self.metadata.annotations or {}

    @property
    def name(self) -> str:
        """Its name, or what a name will be generated from."""
        return self.metadata.name or self.metadata.generate_name or ""


class MisfitError(Exception):
    """The object is not one of its kind; *fault* is the first value of the wrong type."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(f"{fault.where}: {fault.what}")


def pointer(path: Path) -> str:
    """Return *path* as a JSON pointer."""
    return "".join(f"/{escaped(str(step))}" for step in path)


def steps(text: str) -> tuple[str, ...]:
    """Return the steps of a pointer of the table of kinds, whose steps are plain words."""
    return tuple(filter(None, text.split("/")))


def misfits(content: Json, kind: WorkloadKind) -> Iterator[Fault]:
    """Yield each value of *content* (plain JSON) that has the wrong type for its kind."""
    yield from _below(content.get("metadata"), ("metadata",), WorkloadMetadata)
    for place in kind.places:
        for path, part in _parts(content, (), steps(place.at)):
            if isinstance(part, Fault):
                yield part
            else:
                yield from _wrong(part, path, place)


def read_workload(content: Json, kind: WorkloadKind) -> Workload:
    """Return what is read of *content* (plain JSON), an object of *kind*.

    Raises MisfitError for a value of the wrong type. In a kind that is not built in, a part
    with such a value is left out: only its own API server knows what it may be.
    """
    if found := next(_below(content.get("metadata"), ("metadata",), WorkloadMetadata), None):
        raise MisfitError(found)
    templates = []
    for place in kind.places:
        for path, part in _parts(content, (), steps(place.at)):
            fault = part if isinstance(part, Fault) else next(_wrong(part, path, place), None)
            if fault is None:
                templates.append(_template(content, path, part, place))
            elif kind.built_in:
                raise MisfitError(fault)
    metadata = msgspec.convert(content.get("metadata") or {}, WorkloadMetadata)
    return Workload(
        metadata=metadata,
        templates=tuple(templates),
        makes_several=_makes_several(content, kind),
        downloads=tuple(_downloads(content, kind)) if kind.downloads else (),
    )


def _downloads(content: Json, kind: WorkloadKind) -> Iterator[tuple[str, str, str]]:
    for at, remedy in kind.downloads.items():
        *way, last = steps(at)
        for path, part in _parts(content, (), tuple(way)):
            if isinstance(part, dict) and isinstance(uri := part.get(last), str):
                yield ".".join(map(str, (*path, last))), uri, remedy


def _makes_several(content: Json, kind: WorkloadKind) -> bool | None:
    if kind.each_node or not kind.number:
        return True if kind.each_node else None
    value: Any = content
    for step in steps(kind.number):
        value = value.get(step) if isinstance(value, dict) else None
    return (value if isinstance(value, int) else 1) > 1


def _parts(value: Any, path: Path, ahead: tuple[str, ...]) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401  # any JSON value
    """Yield what is at *ahead* below *value*, or the Fault on the way; nothing that is absent."""
    if value is None:
        return
    if isinstance(value, list) and ahead and ahead[0] in MANY:
        for i, item in enumerate(value):
            yield from _parts(item, (*path, i), ahead[1:])
    elif not isinstance(value, dict):
        [wrong] = faults(value, _Part)
        yield path, Fault(path, wrong.what)
    elif not ahead:
        yield path, value
    elif ahead[0] in MANY:
        for key, item in value.items():
            yield from _parts(item, (*path, key), ahead[1:])
    else:
        yield from _parts(value.get(ahead[0]), (*path, ahead[0]), ahead[1:])


def _below(value: Any, path: Path, kind: type[msgspec.Struct]) -> Iterator[Fault]:  # noqa: ANN401  # any JSON value
    if value is not None:
        yield from (Fault((*path, *found.path), found.what) for found in faults(value, kind))


def _wrong(part: Json, path: Path, place: Place) -> Iterator[Fault]:
    """Yield the values of the wrong type in *part*, which is at *path*."""
    holder = place.annotations.rpartition("/")[0]
    looked_at: list[tuple[str, type[msgspec.Struct]]] = [
        (holder, Metadata if holder == "/metadata" else _Part)
    ]
    if place.spec is not None:
        looked_at.append((place.spec, PodSpec))
    for below, kind in looked_at:
        for where, value in _parts(part, path, steps(below)):
            if isinstance(value, Fault):
                yield value
            else:
                yield from _below(value, where, kind)


def _template(content: Json, path: Path, part: Json, place: Place) -> Template:
    spec: Any = part
    for step in steps(place.spec or ""):
        spec = (spec or {}).get(step)
    annotations: Any = part
    missing: tuple[str, ...] = ()
    for step in steps(place.annotations):
        annotations = None if annotations is None else annotations.get(step)
        missing = () if annotations is not None else (*missing, step)
    items: dict[Path, Json] = {}
    value: Any = content
    for i, key in enumerate(path, 1):
        inside = value[key]
        if isinstance(value, list) and isinstance(inside, dict):
            items[path[:i]] = inside
        value = inside
    return Template(
        path=path,
        spec_path=None if place.spec is None else (*path, *steps(place.spec)),
        annotations_path=(*path, *steps(place.annotations)),
        annotations=annotations,
        missing=missing,
        spec=None if place.spec is None or spec is None else msgspec.convert(spec, PodSpec),
        name=(part.get("metadata") or {}).get("name") if place.spec == "/spec" else None,
        identities=items,
    )
