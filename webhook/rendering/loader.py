"""Render the container that runs `modelcache load`, and its volumes other than the store."""

from collections.abc import Sequence
from typing import Final

from webhook.models.model_document import SecretKey
from webhook.objects import names
from webhook.objects.json import Json
from webhook.rendering.noted import Noted
from webhook.rendering.options import Options
from webhook.rendering.pod import container_security, resources
from webhook.rendering.wanted import Wanted
from webhook.values.quantity import MI, Quantity

STORE: Final = "/store"
_SCRATCH: Final = "/scratch"
_TOKEN: Final = "/token"  # noqa: S105  # a directory
_SCRATCH_SIZE: Final = "64Mi"


PEAK: Final = Quantity(150 * MI)
"""Memory of the process with its libraries at its peak, with the default --parallel."""
WRITING: Final = Quantity(256 * MI)
"""Dirty pages of files: the kernel can't take them back before they are written."""
MEMORY: Final = PEAK.plus(WRITING).up_to(128 * MI)
"""The memory limit of a container that loads."""


def loader(  # each is one fact of the container
    name: str,
    source: str,
    model: Wanted,
    options: Options,
    mounts: list[Json],
    cpu: str,
    more: Sequence[str] = (),
    variables: Sequence[Json] = (),
) -> Json:
    """Return the container that loads *model* from *source* into what is mounted at STORE.

    *more*: options in which the kubelet replaces $(NAME) by the value of one of *variables*.
    """
    flags = ["--progress=lines", f"--deadline={options.deadline}"]
    flags += [f"--allow={glob}" for glob in model.files.allow]
    flags += [f"--ignore={glob}" for glob in model.files.ignore]
    if options.safetensors_only:
        flags.append("--safetensors-only")
    if options.hub_cache is not None:
        flags.append("--hub-cache" if options.hub_cache else "--no-hub-cache")
    own: list[Json] = [{"name": "scratch", "mountPath": _SCRATCH}]
    if source == model.text and (token := token_of(model, options)):
        flags.append(f"--token-file={_TOKEN}/{token.key}")
        own.append({"name": "token", "mountPath": _TOKEN, "readOnly": True})
    home = {"HOME": _SCRATCH, "HF_HOME": f"{_SCRATCH}/huggingface", "TMPDIR": _SCRATCH}
    env = {**home, **options.env}
    return {
        "name": name,
        "image": options.image,
        "imagePullPolicy": "IfNotPresent",
        "command": [names.COMMAND, "load", *map(_literal, (source, STORE, *flags)), *more],
        "env": [
            *({"name": key, "value": _literal(value)} for key, value in env.items()),
            *variables,
        ],
        "resources": Noted(resources(cpu, str(MEMORY)), "What load needs for a model of any size."),
        "securityContext": container_security(),
        "terminationMessagePolicy": Noted(
            "FallbackToLogsOnError", "So that kubectl describe pod says why a load failed."
        ),
        "volumeMounts": [*mounts, *own],
    }


def _literal(text: str) -> str:
    """Return *text* escaped, so that the kubelet does not replace $(NAME) in it."""
    return text.replace("$", "$$")


def token_of(model: Wanted, options: Options) -> SecretKey | None:
    """Return the key of the Secret that holds the token for *model*; None if there is none."""
    return options.token or model.token


def volumes(token: SecretKey | None) -> list[Json]:
    """Return the volumes of the loader other than the store."""
    found: list[Json] = [
        {
            "name": "scratch",
            "emptyDir": Noted(
                {"sizeLimit": _SCRATCH_SIZE}, "For HOME: the root file system is read-only."
            ),
        }
    ]
    if token:
        secret = {
            "secretName": token.name,
            "items": [{"key": token.key, "path": token.key}],
            "defaultMode": Noted(0o440, "0440: only the user and the fsGroup can read it."),
        }
        found.append({"name": "token", "secret": secret})
    return found
