"""The fields of pods that people set by options: where pods run, and as which account."""

import re
from dataclasses import dataclass
from typing import Final

from webhook.objects.json import Json
from webhook.rendering.noted import Noted
from webhook.rendering.readers import label
from webhook.values.text import quoted

_EFFECTS: Final = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_TOLERATION: Final = re.compile(r"([^=:]+)(?:=([^=:]*))?(?::([^=:]+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFields:
    """Where the pods of loaders run, and as which account."""

    service_account: str | None = None
    image_pull_secrets: tuple[str, ...] = ()
    runtime_class: str | None = None
    priority_class: str | None = None
    node_selector: dict[str, str]
    tolerations: tuple[Json, ...] = ()

    def rendered(self, *, whatever_taints: bool = False) -> Json:
        """Return the fields that are set.

        *whatever_taints*: pods with a node selector tolerate all taints, unless tolerations were
        given.
        """
        found: Json = {}
        if self.service_account:
            found["serviceAccountName"] = Noted(
                self.service_account, "Its annotations give the loader an identity of the cloud."
            )
        if self.image_pull_secrets:
            found["imagePullSecrets"] = [{"name": name} for name in self.image_pull_secrets]
        if self.runtime_class:
            found["runtimeClassName"] = self.runtime_class
        if self.priority_class:
            found["priorityClassName"] = self.priority_class
        if self.node_selector:
            found["nodeSelector"] = self.node_selector
        if self.tolerations:
            found["tolerations"] = list(self.tolerations)
        elif self.node_selector and whatever_taints:
            found["tolerations"] = Noted(
                [{"operator": "Exists", "effect": "NoSchedule"}],
                "The selector chooses the nodes; those with accelerators usually have taints.",
            )
        return found


def toleration(text: str) -> Json:
    """Read KEY[=VALUE][:EFFECT], as `kubectl taint` writes taints; ValueError."""
    found = _TOLERATION.fullmatch(text)
    if not found or (found[3] and found[3] not in _EFFECTS):
        raise ValueError(
            f"{quoted(text)} is not KEY[=VALUE][:EFFECT], such as nvidia.com/gpu:NoSchedule; "
            f"EFFECT is one of {', '.join(_EFFECTS)}"
        )
    key, value = label(f"{found[1]}={found[2] or ''}")
    effect: Json = {"effect": found[3]} if found[3] else {}
    if found[2] is None:
        return {"key": key, "operator": "Exists", **effect}
    return {"key": key, "operator": "Equal", "value": value, **effect}
