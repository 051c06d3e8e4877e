"""Write, as variables of CEL, what a pod requests: its annotations, its model, its strategy."""

from collections.abc import Iterator
from typing import Final

from webhook.admission.policy.documents import Policy
from webhook.admission.request.annotations import LEDGER, PREFIX
from webhook.admission.request.declared import AUTO, Options
from webhook.models.layout import DEFAULT_REVISION
from webhook.objects import cel
from webhook.objects.names import MODEL_VOLUME
from webhook.rendering.admission_policy.accepted import ACCEPTED, HUB_MODEL
from webhook.rendering.admission_policy.catalogue import NONE, catalogue
from webhook.rendering.admission_policy.defaults import conditions, value
from webhook.values.paths import LONGEST_PATH
from webhook.values.quantity import MI

_BUILT_IN: Final = Options()
_ROWS: Final = ",\n"


def given(name: str) -> str:
    """Return the optional value of annotation *name* of the pod."""
    return f"variables.given[?{cel.text(PREFIX + name)}]"


def has(name: str) -> str:
    """Return whether the pod has annotation *name*."""
    return f"({cel.text(PREFIX + name)} in variables.given)"


def request(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield name and expression of each variable."""
    for part in (_annotations(policy), _model(policy), _options(policy)):
        for name, expression in part:
            yield name, cel.lines(expression)


def _annotations(policy: Policy) -> Iterator[tuple[str, str]]:
    yield "given", "object.metadata.?annotations.orValue({})"
    yield "labels", "namespaceObject.metadata.?labels.orValue({})"
    yield from conditions(policy)
    yield (
        "done",
        f"""
        {cel.text(LEDGER)} in variables.given
        && object.spec.?volumes.orValue([]).exists(v, v.name == {cel.text(MODEL_VOLUME)})
        """,
    )
    yield (
        "own",
        f"""
        variables.given.filter(key, key.startsWith({cel.text(PREFIX)}))
        .map(key, key.substring({len(PREFIX)}))
        """,
    )
    yield "patterns", cel.entries({one.name: f"^({one.pattern})$" for one in ACCEPTED}, _ROWS)
    yield "values", cel.entries({one.name: one.words for one in ACCEPTED}, _ROWS)
    without = [f"{cel.text(one.name)}: {cel.texts(one.without)}" for one in ACCEPTED if one.without]
    yield "without", f"{{{', '.join(without)}}}"
    yield "unread", "variables.own.filter(name, !(name in variables.patterns))"
    text = f"variables.given[{cel.text(PREFIX)} + name].trim()"
    yield (
        "wrong",
        f"""
        variables.own.filter(name, name in variables.patterns
        && !({text}.matches(variables.patterns[name]) && size({text}) <= {LONGEST_PATH}
        && !(name in variables.without
        && variables.without[name].exists(part, ('/' + {text} + '/').contains(part)))))
        """,
    )


def _model(policy: Policy) -> Iterator[tuple[str, str]]:
    """Resolve the model as webhook/admission/request/resolve.py does."""
    yield "asked", f"{given('model')}.orValue('').trim()"
    # A message must be one line, and no longer than 5 KiB.
    yield "shown", "variables.asked.matches('^[ -~]{1,200}$') ? variables.asked : 'of that name'"
    yield "text", "variables.asked.replace('hf://', '', 1)"
    yield "repository", "variables.text.split('@')[0]"
    yield "revision", "variables.text.contains('@') ? variables.text.split('@')[1] : ''"
    yield (
        "ofHub",
        f"""
        variables.asked.matches({cel.text(f"^{HUB_MODEL}$")})
        && !variables.asked.contains('..') && !variables.repository.contains('--')
        """,
    )
    yield "catalogue", catalogue(policy)
    yield (
        "found",
        """
        variables.catalogue.filter(e, e.name == variables.asked || (variables.ofHub
        && e.repository == variables.repository && (e.revision == ''
        || variables.revision in ['', e.revision, e.floating])))
        """,
    )
    yield "entry", f"size(variables.found) > 0 ? variables.found[0] : {cel.entries(NONE)}"
    yield (
        "called",
        """
        variables.entry.called != '' ? variables.entry.called
        : variables.repository.split(':')[0]
        """,
    )
    yield (
        "at",
        f"""
        variables.entry.revision != '' ? variables.entry.revision
        : variables.revision != '' ? variables.revision : {cel.text(DEFAULT_REVISION)}
        """,
    )
    yield "laidByLoader", f"!{has('directory')} && variables.entry.directory == ''"
    yield (
        "directory",
        f"""
        !variables.laidByLoader
        ? {given("directory")}.orValue(variables.entry.directory).trim()
        : (variables.entry.folder != '' ? variables.entry.folder
        : variables.repository.replace('/', '--').replace(':', '--')) + '/' + variables.at
        """,
    )
    yield "label", "variables.laidByLoader ? variables.entry.label : ''"
    yield "image", f"{given('image')}.orValue(variables.entry.image).trim()"


def _options(policy: Policy) -> Iterator[tuple[str, str]]:
    yield (
        "wanted",
        f"""
        !{has("strategy")} && {has("claim")} != {has("image")}
        ? ({has("claim")} ? 'pvc' : 'image')
        : {value("strategy", policy, AUTO)}
        """,
    )
    yield (
        "strategy",
        f"variables.wanted == {cel.text(AUTO)} ? variables.entry.auto : variables.wanted",
    )
    yield "claim", value("claim", policy, _BUILT_IN.claim)
    yield "root", value("host-path", policy, _BUILT_IN.host_path)
    yield "placement", value("placement", policy, _BUILT_IN.placement)
    yield "memory", value("memory", policy, _BUILT_IN.memory)
    yield "server", value("server", policy, "")
    yield "shmText", value("shm-size", policy, str(_BUILT_IN.shm_size))
    yield (
        "shmBytes",
        """
        !isQuantity(variables.shmText) || !quantity(variables.shmText).isInteger() ? -1
        : quantity(variables.shmText).asInteger()
        """,
    )
    yield "shmRounded", f"(variables.shmBytes + {MI - 1}) / {MI} * {MI}"
    yield "shm", f"variables.shmBytes <= 0 ? '' : {cel.bytes_in_short('variables.shmRounded')}"
