"""Rule servedFromCache."""

from collections.abc import Iterator

from webhook.admission import codes
from webhook.admission.containers.readings import Outcome, Reading
from webhook.admission.policy.rules.rule import Rule
from webhook.admission.policy.rules.subject import Asking


class ServedFromCache(Rule, frozen=True):
    """Refuses a container that would still download an annotated model, or names it nowhere."""

    name = "servedFromCache"
    code = codes.RULE_SERVED

    def asked(self, pod: Asking) -> Iterator[str]:
        """Yield a finding for each container that would not read a model from its mount."""
        for container in pod.containers:
            name = container.place.container.name
            for reading in container.readings.models:
                if reading.outcome in (Outcome.DOWNLOADS, Outcome.UNNAMED):
                    yield f"container {name}: {_said(pod, name, reading)}"


def _said(pod: Asking, container: str, reading: Reading) -> str:
    """Return what the warnings say of a container and a model; it has the words to write."""
    model = reading.model.name
    for remark in pod.remarks:
        if (
            remark.code in (codes.DOWNLOADS, codes.UNNAMED)
            and remark.where == f"container {container}"
            and model in remark.what
        ):
            return remark.what
    return (
        f"names {model} nowhere, so it does not read it: name its path, or leave the container "
        "out of modelcache.io/containers"
    )
