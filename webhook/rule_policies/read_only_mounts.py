"""Rule readOnlyMounts in CEL."""

from typing import Final

from webhook.admission.policy.rules.read_only_mounts import FOUND, ReadOnlyMounts
from webhook.admission.policy.rules.subject import DEFAULT_CLAIM, TOO_LARGE
from webhook.models.layout import DEFAULT_ROOT
from webhook.objects import cel, names
from webhook.rule_policies.judged import Found, InCel, default_of, holds, is_writer

_OWN: Final = "variables.rules.?readOnlyMounts"
_CLAIMS: Final = (
    f"{_OWN}.?claims.orValue({cel.texts(default_of(ReadOnlyMounts, 'claims'))})"
    f" + [params.spec.?defaults[?'claim'].orValue({cel.text(DEFAULT_CLAIM)})]"
)
_CACHE: Final = f"params.spec.?defaults[?'host-path'].orValue({cel.text(DEFAULT_ROOT)})"
_CACHES: Final = (
    f"(variables.rules.?hostPathRoots.?roots.orValue([]) + [{_CACHE}])"
    f".map(root, {cel.directory('root')})"
)
_WRITABLE: Final = (
    "variables.volumes.filter(v, has(v.persistentVolumeClaim)"
    " && !v.persistentVolumeClaim.?readOnly.orValue(false)"
    " && v.persistentVolumeClaim.claimName in variables.claims)"
    ".map(v, v.persistentVolumeClaim.claimName)"
)
_MODELS: Final = (
    f"variables.volumes.filter(v, v.name.startsWith({cel.text(names.MODEL_VOLUME)})"
    " || has(v.persistentVolumeClaim) && v.persistentVolumeClaim.claimName in variables.writable"
    f" || has(v.hostPath) && [{cel.directory('v.hostPath.path')}].exists(path,"
    " variables.caches.exists(cache, path.startsWith(cache)))).map(v, v.name)"
)
_LOADERS: Final = (
    "!variables.asks ? [] : variables.spec.?initContainers.orValue([])"
    f".filter(c, c.name == {cel.text(names.LOADER)}).map(c, c.name)"
)
_FILLED: Final = "variables.volumes.filter(v, has(v.emptyDir)).map(v, v.name)"
_MOUNTS: Final = "c.?volumeMounts.orValue([])"
_WRITES: Final = (
    "!m.?readOnly.orValue(false) && !(c.name in variables.loaders && m.name in variables.filled)"
)
"""CEL of whether a container c could write through a mount m; `not pod.fills` in Python."""
_WRITING: Final = (
    "!variables.judgesMounts || variables.tooLarge ? []"
    f" : variables.containers.filter(c, {_MOUNTS}.exists(m,"
    f" m.name in variables.models && {_WRITES})).map(c, c.name)"
)
_WRITTEN: Final = (
    f"variables.models.filter(name, variables.containers.exists(c, {_MOUNTS}.exists(m,"
    f" m.name == name && {_WRITES})))"
)
READ_ONLY_MOUNTS: Final = InCel(
    rule=ReadOnlyMounts,
    variables=(
        ("judgesMounts", f"{holds(ReadOnlyMounts)} && !({is_writer(ReadOnlyMounts)})"),
        ("claims", _CLAIMS),
        ("caches", _CACHES),
        ("writable", _WRITABLE),
        ("models", _MODELS),
        ("loaders", _LOADERS),
        ("filled", _FILLED),
        ("writing", _WRITING),
    ),
    findings=(
        Found(when="variables.judgesMounts && variables.tooLarge", text=TOO_LARGE),
        Found(
            when="size(variables.writing) > 0",
            text=FOUND,
            fields={
                "containers": "variables.writing.join(', ')",
                "volumes": f"{_WRITTEN}.join(', ')",
            },
        ),
    ),
)
