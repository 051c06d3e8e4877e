"""Write the patch of the policies as CEL: the same operations as those of the webhook."""

from typing import Final

from webhook import __version__
from webhook.admission.request.annotations import LEDGER
from webhook.models.layout import NODE_LABEL_VALUE
from webhook.objects import cel
from webhook.objects.json_patch import escaped
from webhook.objects.names import MODEL_VOLUME, PATH_VARIABLE, SHM_PATH, SHM_VOLUME

_VOLUME: Final = "Object.spec.volumes"
_CONTAINER: Final = "Object.spec.containers"
_MOUNT: Final = f"{_CONTAINER}.volumeMounts"
_NODE: Final = "Object.spec.affinity.nodeAffinity"
_PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"


def patch() -> str:
    """Return all operations on one pod; none, if a limit concerns it, or it has the model."""
    return (
        "variables.done || size(variables.reasons) > 0 ? [] :\n"
        f"{_volumes()}\n+ {_of_containers()}\n+ {_placement()}\n+ {_ledger()}"
    )


def _add(path: str, value: str) -> str:
    return f"JSONPatch{{op: 'add', path: {path}, value: {value}}}"


def _volumes() -> str:
    claim = (
        f"{_VOLUME}{{name: '{MODEL_VOLUME}', persistentVolumeClaim: "
        f"{_VOLUME}.persistentVolumeClaim{{claimName: variables.claim, readOnly: true}}}}"
    )
    directory = (
        f"{_VOLUME}{{name: '{MODEL_VOLUME}', hostPath: {_VOLUME}.hostPath{{"
        "path: variables.root + '/' + variables.directory, type: 'Directory'}}"
    )
    image = (
        f"{_VOLUME}{{name: '{MODEL_VOLUME}', image: {_VOLUME}.image{{"
        "reference: variables.image, pullPolicy: 'IfNotPresent'}}"
    )
    shm = (
        f"{_VOLUME}{{name: '{SHM_VOLUME}', emptyDir: "
        f"{_VOLUME}.emptyDir{{medium: 'Memory', sizeLimit: variables.shm}}}}"
    )
    both = (
        f"([variables.strategy == 'pvc' ? {claim}\n"
        f": variables.strategy == 'hostPath' ? {directory}\n: {image}]\n"
        f"+ (variables.addShm ? [{shm}] : []))"
    )
    each, all_ = _add("'/spec/volumes/-'", "v"), _add("'/spec/volumes'", both)
    return f"(has(object.spec.volumes) ? {both}\n.map(v, {each}) : [{all_}])"


def _of_containers() -> str:
    """Return the operations on the containers: mounts, the variable, and memory."""
    fields = f"name: '{MODEL_VOLUME}', mountPath: variables.path, readOnly: true, "
    fields += "recursiveReadOnly: 'IfPossible'"
    # An image holds the model at its root, unless the pod or the CachedModel names a directory.
    inside = (
        "variables.strategy == 'pvc' || variables.strategy == 'image' && !variables.laidByLoader"
    )
    model = (
        f"({inside}\n? {_MOUNT}{{{fields}, subPath: variables.directory}}\n: {_MOUNT}{{{fields}}})"
    )
    shm = f"{_MOUNT}{{name: '{SHM_VOLUME}', mountPath: '{SHM_PATH}'}}"
    is_target = "c.name == variables.target"
    mounts = f"([{model}]\n+ ({is_target} && variables.addShm ? [{shm}] : []))"
    at = "'/spec/containers/' + string(i) + "
    mount_each, mount_all = (
        _add(at + "'/volumeMounts/-'", "m"),
        _add(at + "'/volumeMounts'", mounts),
    )
    variable = f"{_CONTAINER}.env{{name: '{PATH_VARIABLE}', value: variables.path}}"
    first = _add(at + "'/env/0'", variable)
    only = _add(at + "'/env'", f"[{variable}]")
    limit = _add(at + "'/resources/limits/memory'", "variables.newLimit")
    request = _add(at + "'/resources/requests/memory'", "variables.newLimit")
    return (
        "object.spec.containers.transformList(i, c, c.name in variables.chosen,\n"
        f"(has(c.volumeMounts) ? {mounts}\n.map(m, {mount_each})\n: [{mount_all}])\n"
        f"+ [has(c.env) ? {first}\n: {only}]\n"
        f"+ ({is_target} && variables.newLimit != '' ? [{limit}] : [])\n"
        f"+ ({is_target} && variables.raisesRequest ? [{request}] : [])).flatten()"
    )


def _placement() -> str:
    term, preference = f"{_NODE}.{_PREFERRED}", f"{_NODE}.{_PREFERRED}.preference"
    wanted = (
        f"{term}{{weight: 100, preference: {preference}{{matchExpressions: "
        f"[{preference}.matchExpressions{{key: variables.label, operator: 'In', "
        f"values: ['{NODE_LABEL_VALUE}']}}]}}}}"
    )
    node = f"{_NODE}{{{_PREFERRED}: [{wanted}]}}"
    path = "/spec/affinity"
    listed = f"object.spec.affinity.nodeAffinity.{_PREFERRED}"
    return (
        "(variables.strategy != 'hostPath' || variables.placement == 'none'\n"
        "|| variables.label == '' ? []\n: !has(object.spec.affinity)\n"
        f"? [{_add(cel.text(path), f'Object.spec.affinity{{nodeAffinity: {node}}}')}]\n"
        ": !has(object.spec.affinity.nodeAffinity)\n"
        f"? [{_add(cel.text(path + '/nodeAffinity'), node)}]\n"
        f": !has({listed})\n"
        f"? [{_add(cel.text(f'{path}/nodeAffinity/{_PREFERRED}'), f'[{wanted}]')}]\n"
        f": {listed}.exists(p, p.preference.?matchExpressions.orValue([])\n"
        ".exists(e, e.key == variables.label))\n? []\n"
        f": [{_add(cel.text(f'{path}/nodeAffinity/{_PREFERRED}/-'), wanted)}])"
    )


def _ledger() -> str:
    """Return the operation that writes what webhook/admission/ledger.py would write."""
    names = "variables.chosen.join('\",\"')"
    volumes = f"(variables.addShm ? '{MODEL_VOLUME}\",\"{SHM_VOLUME}' : '{MODEL_VOLUME}')"
    amounts = (
        "(variables.newLimit == '' ? '' : ',\"limit\":\"' + variables.newLimit + '\"'\n"
        "+ (variables.raisesRequest ? ',\"request\":\"' + variables.newLimit + '\"' : '')\n"
        "+ ',\"delta\":\"' + variables.shm + '\"')"
    )
    begin = f'{{"v":1,"by":"modelcache {__version__}","strategy":"'
    text = (
        f"{cel.text(begin)} + variables.strategy\n"
        '+ \'","models":["\' + variables.asked + \'"],"target":"\' + variables.target\n'
        f'+ \'","containers":["\' + {names} + \'"],"volumes":["\'\n+ {volumes} + \'"]\'\n'
        f"+ {amounts} + '}}'"
    )
    return f"[{_add(cel.text('/metadata/annotations/' + escaped(LEDGER)), text)}]"
