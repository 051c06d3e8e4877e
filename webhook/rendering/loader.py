"""Render the container that runs `modelcache load`, and its volumes other than the store."""

import re
from collections.abc import Sequence
from typing import Final

from webhook.models.model_document import SecretKey
from webhook.models.schemes import REMOTE
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
_REFERENCE: Final = re.compile(r"\$(?:\((\w+)\))?", re.ASCII)
_EXTRA: Final = "The image must contain the extra {0}: build it with --build-arg EXTRAS={0}."


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
    scheme = REMOTE[model.source.scheme]
    extra, given = source == model.text and scheme.extra, dict[str, str]()
    flags = ["--progress=lines", f"--deadline={options.deadline}"]
    flags += [f"--allow={glob}" for glob in model.files.allow]
    flags += [f"--ignore={glob}" for glob in model.files.ignore]
    if options.safetensors_only:
        flags.append("--safetensors-only")
    if options.hub_cache is not None:
        flags.append("--hub-cache" if options.hub_cache else "--no-hub-cache")
    own: list[Json] = [{"name": "scratch", "mountPath": _SCRATCH}]
    if source == model.text and (token := token_of(model, options)):
        path = f"{_TOKEN}/{token.key}"
        if variable := scheme.credentials_file:
            given[variable] = path
        else:
            flags.append(f"--token-file={path}")
        own.append({"name": "token", "mountPath": _TOKEN, "readOnly": True})
    home = {"HOME": _SCRATCH, "HF_HOME": f"{_SCRATCH}/huggingface", "TMPDIR": _SCRATCH}
    known = options.env_from.names
    env = {key: _literal(text, known) for key, text in {**home, **given, **options.env}.items()}
    all_of: Json = {"envFrom": [*options.env_from.objects]} if options.env_from.objects else {}
    return {
        "name": name,
        "image": Noted(options.image, _EXTRA.format(scheme.extra)) if extra else options.image,
        "imagePullPolicy": "IfNotPresent",
        "command": [names.COMMAND, "load", *map(_literal, (source, STORE, *flags)), *more],
        **all_of,
        "env": [
            *options.env_from.variables,
            *({"name": key, "value": value} for key, value in env.items()),
            *variables,
        ],
        "resources": Noted(resources(cpu, str(MEMORY)), "What load needs for a model of any size."),
        "securityContext": container_security(),
        "terminationMessagePolicy": Noted(
            "FallbackToLogsOnError", "So that kubectl describe pod says why a load failed."
        ),
        "volumeMounts": [*mounts, *own],
    }


def _literal(text: str, known: frozenset[str] = frozenset()) -> str:
    """Return *text* escaped, so that the kubelet replaces only the $(NAME) that are *known*."""
    return _REFERENCE.sub(lambda found: found[0] if found[1] in known else f"${found[0]}", text)


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
