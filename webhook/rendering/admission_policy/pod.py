"""Write, as variables of CEL, what else of the pod decides: its memory, its volumes, our names."""

from collections.abc import Iterator
from typing import Final

from webhook.admission.request.annotations import LEDGER
from webhook.objects import cel
from webhook.objects.names import GATE, LOADER, PATH_VARIABLE, SHM_PATH
from webhook.rendering.admission_policy.request import has

_RESERVED: Final = "'^modelcache-(model(-([2-9]|[1-9][0-9]+))?|shm|no-token)$'"


def pod() -> Iterator[tuple[str, str]]:
    """Yield name and expression of each variable."""
    for part in (_memory(), _names()):
        for name, expression in part:
            yield name, cel.lines(expression)


def _memory() -> Iterator[tuple[str, str]]:
    """Add /dev/shm to the memory of the target, as webhook/admission/memory.py does."""
    yield "targets", "variables.readers.filter(c, c.name == variables.target)"
    yield (
        "addShm",
        f"""
        variables.shm != '' && !variables.targets.exists(c, c.?volumeMounts.orValue([])
        .exists(m, m.mountPath in ['{SHM_PATH}', '{SHM_PATH}/']))
        """,
    )
    yield (
        "limit",
        """
        variables.addShm && variables.memory == 'add'
        ? variables.targets.map(c, string(c.?resources.?limits[?'memory'].orValue('0'))) : []
        """,
    )
    yield (
        "wholeLimit",
        """
        variables.limit.all(amount, quantity(amount).isInteger()
        && quantity(amount).isLessThan(quantity('1Pi')))
        """,
    )
    yield (
        "limitBytes",
        """
        size(variables.limit) == 1 && variables.wholeLimit
        ? quantity(variables.limit[0]).asInteger() : 0
        """,
    )
    yield "newBytes", "variables.limitBytes + variables.shmRounded"
    new = cel.bytes_in_short("variables.newBytes")
    yield "newLimit", f"variables.limitBytes == 0 ? '' : {new}"
    yield (
        "raisesRequest",
        """
        variables.newLimit != '' && variables.targets.exists(c,
        quantity(string(c.?resources.?requests[?'memory'].orValue('0')))
        .compareTo(quantity(variables.limit[0])) == 0)
        """,
    )


def _names() -> Iterator[tuple[str, str]]:
    yield (
        "writers",
        """
        object.spec.?volumes.orValue([]).filter(v,
        v.?persistentVolumeClaim.?claimName.orValue('') == variables.claim
        && !v.?persistentVolumeClaim.?readOnly.orValue(false)).map(v, v.name)
        """,
    )
    yield (
        "idle",
        f"""
        ({has("claim")} && variables.strategy != 'pvc' && variables.wanted != 'auto'
        ? ['claim'] : [])
        + ({has("image")} && variables.strategy != 'image' && variables.wanted != 'auto'
        ? ['image'] : [])
        + ({has("placement")} && (variables.strategy == 'hostPath'
        ? variables.placement == 'preferred' && variables.label == ''
        : variables.wanted != 'auto') ? ['placement'] : [])
        """,
    )
    yield (
        "reserved",
        f"""
        object.spec.?volumes.orValue([]).map(v, v.name).filter(name, name.matches({_RESERVED}))
        + (variables.containers + object.spec.?initContainers.orValue([])).filter(c,
        c.name in ['{LOADER}', '{GATE}']
        || c.?volumeMounts.orValue([]).exists(m, m.name.matches({_RESERVED}))
        || c.name in variables.chosen && c.?env.orValue([]).exists(e, e.name == '{PATH_VARIABLE}'))
        .map(c, c.name)
        + (!variables.done && '{LEDGER}' in variables.given ? ['{LEDGER}'] : [])
        """,
    )
