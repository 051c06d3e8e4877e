"""Rule sharedClaims."""

from collections.abc import Iterator

from webhook.admission import codes
from webhook.admission.policy.rules.rule import Rule
from webhook.admission.policy.rules.subject import Asking
from webhook.admission.strategies.claim import SHARED
from webhook.values.text import quoted


class SharedClaims(Rule, frozen=True):
    """Refuses claims of one node where several pods need them."""

    name = "sharedClaims"
    code = codes.RULE_SHARED
    by_strategy = True
    foresees = False

    def asked(self, pod: Asking) -> Iterator[str]:
        """Yield a finding for each claim of one node that the pod and others like it mount."""
        if not pod.several or pod.facts.claims is None:
            return
        for name in sorted(_claims(pod)):
            claim = pod.facts.claims.get(name)
            if claim and claim.access_modes is not None and not {*SHARED} & {*claim.access_modes}:
                yield (
                    f"claim {quoted(name)} has access modes {', '.join(claim.access_modes)}, and "
                    f"several pods need {' or '.join(SHARED)}: use another claim, or one pod"
                )


def _claims(pod: Asking) -> set[str]:
    """Return the claims of the strategy, and those of models that the author mounts."""
    models = {pod.setting.store, *pod.setting.claims}
    found = {
        volume.persistent_volume_claim.claim_name or ""
        for volume in pod.spec.volumes or ()
        if volume.persistent_volume_claim
    } & models
    if pod.strategy:
        for volume in (*pod.strategy.volumes(), *pod.strategy.sources()[0]):
            if "persistentVolumeClaim" in volume:
                found.add(volume["persistentVolumeClaim"]["claimName"])
    return found
