"""Write, as variables of CEL, which containers get the model, where, and how they name it."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from webhook.admission.containers.mounts import MODELS, OWN_MODELS
from webhook.admission.containers.server import Server
from webhook.admission.containers.servers import SERVERS
from webhook.objects import cel
from webhook.objects.names import PATH_VARIABLE
from webhook.rendering.admission_policy.accepted import is_particular, sets_variables
from webhook.rendering.admission_policy.request import given
from webhook.rule_policies.containers import ACCELERATED, is_server

_BY_COMMAND: Final = {command: row for row in reversed(SERVERS) for command in row.commands}
"""Command → the first row that has it."""


def commands(rows: Sequence[Server]) -> str:
    """Return the commands of servers in the text of a container, as RE2."""
    words = "|".join(
        r"\s+".join(map(re.escape, command.split()))
        for command, row in _BY_COMMAND.items()
        if row in rows
    )
    return rf"[\s/'\x22](?:{words})[\s'\x22;&]"


_SHELL: Final = r"(^|[\x01/])(sh|bash|ash|dash|zsh|ksh)\x01"
"""A shell, in words with \x01 between them."""
_PROGRAM: Final = r"\x01-[a-zA-Z]*c[a-zA-Z]*\x01[^\x01]*"
"""Its program. It does not read the words behind that, or only as $1 and so on."""
_MOUNTED: Final = (
    "(m.mountPath != '/' && m.mountPath.endsWith('/')"
    " ? m.mountPath.substring(0, size(m.mountPath) - 1) : m.mountPath)"
)
"""The path of a mount, without a slash at its end."""
_BEGINNING: Final = "MODELCACHE_"
_REFERENCE: Final = rf"[^$]\$\({PATH_VARIABLE}\)"
"""The variable as the kubelet replaces it: $$( is a plain $(."""


_WORDS: Final = "(c.?command.orValue([]) + c.?args.orValue([]))"
_VALUES: Final = (
    f"c.?env.orValue([]).filter(e, !e.name.startsWith({cel.text(_BEGINNING)})"
    " && !e.name.contains('SERVED')).map(e, e.?value.orValue(''))"
)
"""Variables with SERVED in their name hold names for clients, and ours hold the path."""
_SPOKEN: Final = f"(' ' + ({_WORDS} + {_VALUES}).join(' ') + ' ')"
"""The words and values of container c as one text, with blanks between and around them."""


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
    yield "accelerated", f"variables.containers.filter(c, {ACCELERATED}).map(c, c.name)"
    yield (
        "sidecars",
        f"""
        size(variables.named) > 0 ? [] : object.spec.?initContainers.orValue([])
        .filter(c, c.?restartPolicy.orValue('') == 'Always' && ({ACCELERATED}
        || {is_server(SERVERS)}
        || {_SPOKEN}.matches({cel.text(commands(SERVERS))}))).map(c, c.name)
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
        && {_SPOKEN}.contains(variables.asked.split('@')[0]))
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
    yield (
        "texts",
        f"""
        variables.readers.map(c, {{'of': string(c.name), 'said': {_SPOKEN},
        'words': {_WORDS}.join('\\x01'), 'values': {_VALUES}.join(' ')}})
        """,
    )


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
        variables.texts.filter(t, ![' ' + (t.words.matches({cel.text(_SHELL)})
        && t.words.matches({cel.text(_PROGRAM)}) ? t.words.find({cel.text(_PROGRAM)}) : t.words)
        .replace('\\x01', ' ') + ' ' + t.values + ' '].exists(read,
        read.matches({cel.text(_REFERENCE)}) || read.matches(variables.pathPattern))
        && !(t.of in variables.downloading)).map(t, t.of)
        """,
    )
    yield (
        "lost",
        f"""
        variables.texts.filter(t, t.said.matches('{_BEGINNING}(FILE|PATH_[0-9])')).map(t, t.of)
        """,
    )
    yield (
        "preparing",
        f"""
        (object.spec.?initContainers.orValue([])
        .filter(c, {_SPOKEN}.contains(variables.called))
        + variables.readers.filter(c, c.?lifecycle.?postStart.?exec.?command.orValue([]).join(' ')
        .contains(variables.called))).map(c, c.name)
        """,
    )
    for name, is_wanted in (("byVariable", sets_variables), ("particular", is_particular)):
        rows = list(filter(is_wanted, SERVERS))
        yield (
            name,
            f"""
            variables.server != '' ? [] : variables.readers.filter(c,
            {is_server(rows)}
            || variables.texts.exists(t, t.of == c.name
            && t.said.matches({cel.text(commands(rows))}))).map(c, c.name)
            """,
        )
