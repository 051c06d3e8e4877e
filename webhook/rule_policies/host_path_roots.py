"""Rule hostPathRoots in CEL."""

from typing import Final

from webhook.admission.policy.rules.host_path_roots import FOUND, HostPathRoots
from webhook.admission.policy.rules.subject import TOO_LARGE
from webhook.objects import cel, names
from webhook.rule_policies.judged import Found, InCel, holds, is_writer

_ROOTS: Final = "variables.rules.hostPathRoots.roots"
_JUDGED: Final = (
    "variables.volumes.filter(v, has(v.hostPath) && (!variables.adds || variables.containers"
    ".exists(c, c.?volumeMounts.orValue([]).exists(m, m.name == v.name))))"
)
_OURS: Final = " || ".join(
    f"v.name.startsWith({cel.text(name)})" for name in (names.MODEL_VOLUME, names.STORE_VOLUME)
)
_REACHING: Final = (
    "!variables.judgesPaths || variables.tooLarge ? []"
    f" : {_JUDGED}.filter(v, [{cel.directory('v.hostPath.path')}].exists(path,"
    f" {_ROOTS}.exists(root, (root + '/').startsWith(path)"
    f" || path.startsWith(root + '/') && !(variables.asks && ({_OURS}))))).map(v, v.name)"
)
HOST_PATH_ROOTS: Final = InCel(
    rule=HostPathRoots,
    variables=(
        ("judgesPaths", f"{holds(HostPathRoots)} && !({is_writer(HostPathRoots)})"),
        ("reaching", _REACHING),
    ),
    findings=(
        Found(when="variables.judgesPaths && variables.tooLarge", text=TOO_LARGE),
        Found(
            when="size(variables.reaching) > 0",
            text=FOUND,
            fields={"volumes": "variables.reaching.join(', ')", "roots": f"{_ROOTS}.join(', ')"},
        ),
    ),
)
