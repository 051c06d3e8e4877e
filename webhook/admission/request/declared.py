"""Declare the annotations that a pod may have, one field each.

To add one, add a field here and use it, usually in plan.py or in a strategy. Reading,
defaults from a CachePolicy, the check for unknown names and the table in
docs/annotations.md follow.
"""

from dataclasses import dataclass
from typing import Final

from webhook.admission.problem import Problem
from webhook.admission.request.annotations import annotation, declared
from webhook.admission.request.model import Model
from webhook.models.layout import DEFAULT_ROOT
from webhook.models.schemes import REMOTE
from webhook.values.paths import absolute_path, relative_path
from webhook.values.quantity import GI, Quantity
from webhook.values.readers import (
    amount,
    boolean,
    claim_name,
    container_name,
    image_reference,
    listed,
    object_name,
    one_of,
    size,
    user_id,
)

AUTO: Final = "auto"
_URIS: Final = ", ".join(f"`{name}://`" for name in REMOTE)


def _no_nodes(request: "CacheRequest") -> str:
    if request.options.placement != "preferred" or all(m.label for m in request.models):
        return ""
    return "for a model without a commit: it is not known which nodes hold it"


def _no_arguments(request: "CacheRequest") -> str:
    if request.options.layout != "hf-cache" or not request.options.rewrite_args:
        return ""
    return "with layout hf-cache, which leaves arguments as they are"


def _no_file(request: "CacheRequest") -> str:
    if request.options.layout != "hf-cache":
        return ""
    return "with layout hf-cache, which has no directory of plain files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The annotations of a pod with their defaults, parsed."""

    model: tuple[str, ...] = annotation(
        "model", listed(str),
        f"catalogue name, `org/name[:quantisation][@revision]` or a URI ({_URIS}); "
        "comma-separated for several",
        "The model. A pod without this annotation is left alone.", default=(),
        shown="required", platform=False,
    )  # fmt: skip
    strategy: str = annotation(
        "strategy", str, "",  # reading.py adds the names of the catalogue, a layer above
        "Where its files come from: the kind of volume that the pod gets.", default=AUTO,
        shown="`auto`",
    )  # fmt: skip
    claim: str = annotation(
        "claim", claim_name, "name of a PersistentVolumeClaim of the pod's namespace",
        "The claim that holds the models.", default="model-store", shown="`model-store`",
    )  # fmt: skip
    host_path: str = annotation(
        "host-path", absolute_path, "absolute directory at or below the platform's node cache",
        "The node's directory that holds the models.", default=DEFAULT_ROOT,
        shown=f"`{DEFAULT_ROOT}`",
    )  # fmt: skip
    image: tuple[str, ...] = annotation(
        "image", listed(image_reference), "OCI reference with `@sha256:…`",
        "The image that holds the model.", default=(), shown="the CachedModel's", platform=False,
    )  # fmt: skip
    size: tuple[Quantity, ...] = annotation(
        "size", listed(size), "quantity", "Bytes of the model. The volume in memory is 5 % larger.",
        default=(), shown="the CachedModel's", platform=False,
    )  # fmt: skip
    directory: tuple[str, ...] = annotation(
        "directory", listed(relative_path), "relative path",
        "Where the model is in the claim, node cache or image, if the store was filled by hand.",
        default=(), shown="the CachedModel's, else the store's layout", platform=False,
    )  # fmt: skip
    load_from: str = annotation(
        "load-from", one_of("claim", "node", "source"), "`claim`, `node`, `source`",
        "Where the loader copies from. `source`: each pod downloads a model that needs no token.",
        default="claim", shown="`claim`",
    )  # fmt: skip
    placement: str = annotation(
        "placement", one_of("preferred", "required", "none"), "`preferred`, `required`, `none`",
        "Whether the pod prefers nodes that hold the model, requires them, or neither.",
        default="preferred", shown="`preferred`", no_effect=_no_nodes,
    )  # fmt: skip
    mount_path: tuple[str, ...] = annotation(
        "mount-path", listed(absolute_path), "absolute directory",
        "Where containers find the model. With layout `hf-cache`: the root of the cache.",
        default=(), shown="`/models/<directory>`, `/modelcache/hub` with `hf-cache`",
        platform=False,
    )  # fmt: skip
    layout: str = annotation(
        "layout", one_of("auto", "directory", "hf-cache"), "`auto`, `directory`, `hf-cache`",
        "Plain files; a Hugging Face cache, offline; or `auto`: plain files, and the cache where "
        "a server names the model by its hub name.",
        default="auto", shown="`auto`",
    )  # fmt: skip
    containers: tuple[str, ...] = annotation(
        "containers", listed(container_name), "names, comma-separated",
        "Which containers get the mount.", default=(),
        shown="those that request an accelerator, and known servers that name the model; else "
        "known servers, else the default container, else the first that is no proxy",
        platform=False,
    )  # fmt: skip
    target: str | None = annotation(
        "target", container_name, "a container name",
        "The container whose memory is corrected, and that gets /dev/shm.", default=None,
        shown="the first of `containers`", platform=False,
    )  # fmt: skip
    read_only: bool = annotation(
        "read-only", boolean, "`true`, `false`", "Whether containers can only read the model.",
        default=True, shown="`true`",
    )  # fmt: skip
    shm_size: Quantity = annotation(
        "shm-size", amount, "quantity, `0` for none", "Size of /dev/shm, in memory.",
        default=Quantity(2 * GI), shown="`2Gi`",
    )  # fmt: skip
    memory: str = annotation(
        "memory", one_of("add", "ensure", "none"), "`add`, `ensure`, `none`",
        "Memory limits grow by the size of volumes in memory, grow only if too small, or stay.",
        default="add", shown="`add`",
    )  # fmt: skip
    verify: bool = annotation(
        "verify", boolean, "`true`, `false`",
        "An init container checks the model before the server starts.",
        default=False, shown="`false`",
    )  # fmt: skip
    rewrite_args: bool = annotation(
        "rewrite-args", boolean, "`true`, `false`",
        "Replace `--model org/name` by the path, and add `--served-model-name`.",
        default=False, shown="`false`", no_effect=_no_arguments,
    )  # fmt: skip
    loader_user: int | None = annotation(
        "loader-user", user_id, "user ID from 1",
        "User of the init containers that are added, if only this user may read the store.",
        default=None, shown="the installation's, else the pod's, else 65532",
    )  # fmt: skip
    loader_pull_secrets: tuple[str, ...] = annotation(
        "loader-pull-secrets", listed(object_name), "names of Secrets of the pod's namespace",
        "Added to the pod's `imagePullSecrets`, so that nodes can pull the image of the init "
        "containers that are added.", default=(), shown="the installation's",
    )  # fmt: skip
    server: str | None = annotation(
        "server", str, "",  # reading.py adds the names of the catalogue, a layer above
        "Which inference server the containers run; `other`: none of the table.", default=None,
        shown="recognised by the command, else by the image",
    )  # fmt: skip
    file: tuple[str, ...] = annotation(
        "file", listed(relative_path), "relative path in the model",
        "One file that the server is pointed at, such as a `.gguf` file: `$(MODELCACHE_FILE)`.",
        default=(), shown="the CachedModel's", platform=False, no_effect=_no_file,
    )  # fmt: skip
    inject: bool = annotation(
        "inject", boolean, "`false`", "`false`: leave the pod alone.", default=True, shown="–",
        platform=False,
    )  # fmt: skip


KNOWN: Final = frozenset(a.name for a in declared(Options).values()) | {
    "injected",
    "copied-keys",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRequest:
    """What a pod requests: its models, and its annotations with the defaults added."""

    models: tuple[Model, ...]
    options: Options
    root: str | None
    """The node cache of the platform: host-path must be this directory, or below it. None: a rule
    says where it may be."""
    asked: frozenset[str]
    """The names of the annotations that the pod itself has."""
    remarks: tuple[Problem, ...]
    safetensors_only: bool = False
    """Whether a loader must refuse pickles."""
