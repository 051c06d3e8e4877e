"""Ask a live cluster for what files need: policies and models, then each namespace that they name.

What the user may not read is not known, and nothing is refused because of it. It is said.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, TypeVar

import msgspec

from webhook.admission.policy.documents import API_VERSION, MODELS, POLICIES, Policy
from webhook.api_server.client import Api, path
from webhook.api_server.collection import Collection
from webhook.api_server.errors import Missing, Refused, Unreachable
from webhook.api_server.version import version_of
from webhook.objects.facts import CLAIMS, LIMIT_RANGES, NAMESPACES, NODES, QUOTAS, Facts
from webhook.objects.json import Json
from webhook.objects.kinds import (
    ClusterObject,
    LimitRange,
    Namespace,
    Node,
    PersistentVolumeClaim,
    ResourceQuota,
)
from webhook.offline.world import facts_of, ours_of

T = TypeVar("T")
O = TypeVar("O", bound=ClusterObject)  # noqa: E741  # a type
_FORBIDDEN: Final = 403
_SHOWN: Final = 300
"""Characters of a refusal that are shown."""
_NAMESPACED: Final[dict[type[ClusterObject], str]] = {
    PersistentVolumeClaim: CLAIMS,
    LimitRange: LIMIT_RANGES,
    ResourceQuota: QUOTAS,
}


class Live:
    """A cluster that is asked. It raises RequestFailed if it does not answer."""

    def __init__(self, api: Api, files: Policy, *, namespace: str, everywhere: Facts) -> None:
        """*files*: policies next to those of the cluster, which win over the same name.

        *everywhere*: what is known already; the version is asked for, if it is None.
        """
        self.namespace = namespace
        self._api, self._everywhere = api, everywhere
        self._facts: dict[str, Facts] = {}
        self._nodes: list[Node] | None = None
        self._unread: dict[str, tuple[list[str], str]] = {}
        """Resource → the namespaces in which it may not be read, and why."""
        self._found = 0
        self._said: list[str] = []
        if everywhere.kube_version is None:
            self._everywhere = replace(everywhere, kube_version=self._version())
        models, policies, notes = ours_of([*self._ours(MODELS), *self._ours(POLICIES)])
        self._said += notes
        self.policy = files.behind(models, policies, complete=MODELS not in self._unread)
        """The policies and models of cluster and files."""
        if twice := files.twice(models, policies):
            self._said.append(f"{', '.join(twice)}: in --policy and in the cluster, which wins")

    @property
    def notes(self) -> list[str]:
        """What is not known of the cluster, and why, as far as files have needed it."""
        found = []
        for resource, (namespaces, why) in self._unread.items():
            where = f" of namespace {', '.join(namespaces)}" if any(namespaces) else ""
            found.append(f"{resource}{where}: not known: {why}")
        return [*found, *self._said]

    @property
    def nothing(self) -> bool:
        """Whether nothing could be read."""
        return not self._found

    def facts(self, namespace: str) -> Facts:
        """Return what is known about *namespace*. What was read once is not read again."""
        if not self._facts:
            self._nodes = self._listed(Node, "", NODES)
        if namespace not in self._facts:
            self._facts[namespace] = self._read(namespace)
        return self._facts[namespace]

    def _read(self, name: str) -> Facts:
        return facts_of(
            self._everywhere,
            name,
            namespace=self._namespace(name),
            claims=self._listed(PersistentVolumeClaim, name),
            nodes=self._nodes,
            limit_ranges=self._listed(LimitRange, name) or (),
            quotas=self._listed(ResourceQuota, name) or (),
        )

    def _version(self) -> tuple[int, int] | None:
        return self._allowed("version", "", lambda: version_of(self._api.get("version")))

    def _namespace(self, name: str) -> Namespace | None:
        where = ("api", "v1", "namespaces", name)
        try:
            found = self._allowed(NAMESPACES, name, lambda: self._api.get(*where))
        except Missing:
            self._said.append(f"namespace {name} does not exist, so its labels are not known")
            return None
        return msgspec.convert(found, Namespace) if found else None

    def _ours(self, resource: str) -> list[Json]:
        """Return the objects of one of our kinds."""
        where = Collection(self._api, f"/apis/{API_VERSION}/{resource}")
        decode = msgspec.json.decode
        try:
            return self._allowed(resource, "", lambda: [*map(decode, _raws(where))]) or []
        except Missing:
            self._said.append(f"{resource}: the definition is not installed in this cluster")
            return []

    def _listed(self, kind: type[O], namespace: str, resource: str = "") -> list[O] | None:
        """Return the objects of a kind; None if they may not be read."""
        resource = resource or _NAMESPACED[kind]
        below = ("namespaces", namespace) if namespace else ()
        where = Collection(
            self._api, path("api", "v1", *below, resource), metadata_only=kind is Node
        )
        decode = msgspec.json.Decoder(kind).decode
        return self._allowed(resource, namespace, lambda: [*map(decode, _raws(where))])

    def _allowed(self, resource: str, namespace: str, read: Callable[[], T]) -> T | None:
        """Return what *read* returns; None if it is forbidden, which is noted."""
        try:
            found = read()
        except Refused as refusal:
            if refusal.code != _FORBIDDEN:
                raise
            why = " ".join(str(refusal).split())[:_SHOWN]
            self._unread.setdefault(resource, ([], why))[0].append(namespace)
            return None
        except msgspec.MsgspecError as error:
            raise Unreachable(f"its answer about {resource} can't be read: {error}") from error
        self._found += resource != "version"
        return found


def _raws(collection: Collection) -> Iterator[bytes]:
    for page in collection.pages():
        yield from (item.raw for item in page.items)
