"""Strategy pvc: a PersistentVolumeClaim, filled by a Job."""

from collections.abc import Iterator

from webhook.admission.problem import Problem
from webhook.admission.strategies.claim import (
    ClaimStore,
    claim_obstacles,
    claim_volume,
    same_claim,
)
from webhook.admission.strategies.store import Store
from webhook.admission.strategies.strategy import Provided, Strategy
from webhook.objects import names
from webhook.objects.facts import Facts
from webhook.objects.json import Json
from webhook.objects.volume import Volume


class Pvc(Strategy):
    """A PersistentVolumeClaim, filled by a Job.

    The pod gets one volume for all models: kubelets before 1.35 track one volume name per
    claim and pod, and never start a pod that names a claim twice.
    """

    __slots__ = ()
    name = "pvc"
    reads = ("claim",)
    applies_fs_group = True

    def volumes(self) -> list[Json]:
        claim, read_only = self.request.options.claim, self.request.options.read_only
        return [claim_volume(names.MODEL_VOLUME, claim, read_only=read_only)]

    def receipt(self, volume: Volume, ours: Json) -> bool:
        return same_claim(volume, ours)

    def provided(self) -> list[Provided]:
        return [Provided(names.MODEL_VOLUME, self.directory(m)) for m in self.request.models]

    def obstacles(self, facts: Facts) -> Iterator[Problem]:
        yield from claim_obstacles(facts, self.request.options.claim)

    def store(self) -> Store:
        return ClaimStore(self.request.options.claim)
