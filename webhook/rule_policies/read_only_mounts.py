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
_MODELS: Final = (
    f"variables.volumes.filter(v, v.name.startsWith({cel.text(names.MODEL_VOLUME)})"
    " || has(v.persistentVolumeClaim) && v.persistentVolumeClaim.claimName in variables.claims"
    " && !v.persistentVolumeClaim.?readOnly.orValue(false)"
    f" || has(v.hostPath) && [{cel.directory('v.hostPath.path')}].exists(path,"
    " variables.caches.exists(cache, path.startsWith(cache)))).map(v, v.name)"
)
_MOUNTS: Final = "c.?volumeMounts.orValue([])"
_WRITING: Final = (
    "!variables.judgesMounts || variables.tooLarge ? []"
    f" : variables.containers.filter(c, {_MOUNTS}.exists(m,"
    " !m.?readOnly.orValue(false) && m.name in variables.models)).map(c, c.name)"
)
_WRITTEN: Final = (
    f"variables.models.filter(name, variables.containers.exists(c, {_MOUNTS}.exists(m,"
    " m.name == name && !m.?readOnly.orValue(false))))"
)
READ_ONLY_MOUNTS: Final = InCel(
    rule=ReadOnlyMounts,
    variables=(
        ("judgesMounts", f"{holds(ReadOnlyMounts)} && !({is_writer(ReadOnlyMounts)})"),
        ("claims", _CLAIMS),
        ("caches", _CACHES),
        ("models", _MODELS),
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
