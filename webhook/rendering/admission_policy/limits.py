"""CATALOGUE of what the policies can't do: when a pod asks for it, and what the refusal says.

The policy that injects leaves such a pod alone, the policy that refuses says why, and the table in
docs/without-a-server.md lists all of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from webhook.objects import cel


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What keeps the policies from injecting a pod."""

    name: str
    """The variable with the text for one pod; it is empty if the limit does not concern the pod."""
    refused: str
    """What is refused, for the manual."""
    instead: str
    """What to do, for the manual."""
    applies: str
    """CEL: whether it keeps them from injecting the pod."""
    says: str
    """CEL: the text for the pod, in which "they" are the policies."""


LIMITS: Final = (
    Limit(
        name="noAnnotation",
        refused="an annotation that the policies do not read, such as `size`, `target` or `file`",
        instead="remove it",
        applies="size(variables.unread) > 0",
        says="""
            variables.unread.map(name, 'modelcache.io/' + name).join(', ')
            + ': they do not read it: remove it'
        """,
    ),
    Limit(
        name="noValue",
        refused="a value that the policies do not know, such as strategy `emptyDir`, layout "
        "`hf-cache`, `verify: true`, `rewrite-args: true`, or several models",
        instead="write one of the values above",
        applies="size(variables.wrong) > 0",
        says="""
            variables.wrong.map(name,
            'modelcache.io/' + name + ' must be ' + variables.values[name]).join('; ')
        """,
    ),
    Limit(
        name="noModel",
        refused="any but `org/name[:quantisation][@revision]` and a CachedModel of `--policy`",
        instead="name one, or print the policies again with a CachedModel, and write its name",
        applies="""
            !('model' in variables.wrong) && !variables.ofHub && size(variables.found) == 0
        """,
        says="""
            'modelcache.io/model: they know no model ' + variables.shown
            + ': write org/name[@revision], or a CachedModel that they were printed with'
        """,
    ),
    Limit(
        name="noEntry",
        refused="a CachedModel with `spec.file`",
        instead="leave `spec.file` out, and name the file behind `$(MODELCACHE_PATH)/`",
        applies="variables.entry.fault != ''",
        says="'CachedModel ' + variables.entry.name + ' ' + variables.entry.fault",
    ),
    Limit(
        name="noStrategy",
        refused="a strategy that the CachedModel does not offer; `auto`, if it offers `emptyDir` "
        "first",
        instead="name another strategy",
        applies="""
            !('strategy' in variables.wrong)
            && (!(variables.strategy in ['pvc', 'hostPath', 'image'])
            || (variables.entry.offered != ''
            && !(variables.strategy in variables.entry.offered.split(','))))
        """,
        says="""
            'modelcache.io/strategy: of ' + variables.shown + ', they can use '
            + (variables.entry.offered == '' ? ['pvc', 'hostPath', 'image']
            : variables.entry.offered.split(',')).filter(name, name != 'emptyDir').join(', ')
            + '; write one of these'
        """,
    ),
    Limit(
        name="noImage",
        refused="strategy `image` without an image by digest",
        instead="write `modelcache.io/image`, or `spec.image` in the CachedModel",
        applies="variables.strategy == 'image' && variables.image == ''",
        says="""
            'modelcache.io/image: no image is known for ' + variables.shown
            + ': give one by digest, name@sha256:…'
        """,
    ),
    Limit(
        name="noNodes",
        refused="strategy `hostPath` for a commit that no CachedModel of `--policy` names: the "
        "label of nodes that hold it is a digest, which CEL can't compute",
        instead="add a CachedModel of this commit, or write `placement: none`",
        applies="""
            variables.strategy == 'hostPath' && variables.placement == 'preferred'
            && variables.laidByLoader && variables.label == '' && variables.ofHub
            && variables.at.matches('^[0-9a-f]{40}$')
        """,
        says="""
            'modelcache.io/model: they can not find the nodes that hold ' + variables.shown
            + ': print them again with a CachedModel of this commit, or write'
            + ' modelcache.io/placement: none'
        """,
    ),
    Limit(
        name="noEffect",
        refused="`claim`, `image` or `placement` where it changes nothing",
        instead="remove it",
        applies="!('strategy' in variables.wrong) && size(variables.idle) > 0",
        says="""
            variables.idle.map(name, 'modelcache.io/' + name).join(', ')
            + ' has no effect with strategy ' + variables.strategy + ' and this model: remove it'
        """,
    ),
    Limit(
        name="noContainer",
        refused="several containers, of which not exactly one requests an accelerator, without the "
        "annotation `containers`; an init container in it",
        instead="name the containers that serve in `modelcache.io/containers`",
        applies="""
            !('containers' in variables.wrong)
            && (size(variables.chosen) == 0 || size(variables.misnamed) > 0)
        """,
        says="""
            'modelcache.io/containers: ' + (size(variables.named) == 0
            ? 'name the containers that serve the model, of '
            : variables.misnamed.join(', ') + ' must be, and only once, one of ')
            + variables.containers.map(c, c.name).join(', ')
        """,
    ),
    Limit(
        name="noSidecar",
        refused="a native sidecar that serves: it requests an accelerator, or runs a known server",
        instead="make it one of `spec.containers`, or name those that serve in "
        "`modelcache.io/containers`",
        applies="size(variables.sidecars) > 0",
        says="""
            'init container ' + variables.sidecars.join(', ') + ' serves as a sidecar, and they'
            + ' give the model only to containers of spec.containers: make it one of these, or'
            + ' name those that serve in modelcache.io/containers'
        """,
    ),
    Limit(
        name="noVariables",
        refused="a server that reads its model from a variable, such as TGI, TEI, Ollama or "
        "llama.cpp: the policies set only `MODELCACHE_PATH`",
        instead="give the variable the value `$(MODELCACHE_PATH)`, and write "
        "`modelcache.io/server: other`",
        applies="size(variables.byVariable) > 0",
        says="""
            'container ' + variables.byVariable.join(', ') + ' runs a server that reads its model'
            + ' from a variable, and they set only MODELCACHE_PATH: give its variable the value'
            + ' $(MODELCACHE_PATH), and write modelcache.io/server: other'
        """,
    ),
    Limit(
        name="noFormat",
        refused="a server that reads only a format of its own, or only the model of its image, "
        "such as MLC, Optimum-Neuron or a NIM of one model",
        instead="write `modelcache.io/server: other` if it reads this model",
        applies="size(variables.particular) > 0",
        says="""
            'container ' + variables.particular.join(', ') + ' runs a server that reads only a'
            + ' format of its own, or only the model of its image: if it reads this model, write'
            + ' modelcache.io/server: other'
        """,
    ),
    Limit(
        name="noDownload",
        refused="a container that names the model by its hub name, other than behind "
        "`--served-model-name`: it would download the model",
        instead="write `$(MODELCACHE_PATH)` in its place",
        applies="size(variables.downloading) > 0",
        says="""
            'container ' + variables.downloading.join(', ') + ' names ' + variables.called
            + ', which it would download: write $(MODELCACHE_PATH) in its place, and the name only'
            + ' behind --served-model-name'
        """,
    ),
    Limit(
        name="noReader",
        refused="a container that gets the model and does not name its path",
        instead="write `$(MODELCACHE_PATH)` where the server is given its model",
        applies="size(variables.blind) > 0",
        says="""
            'container ' + variables.blind.join(', ') + ' does not name the path of the model, and'
            + ' they give a server no model under its name: write $(MODELCACHE_PATH) where it is'
            + ' given its model'
        """,
    ),
    Limit(
        name="noOtherVariable",
        refused="a container that refers to `MODELCACHE_FILE`, `MODELCACHE_PATH_2` or the like",
        instead="write `$(MODELCACHE_PATH)`, with the name of the file behind it",
        applies="size(variables.lost) > 0",
        says="""
            'container ' + variables.lost.join(', ') + ' refers to a variable that it does not get:'
            + ' they set only MODELCACHE_PATH'
        """,
    ),
    Limit(
        name="noPreparation",
        refused="an init container or a `postStart` hook that names the model: it may download it",
        instead="remove it",
        applies="size(variables.preparing) > 0",
        says="""
            'container ' + variables.preparing.join(', ') + ' names ' + variables.called
            + ' before it is served, and may download it: remove that'
        """,
    ),
    Limit(
        name="noPlace",
        refused="a mount at, above or below the place of the model, or one whose path is not "
        "plain, such as `/a//b`",
        instead="write `modelcache.io/mount-path`, or change the mount",
        applies="size(variables.inTheWay) > 0",
        says="""
            'modelcache.io/mount-path: container ' + variables.inTheWay.join(', ')
            + ' has a mount at, above or below ' + variables.path + ', where the model would be, or'
            + ' one whose path is not plain: choose another place for one of them'
        """,
    ),
    Limit(
        name="noName",
        refused="one of our names: of a volume, a mount, an init container or the variable "
        "`MODELCACHE_PATH`, or the annotation `modelcache.io/injected`, in a pod that was not "
        "injected",
        instead="rename it, or remove it",
        applies="size(variables.reserved) > 0",
        says="""
            variables.reserved.join(', ')
            + ' is, or has, what only an injected pod has: rename that, or remove it'
        """,
    ),
    Limit(
        name="noAmount",
        refused="a size of `/dev/shm`, or a memory limit that grows by it, that is no whole number "
        "of bytes",
        instead="write whole bytes, such as `2Gi`",
        applies="""
            variables.shmBytes < 0 || variables.shmBytes > 1125899906842624 || !variables.wholeLimit
        """,
        says="""
            'modelcache.io/shm-size and the memory limit of ' + variables.target
            + ' must be whole numbers of bytes below 1Pi, such as 2Gi'
        """,
    ),
    Limit(
        name="noPodLevel",
        refused="memory in `spec.resources` of the pod, with `/dev/shm`",
        instead='set the memory of the containers instead, or write `shm-size: "0"`',
        applies="""
            variables.addShm && variables.memory == 'add'
            && ('memory' in object.spec.?resources.?limits.orValue({})
            || 'memory' in object.spec.?resources.?requests.orValue({}))
        """,
        says="""
            'spec.resources: they add /dev/shm only to the memory of a container: set the memory'
            + ' there, or write modelcache.io/shm-size: "0"'
        """,
    ),
    Limit(
        name="noSharedMemory",
        refused="`hostIPC`, with `/dev/shm`",
        instead='remove it, or write `shm-size: "0"`',
        applies="variables.addShm && object.spec.?hostIPC.orValue(false)",
        says="""
            'spec.hostIPC: the pod would have the /dev/shm of its node: remove it, or write'
            + ' modelcache.io/shm-size: "0"'
        """,
    ),
    Limit(
        name="noSecondVolume",
        refused="a volume of the pod that mounts the claim of the models without `readOnly: true`",
        instead="add that, or remove the volume",
        applies="variables.strategy == 'pvc' && size(variables.writers) > 0",
        says="""
            'spec.volumes ' + variables.writers.join(', ') + ': mounts claim ' + variables.claim
            + ' too: give it readOnly: true, or remove it'
        """,
    ),
)


def limits() -> Iterator[tuple[str, str]]:
    """Yield name and expression of a variable for each limit, and `reasons`, those that apply."""
    for limit in LIMITS:
        yield limit.name, cel.lines(f"!({limit.applies.strip()}) ? ''\n: {limit.says.strip()}")
    names = ",\n".join(f"variables.{limit.name}" for limit in LIMITS)
    yield "reasons", f"[{names}]\n.filter(reason, reason != '')"
