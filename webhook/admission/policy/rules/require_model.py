"""Rule requireModel."""

import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal

from msgspec import Meta

from webhook.admission import codes
from webhook.admission.containers.accelerators import requests_accelerator
from webhook.admission.containers.server import normal
from webhook.admission.containers.servers import SERVERS
from webhook.admission.containers.servers.recognition import server_of_image
from webhook.admission.policy.rules.rule import Rule
from webhook.admission.policy.rules.subject import Running
from webhook.objects.container import Container

OFFLINE: Final = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
ON: Final = ("1", "true", "ON", "YES")
_NAMES: Final = sorted({normal(flag) for server in SERVERS for flag in server.model_flags})
_FLAGS: Final = [name for name in _NAMES if name.startswith("-")]
VARIABLES: Final = [name for name in _NAMES if not name.startswith("-")]
"""Variables that name the model of a server."""
_VERBS: Final = sorted(
    {c.split()[-1] for server in SERVERS if server.positional for c in server.commands}
)
PATHS: Final = rf" (?:{'|'.join(map(re.escape, (*_FLAGS, *_VERBS)))})[= ][\"']?[/$]"
"""A regular expression (also of RE2) for a command that is given a model by its path."""

FOUND: Final = (
    "container {containers} would download its model when it starts: name the model in the "
    "annotation modelcache.io/model"
)


class RequireModel(Rule, frozen=True):
    """Refuses an inference pod that names no model and would download one when it starts."""

    name = "requireModel"
    code = codes.RULE_REQUIRED
    of_all = True

    detect: Annotated[
        Literal["servers", "accelerators", "either"],
        Meta(
            description="What makes a pod an inference pod: the image of a known server, a "
            "container that requests an accelerator, or either of them."
        ),
    ] = "servers"

    def seen(self, pod: Running) -> Iterator[str]:
        """Yield a finding if a container serves a model that it will download."""
        if pod.asks or pod.only_ephemeral:
            return
        sidecars = [c for c in pod.spec.init_containers or () if c.is_sidecar]
        serving = (*(pod.spec.containers or ()), *sidecars)
        found = [c.name for c in serving if self._is_found(c) and not local(c)]
        if found:
            yield FOUND.format(containers=", ".join(found))

    def _is_found(self, container: Container) -> bool:
        serves = bool(container.image and server_of_image(container.image).name)
        accelerated = requests_accelerator(container)
        return (serves and self.detect != "accelerators") or (
            accelerated and self.detect != "servers"
        )


def local(container: Container) -> bool:
    """Whether a container is offline, or is given a model by its path."""
    for variable in container.env or ():
        value = variable.value or ""
        if variable.name in OFFLINE and value in ON:
            return True
        if variable.name in VARIABLES and value.startswith(("/", "$")):
            return True
    words = " ".join((*(container.command or ()), *(container.args or ())))
    return re.search(PATHS, f" {words} ") is not None
