"""Write, as variables of CEL, which containers get the model, where, and how they name it."""

import re
from collections.abc import Iterator
from typing import Final

from webhook.admission.containers.accelerators import ACCELERATORS
from webhook.admission.containers.mounts import MODELS, OWN_MODELS
from webhook.admission.containers.servers import SERVERS
from webhook.objects.names import PATH_VARIABLE
from webhook.rendering.admission_policy import cel
from webhook.rendering.admission_policy.accepted import sets_variables
from webhook.rendering.admission_policy.request import given

_ROWS: Final = [row for row in SERVERS if sets_variables(row)]
_ENDS: Final = "|".join(f"(?:{end})" for row in _ROWS for end in row.images)
IMAGES: Final = rf"^(?:.*/)?(?:{_ENDS})(?::[^/@]*)?(?:@.*)?$"
"""The images of servers that get variables of their own, as RE2."""
_BY_COMMAND: Final = {command: row for row in reversed(SERVERS) for command in row.commands}
"""Command → the first row that has it."""
_WORDS: Final = "|".join(
    r"\s+".join(map(re.escape, command.split()))
    for command, row in _BY_COMMAND.items()
    if sets_variables(row)
)
COMMANDS: Final = rf"[\s/'\x22](?:{_WORDS})[\s'\x22;&]"
"""Their commands in the text of a container, as RE2."""
_ACCELERATOR: Final = f"^(?:{ACCELERATORS.pattern})$"
_MOUNTED: Final = (
    "(m.mountPath != '/' && m.mountPath.endsWith('/')"
    " ? m.mountPath.substring(0, size(m.mountPath) - 1) : m.mountPath)"
)
"""The path of a mount, without a slash at its end."""
_BEGINNING: Final = "MODELCACHE_"
_REFERENCE: Final = rf"[^$]\$\({PATH_VARIABLE}\)"
"""The variable as the kubelet replaces it: $$( is a plain $(."""


def _spoken(container: str) -> str:
    """Return the words and values of *container* as one text, with blanks between and around them.

    Variables with SERVED in their name hold names for clients, and ours hold the path.
    """
    values = (
        f"{container}.?env.orValue([]).filter(e, !e.name.startsWith({cel.text(_BEGINNING)})"
        " && !e.name.contains('SERVED')).map(e, e.?value.orValue(''))"
    )
    words = f"{container}.?command.orValue([]) + {container}.?args.orValue([])"
    return f"(' ' + ({words} + {values}).join(' ') + ' ')"


def containers() -> Iterator[tuple[str, str]]:
    """Yield name and expression of each variable about the containers of the pod."""
    for part in (_choice(), _place(), _texts()):
        for name, expression in part:
            yield name, cel.lines(expression)


def _choice() -> Iterator[tuple[str, str]]:
    """Choose containers as webhook/admission/containers/choice.py does, where that is certain."""
    yield "containers", "object.spec.containers"
    listed = given("containers")
    yield (
        "named",
        f"""
        {listed}.hasValue()
        ? {listed}.value().split(',').map(name, name.trim()) : []
        """,
    )
    yield (
        "accelerated",
        f"""
        variables.containers.filter(c, size(c.?resources.?claims.orValue([])) > 0
        || c.?resources.?limits.orValue({{}}).exists(key, key.matches({cel.text(_ACCELERATOR)})
        && string(c.resources.limits[key]) != '0')).map(c, c.name)
        """,
    )
    yield (
        "chosen",
        f"""
        size(variables.named) > 0
        ? variables.named.filter(name, variables.containers.exists(c, c.name == name))
        : size(variables.containers) == 1 ? variables.containers.map(c, c.name)
        : size(variables.accelerated) == 1 && !variables.containers.exists(c,
        c.name != variables.accelerated[0]
        && {_spoken("c")}.contains(variables.asked.split('@')[0]))
        ? variables.accelerated : []
        """,
    )
    yield (
        "misnamed",
        """
        variables.named.filter(name, !variables.containers.exists(c, c.name == name)
        || size(variables.named.filter(other, other == name)) > 1)
        """,
    )
    yield "target", "size(variables.chosen) > 0 ? variables.chosen[0] : ''"
    yield "readers", "variables.containers.filter(c, c.name in variables.chosen)"
    yield "texts", f"variables.readers.map(c, {{'of': string(c.name), 'said': {_spoken('c')}}})"


def _place() -> Iterator[tuple[str, str]]:
    """Find the place of the model as webhook/admission/containers/mounts.py does."""
    first = f"({cel.text(MODELS + '/')} + variables.directory)"
    written = given("mount-path")
    yield (
        "path",
        f"""
        {written}.hasValue() ? {written}.value().trim()
        : variables.readers.exists(c, c.?volumeMounts.orValue([])
        .exists(m, {cel.collide(_MOUNTED, first)}))
        ? {cel.text(OWN_MODELS + "/")} + variables.directory : {first}
        """,
    )
    yield (
        "inTheWay",
        f"""
        variables.readers.filter(c, c.?volumeMounts.orValue([]).exists(m,
        !m.mountPath.startsWith('/') || m.mountPath.contains('//')
        || (m.mountPath + '/').contains('/./') || (m.mountPath + '/').contains('/../')
        || {cel.collide(_MOUNTED, "variables.path")})).map(c, c.name)
        """,
    )


def _texts() -> Iterator[tuple[str, str]]:
    """Look for the path and the name of the model; webhook/admission/containers/readings.py."""
    yield (
        "pathPattern",
        r"""
        '[^\\pL\\pN_./-]' + variables.path.replace('.', '[.]').replace('+', '[+]')
        + '[^\\pL\\pN_.-]'
        """,
    )
    # A name that the kubelet puts together from variables, such as $(ORG)/name, counts too.
    yield (
        "downloading",
        f"""
        variables.texts.filter(t, [t.said
        .replace(variables.path, '').replace('$({PATH_VARIABLE})', '')
        .replace('--served-model-name ' + variables.called, '')
        .replace('--served-model-name=' + variables.called, '')].exists(said,
        said.contains(variables.called) || variables.called.matches('^[^:/]+/[^:/]+$')
        && (said.contains(variables.called.split('/')[0] + '/$(') || said.contains(')/$(')
        || said.contains(')/' + variables.called.split('/')[1])))).map(t, t.of)
        """,
    )
    yield (
        "blind",
        f"""
        variables.texts.filter(t, !t.said.matches({cel.text(_REFERENCE)})
        && !t.said.matches(variables.pathPattern)
        && !(t.of in variables.downloading)).map(t, t.of)
        """,
    )
    yield (
        "preparing",
        f"""
        (object.spec.?initContainers.orValue([])
        .filter(c, {_spoken("c")}.contains(variables.called))
        + variables.readers.filter(c, c.?lifecycle.?postStart.?exec.?command.orValue([]).join(' ')
        .contains(variables.called))).map(c, c.name)
        """,
    )
    yield (
        "byVariable",
        f"""
        variables.server != '' ? [] : variables.readers.filter(c,
        c.?image.orValue('').matches({cel.text(IMAGES)}) || variables.texts.exists(t,
        t.of == c.name && t.said.matches({cel.text(COMMANDS)}))).map(c, c.name)
        """,
    )
