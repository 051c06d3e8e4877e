"""Codes of refusals and warnings: what each means, and what to do.

The table and the pages in docs/codes are made from CODES. A number keeps its meaning,
and is never used again.
"""

from typing import Final

CODES: Final[dict[str, tuple[str, str]]] = {}
"""Code → (what it means, what to do)."""


def _code(number: int, meaning: str, remedy: str) -> str:
    code = f"MC{number:03}"
    CODES[code] = (meaning, remedy)
    return code


# Refusals.
VALUE: Final = _code(
    1, "the value of an annotation can't be read", "write a value of the annotation's table"
)
MODEL: Final = _code(
    2,
    "the model is not known or not well named",
    "name a CachedModel, org/name[@revision], or a URI",
)
SIZE: Final = _code(
    3,
    "the size of a model is unknown, or smaller than the model",
    "set modelcache.io/size, or size in the CachedModel",
)
LIST: Final = _code(
    4,
    "a list does not have one entry per model",
    "give one entry per model, in the order of modelcache.io/model",
)
CLAIM: Final = _code(5, "the claim can't serve the pod", "use another claim, or another strategy")
POD_SECURITY: Final = _code(
    6,
    "Pod Security of the namespace forbids the volume",
    "use strategy pvc, or a namespace that allows it",
)
IMAGE_VOLUME: Final = _code(
    7,
    "the API server would drop image volumes",
    "use a server of 1.35 or later, turn on its ImageVolume gate and say so, or another strategy",
)
IMAGE: Final = _code(
    8, "the image of the model is unknown or not pinned", "give modelcache.io/image with @sha256:…"
)
MOUNT_PATH: Final = _code(
    9,
    "something is already mounted there, above it or below it",
    "write what the message says, or remove the mount",
)
VOLUME_NAME: Final = _code(
    10, "a volume has one of our names but another source", "rename the volume"
)
CONTAINER_NAME: Final = _code(
    11, "a container has the name of our loader or gate", "rename the container"
)
CONTAINER: Final = _code(
    12, "an annotation names a container that can't be used", "name another container of the pod"
)
HOST_PATH: Final = _code(
    13,
    "the directory is not below the node cache of the platform",
    "use a directory below it, or remove modelcache.io/host-path",
)
NO_STRATEGY: Final = _code(14, "no strategy can work here", "fix one of the obstacles listed")
LIMIT_RANGE: Final = _code(
    15,
    "a LimitRange of the namespace forbids the corrected amounts",
    "raise the LimitRange, or use a strategy that needs no memory",
)
COMBINATION: Final = _code(16, "two annotations contradict each other", "change one of them")
LOAD_FROM: Final = _code(17, "the pod can't download this itself", "set load-from to claim or node")
PLACEMENT: Final = _code(
    18,
    "it is not known which nodes hold the model",
    "pin the model to a commit, or set placement to preferred or none",
)
# 19 was "no node holds the model", which is waited for: 138.
OFFERED: Final = _code(
    20, "the CachedModel does not offer the strategy", "use one that spec.strategies lists"
)
AMOUNT: Final = _code(21, "a quantity of the pod can't be read", "write a quantity such as 16Gi")

UNKNOWN_REFUSED: Final = _code(
    22,
    "a CachePolicy refuses annotations that are not known",
    "correct the name of the annotation",
)
SNAPSHOT: Final = _code(
    27,
    "the directory is a snapshot in a Hugging Face cache, whose files are elsewhere",
    "use layout hf-cache, and name the directory that holds the cache",
)

# Findings of the rules of a CachePolicy: refusals or warnings, by the mode of the rule.
RULE_STRATEGY: Final = _code(31, "the strategy is not allowed", "use one that the message lists")
RULE_MODEL: Final = _code(32, "the model is not allowed", "use one that is, or request yours")
RULE_MEMORY: Final = _code(33, "the models are too large for memory", "use another strategy")
RULE_READ_ONLY: Final = _code(34, "a model volume can be written", "mount it with readOnly: true")
RULE_ROOTS: Final = _code(35, "a directory of the node is not allowed", "leave it to the webhook")
RULE_PINNED: Final = _code(36, "the revision of a model can move", "name a commit or a digest")
RULE_SAFETENSORS: Final = _code(37, "the model has pickles, which run code", "use safetensors")
RULE_SHM: Final = _code(38, "the shared memory of a pod is too large", "make it smaller")
RULE_SHARED: Final = _code(39, "several pods need a claim of one node", "use another claim")
RULE_REQUIRED: Final = _code(40, "an inference pod names no model", "name it in the annotation")
RULE_SERVED: Final = _code(41, "a container would not read its model here", "write what is said")

# Warnings.
UNKNOWN_ANNOTATION: Final = _code(
    101, "an annotation below modelcache.io/ is not known", "correct its name"
)
NO_EFFECT: Final = _code(
    102, "an annotation has no effect here", "remove it, or choose a strategy that reads it"
)
PASSED_OVER: Final = _code(
    103, "strategy auto passed over a strategy", "fix the obstacle, or name a strategy"
)
UNBOUNDED: Final = _code(
    104,
    "a container has no memory limit, so the pod has none",
    "give every container a memory limit",
)
MEMORY_LEFT: Final = _code(
    105, "memory limits were left as they are", "check that they hold model, /dev/shm and server"
)
BURSTABLE: Final = _code(
    106,
    "the pod had no requests and now has those of our init container",
    "give the containers requests",
)
ARGUMENTS: Final = _code(
    107, "the arguments could not be rewritten", "name the mount path in the arguments yourself"
)
COPIED: Final = _code(
    108, "annotations were copied into the pod template", "nothing, or write them there yourself"
)
TEMPLATE_WINS: Final = _code(
    109, "the pod template has another value than the workload", "keep one of them"
)
WILL_BE_REFUSED: Final = _code(
    110, "the pods of this workload will be refused", "correct what the message says"
)
NO_MODEL: Final = _code(
    111,
    "modelcache.io/model is missing, but other modelcache.io annotations are set",
    "name the model, or remove the others",
)
QUOTA: Final = _code(112, "a ResourceQuota has too little left for the pod", "raise the quota")
UNTEMPLATED: Final = _code(113, "a copied annotation was removed from the pod template", "nothing")
SKIPPED: Final = _code(
    114, "nothing is injected into pods of this kind", "run the model on Linux nodes"
)
RESTORED: Final = _code(
    115,
    "another webhook lowered the memory that we had raised, so it was raised again",
    "exempt these pods from that webhook",
)
DOWNLOADS: Final = _code(
    116,
    "a container names the model by its hub name, and will download it",
    "write what the message says, or set modelcache.io/rewrite-args",
)
UNNAMED: Final = _code(
    117, "no container names the model, so no server reads it", "write what the message says"
)
OTHER_MODEL: Final = _code(
    118,
    "a container names another model, which it can't download in offline mode",
    "add the model to modelcache.io/model, or set modelcache.io/rewrite-args to true",
)
GUESSED: Final = _code(
    119,
    "the container that gets the model was guessed",
    "name it in modelcache.io/containers",
)
UNDONE: Final = _code(
    120,
    "kubectl rollout undo put back an annotation in the pod template",
    "nothing, or undo the change in your manifest too",
)
UNKNOWN_KIND: Final = _code(
    121,
    "the kind of the object is not known, so what looks like a pod template was taken for one",
    "check that pods are made from it, or write the annotation into the pod template",
)
NO_TEMPLATE: Final = _code(
    122,
    "the annotation is on an object that has no pod template",
    "put it where the annotations of its pods are written",
)
UNCHANGEABLE: Final = _code(
    123,
    "the pods of an existing object can't get the annotation any more",
    "create the object again",
)
UNJUDGED: Final = _code(
    125,
    "a CachePolicy selects namespaces by labels that are not known here",
    "give the Namespace with --cluster, or use --live",
)
SHARED_MODE: Final = _code(
    126,
    "another volume of the pod mounts the claim with another readOnly",
    "give both volumes the same readOnly, or remove yours",
)
HOST_IPC: Final = _code(
    127,
    "the pod uses /dev/shm of its node",
    "remove hostIPC, or set modelcache.io/shm-size to 0",
)
STALE_LEDGER: Final = _code(
    128,
    "the pod says that it was injected, but has no volume of ours",
    "remove modelcache.io/injected, and check the limits",
)
NO_NETWORK: Final = _code(
    129,
    "the loader downloads before the proxy of the mesh runs",
    "make the proxy a native sidecar, or load from a claim or the node",
)
ASKS_HUB: Final = _code(
    130,
    "the server asks the hub at its start, although the model is in its cache",
    "set modelcache.io/rewrite-args to true, or write the path",
)
ELSEWHERE: Final = _code(
    131,
    "the server names its models where the webhook can't see it, and can't download others",
    "name all of its models in modelcache.io/model",
)
NAME_CHANGES: Final = _code(
    132,
    "the name of the model in the API changes with its path",
    "set the name that clients use, or remove modelcache.io/rewrite-args",
)
UNSERVED: Final = _code(
    133, "the server never reads a model that is named to it", "use what the message says"
)
OWN_FORMAT: Final = _code(
    134,
    "the server reads only a format of its own",
    "name a model that has this format, or a directory with one",
)
POST_START: Final = _code(
    135,
    "a container downloads a model when it has started",
    "remove the command from lifecycle.postStart",
)
INIT_DOWNLOADS: Final = _code(
    136,
    "an init container downloads a model",
    "remove the init container, and let the server read the shared model",
)
CLAIM_AWAITED: Final = _code(
    137,
    "the pod waits for its claim",
    "create the claim, or see why it is not bound",
)
NODE_AWAITED: Final = _code(
    138,
    "the pod waits until a node holds the model",
    "load the model on a node, or use another strategy",
)
MODEL_AWAITED: Final = _code(
    139,
    "the pod waits until the model is loaded",
    "see the status of the CachedModel",
)
ONE_NODE: Final = _code(
    140,
    "only the pods of one node can use the claim",
    "use a claim that is ReadWriteMany or ReadOnlyMany",
)
UNSET_VARIABLE: Final = _code(
    141,
    "a container refers to a variable of modelcache that it does not get",
    "write what the message says",
)
UNSEEN: Final = _code(
    143,
    "the webhook could not look at a part of the cluster",
    "see what /readyz of the webhook says",
)
FORESEEN: Final = _code(
    144,
    "the cluster will refuse the pod, or never start it",
    "do what the message says; facts.obstacles decides whether the webhook refuses such pods",
)

BY_FACTS: Final = frozenset((CLAIM, POD_SECURITY, LIMIT_RANGE))
"""Refusals that rest on what is known of the cluster."""
AWAITED: Final = frozenset((CLAIM_AWAITED, NODE_AWAITED, MODEL_AWAITED))
"""What may still come: the pod is admitted and waits, and starts by itself."""
