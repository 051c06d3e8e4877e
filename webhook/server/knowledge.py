"""Know the cluster: policy and facts, as the controller reports them.

- The last good policy holds, however old it is.
- Any other fact counts only while its watch lives: then a fault of ours refuses nobody.
"""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from webhook.admission.policy.cache_policy import CachePolicy, cache_policy
from webhook.admission.policy.documents import MODELS, POLICIES, Policy
from webhook.admission.strategies import STRATEGIES
from webhook.controller.messages import (
    Changed,
    Message,
    Relisted,
    Seen,
    Synced,
    Version,
)
from webhook.models.cached_model import CachedModel, cached_model
from webhook.objects.facts import CLAIMS, LIMIT_RANGES, NAMESPACES, NODES, QUOTAS, Facts
from webhook.rule_policies.policies import OLDEST
from webhook.server.fact_store import FactStore
from webhook.server.readiness import Readiness
from webhook.server.telemetry.metrics import Metrics

LIVE_SECONDS: Final = 90.0
"""A watch that said nothing for so long is not alive: bookmarks come each minute."""
GRACE_SECONDS: Final = 0.3
"""How long a pod waits for its claim before auto passes over it."""
PATIENCE_SECONDS: Final = 30.0
"""A replica gets ready without facts after so long; without policy never."""
VERSION: Final = "version"
_DIGITS: Final = 12


class Knowledge:
    """Policy and facts of a cluster that is watched."""

    changes = True

    def __init__(self, everywhere: Facts, files: Policy, metrics: Metrics, *, nodes: bool) -> None:
        """*files*: the policy of --policy. Objects of the cluster with the same name win."""
        self._store, self._files, self._metrics = FactStore(everywhere), files, metrics
        self._models: dict[str, CachedModel] = {}
        self._policies: dict[str, CachePolicy] = {}
        self._digests: dict[str, bytes] = {}
        self.policy = files
        """The policy: the same object until it changes."""
        self.of = self._store.facts
        self._seen: dict[str, float] = {}
        self._synced: set[str] = set()
        self._former: dict[str, set[str]] = {}
        self._facts_of = [NAMESPACES, CLAIMS, LIMIT_RANGES, QUOTAS, *([NODES] if nodes else [])]
        self._unwatched = frozenset(() if nodes else (NODES,))
        self._claims_changed = asyncio.Event()
        self._began = time.monotonic()
        self.refresh()

    def readiness(self) -> Readiness:
        """Return what this replica must know before it answers reviews."""
        missing = [kind for kind in (POLICIES, MODELS) if kind not in self._synced]
        if time.monotonic() - self._began < PATIENCE_SECONDS:
            missing += [kind for kind in (*self._facts_of, VERSION) if kind not in self._synced]
        said = {"facts": f"{', '.join(missing)}: not read yet"} if missing else {}
        concerns = {}
        if twice := self._files.twice(self._models.values(), self._policies.values()):
            concerns["policy"] = f"{', '.join(twice)}: in --policy and in the cluster, which wins"
        if partial := self._partial():
            concerns["rules"] = partial
        return Readiness(said, concerns)

    async def settled(self, namespace: str, claim: str) -> None:
        """Wait until the claim is known, or GRACE_SECONDS: both may be applied together."""
        deadline = time.monotonic() + GRACE_SECONDS
        while claim not in (self.of(namespace).claims or {}):
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self._claims_changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._claims_changed.wait(), left)

    async def keep(self) -> None:
        """Look each second at which watches live, until cancelled."""
        while True:
            await asyncio.sleep(1)
            self.refresh()

    def refresh(self) -> None:
        """Forget facts whose watch has died, and remember those whose watch lives."""
        now, stale = time.monotonic(), dict[str, str]()
        for kind in self._facts_of:
            silent = now - self._seen.get(kind, self._began)
            live = kind in self._synced and silent <= LIVE_SECONDS
            if not live:
                stale[kind] = f"{max(1, round(silent / 60))} min"
            self._metrics.facts_live.labels(kind).set(int(live))
        self._store.know(self._unwatched | stale.keys(), stale)
        numbers = {MODELS: len(self._models), POLICIES: len(self._policies)}
        for kind, number in (numbers | self._store.numbers()).items():
            self._metrics.facts_objects.labels(kind).set(number)

    def begin(self) -> None:
        """Take that the controller starts from nothing: what it does not send again is gone."""
        self._former = {kind: set(self._store.keys(kind)) for kind in self._facts_of}
        self._former |= {MODELS: set(self._models), POLICIES: set(self._policies)}

    def take(self, message: Message) -> None:
        """Take a message of the controller; others than those about the cluster are ignored."""
        match message:
            case Changed():
                self._former.get(message.kind, set()).difference_update(message.there)
                self._change(message.kind, message.there, message.gone)
            case Synced():
                if former := self._former.pop(message.kind, None):
                    self._change(message.kind, {}, [*former])
                self._synced.add(message.kind)
                if message.kind in (POLICIES, MODELS):
                    self._read_policy()
                self._seen[message.kind] = time.monotonic()
                self.refresh()
            case Relisted():
                self._metrics.facts_relists.labels(message.kind, message.reason).inc()
            case Seen():
                now = time.monotonic()
                for kind, age in message.ages.items():
                    self._seen[kind] = now - age
                    self._metrics.facts_age.labels(kind).set(age)
                self.refresh()
            case Version():
                self._store.version(message.major, message.minor)
                self._synced.add(VERSION)
            case _:
                pass

    def _change(self, kind: str, there: Mapping[str, Any], gone: list[str]) -> None:
        if kind == MODELS:
            self._models |= {key: cached_model(doc, STRATEGIES) for key, doc in there.items()}
            self._policy_changed(self._models, kind, there, gone)
        elif kind == POLICIES:
            self._policies |= {key: cache_policy(doc) for key, doc in there.items()}
            self._policy_changed(self._policies, kind, there, gone)
        else:
            self._store.change(kind, there, gone)
            self._claims_changed.set()

    def _policy_changed(
        self, objects: dict[str, Any], kind: str, there: Mapping[str, Any], gone: list[str]
    ) -> None:
        """Keep the digests of what is *there*, and forget what is *gone*."""
        for key, document in there.items():
            encoded = msgspec.json.encode(document, order="deterministic")
            self._digests[f"{kind}/{key}"] = hashlib.sha256(encoded).digest()
        for key in gone:
            objects.pop(key, None)
            self._digests.pop(f"{kind}/{key}", None)
        if kind in self._synced:  # the first list comes in many messages
            self._read_policy()

    def _read_policy(self) -> None:
        models = [model for _, model in sorted(self._models.items())]
        policies = [policy for _, policy in sorted(self._policies.items())]
        digest = hashlib.sha256(self._files.generation.encode())
        for key, one in sorted(self._digests.items()):
            digest.update(key.encode() + one)
        generation = digest.hexdigest()[:_DIGITS] if self._digests else self._files.generation
        if generation == self.policy.generation:
            return
        self.policy = self._files.behind(models, policies, generation)
        self._metrics.policy_is(generation)

    def _partial(self) -> str:
        """Return which rules do not hold for pods that request nothing, and why; or nothing."""
        if old := self._store.everywhere.older_than(OLDEST[1]):
            found = _of_every_pod(self.policy.policies)
        else:
            found = _of_every_pod(p for p in self._files.policies if p.name not in self._policies)
        why = (
            f"Kubernetes before {OLDEST[0]}.{OLDEST[1]} can't enforce rules by itself"
            if old
            else "the API server does not read --policy: create the CachePolicy in the cluster"
        )
        names = ", ".join(found)
        return f"{names}: holds only for what annotated pods request, since {why}" if found else ""


def _of_every_pod(policies: Iterable[CachePolicy]) -> list[str]:
    """Return the rules that also concern pods about which nobody asks us."""
    return [f"{p.name} {rule.name}" for p in policies for rule in p.rules if rule.of_all]
