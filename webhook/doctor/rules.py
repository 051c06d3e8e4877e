"""Check that the API server enforces the rules of CachePolicies that concern every pod."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from webhook import __version__
from webhook.admission.judge import ENFORCE
from webhook.admission.policy.cache_policy import CachePolicy
from webhook.admission.policy.documents import (
    API_VERSION,
    MODELS,
    NAME_LABEL,
    POLICIES,
    read_object_of_cluster,
)
from webhook.admission.policy.rules.host_path_roots import HostPathRoots
from webhook.admission.policy.rules.read_only_mounts import ReadOnlyMounts
from webhook.admission.policy.rules.require_model import RequireModel
from webhook.admission.policy.rules.rule import Rule
from webhook.admission.policy.rules.subject import DEFAULT_ACCOUNT, fits
from webhook.api_server.errors import Forbidden, Missing, Refused
from webhook.doctor import probe
from webhook.doctor.check import Check
from webhook.doctor.finding import Finding, error, kubectl, ok, warning
from webhook.doctor.installation import ADMISSION, Installation
from webhook.objects.facts import ADMISSION_LABEL, DISABLED
from webhook.objects.json import Json
from webhook.rule_policies.policies import OLDEST, rule_policies

_GROUP, _VERSION = API_VERSION.split("/")
_DEFINITIONS: Final = (f"{MODELS}.{_GROUP}", f"{POLICIES}.{_GROUP}")
_MOST: Final = 10
"""CachePolicies, of which each costs the API server time whenever a pod is created."""
_NAME: Final = "modelcache-doctor-rules"
_ENFORCING: Final = "modelcache-rules-enforce"
_APPLY: Final = "apply deploy/ again (kubectl apply -k deploy), or upgrade the chart's release"
_PLURALS: Final = {
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}


class _Case(NamedTuple):
    """A pod that must be refused."""

    policy: str
    rule: Rule
    namespace: str
    pod: Json


def _run(installation: Installation) -> Iterator[Finding]:
    yield from _definitions(installation)
    policies = _cache_policies(installation)
    concerned = sorted(p.name for p in policies if any(rule.of_all for rule in p.rules))
    if installation.minor < OLDEST:
        yield _too_old(installation, concerned)
        return
    faults = list(_faults(installation))
    for fault in faults:
        # Without a CachePolicy that needs them, nothing is missing yet.
        yield (error if concerned else warning)(fault, _APPLY)
    if not faults:
        yield ok(f"the policies for rules are those of {__version__}")
        yield _tried(installation, policies)
    if len(concerned) > _MOST:
        yield warning(
            f"{len(concerned)} CachePolicies have rules that concern every pod, and the API server "
            "judges each pod by each of them",
            f"put rules of the same namespaces into one CachePolicy, so that there are {_MOST}",
        )


def _definitions(installation: Installation) -> Iterator[Finding]:
    missing = []
    for name in _DEFINITIONS:
        where = ("apis", "apiextensions.k8s.io", "v1", "customresourcedefinitions", name)
        try:
            found = installation.api.get(*where)
        except Missing:
            missing.append(f"definition {name} does not exist")
            continue
        conditions = (found.get("status") or {}).get("conditions") or []
        said = {one["type"]: one["status"] for one in conditions}
        if said.get("Established") != "True":
            missing.append(f"definition {name} is not established")
    for fault in missing:
        yield warning(f"{fault}: the cluster can have no such object", _APPLY)
    if not missing:
        yield ok("the definitions of CachedModel and CachePolicy are established")


def _cache_policies(installation: Installation) -> list[CachePolicy]:
    """Return the CachePolicies of the cluster that can be read."""
    try:
        found = installation.api.items("apis", _GROUP, _VERSION, POLICIES)
    except Missing:
        return []
    policies = []
    for document in found:
        try:
            read = read_object_of_cluster(document).read
        except ValueError:  # /readyz names its mistake
            continue
        if isinstance(read, CachePolicy):
            policies.append(read)
    return policies


def _too_old(installation: Installation, concerned: Sequence[str]) -> Finding:
    here = ".".join(map(str, installation.minor))
    if not concerned:
        return ok(f"Kubernetes {here} can't enforce rules by itself, and no CachePolicy needs it")
    return warning(
        f"CachePolicy {', '.join(concerned)}: rules that concern every pod hold only for what "
        f"annotated pods request, since Kubernetes {here} can't enforce them",
        f"upgrade the API server to {OLDEST[0]}.{OLDEST[1]}",
    )


def _faults(installation: Installation) -> Iterator[str]:
    """Yield what is wrong with each policy and binding."""
    for wanted in rule_policies([]):
        kind, name = wanted["kind"], wanted["metadata"]["name"]
        try:
            found = installation.api.get(*ADMISSION, _PLURALS[kind], name)
        except Missing:
            yield f"{kind} {name} does not exist"
            continue
        if not _has(found["spec"], _as_excluded(wanted, found)["spec"]):
            yield f"{kind} {name} is not that of {__version__}"


def _as_excluded(wanted: Json, found: Json) -> Json:
    """Return *wanted* with the namespaces that are excluded in *found*."""
    by_name = [one for one in rule_policies(_excluded(found)) if one["kind"] == wanted["kind"]]
    return next(one for one in by_name if one["metadata"] == wanted["metadata"])


def _excluded(policy: Json) -> list[str]:
    """Return the namespaces that *policy* leaves out by name."""
    match = policy["spec"].get("matchConstraints") or {}
    requirements = (match.get("namespaceSelector") or {}).get("matchExpressions") or []
    return [
        name
        for one in requirements
        if (one["key"], one["operator"]) == (NAME_LABEL, "NotIn")
        for name in one.get("values") or []
    ]


def _has(found: Any, wanted: Any) -> bool:  # noqa: ANN401  # any JSON value
    """Whether *found* has all of *wanted*. An API server adds fields to objects."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            key in found and _has(found[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(found, list) and len(found) == len(wanted) and all(map(_has, found, wanted))
        )
    return bool(found == wanted)


def _tried(installation: Installation, policies: Sequence[CachePolicy]) -> Finding:
    """Return what became of a pod that must be refused."""
    case = next(_cases(installation, policies), None)
    if case is None:
        return ok("no CachePolicy enforces a rule that concerns every pod in a namespace")
    rule = f"rule {case.rule.name} of CachePolicy {case.policy}"
    try:
        where = ("api", "v1", "namespaces", case.namespace, "pods")
        installation.api.dry_run(case.pod, *where)
    except Forbidden:
        raise
    except Refused as refusal:
        if _ENFORCING in str(refusal):
            return ok(f"a dry run of a Pod in {case.namespace} was refused by {rule}")
        return warning(
            f"could not try {rule}: a dry run of a Pod in {case.namespace} was refused: {refusal}",
            "fix what it says, or try a pod that only this rule refuses",
        )
    return error(
        f"a dry run of a Pod in {case.namespace} was admitted, which {rule} must refuse",
        "wait a few seconds if the definition of CachePolicy is new; else see the metric "
        "apiserver_validating_admission_policy_check_total, and "
        f"{kubectl('get', 'validatingadmissionpolicy', _ENFORCING, '-o', 'yaml')}",
    )


def _cases(installation: Installation, policies: Sequence[CachePolicy]) -> Iterator[_Case]:
    """Yield pods that must be refused, those first that nothing else is likely to refuse."""
    enforced = [(p, rule) for p in policies for rule in p.rules if rule.mode == ENFORCE]
    if not any(rule.of_all for _, rule in enforced):
        return
    enforcing = installation.api.get(*ADMISSION, _PLURALS["ValidatingAdmissionPolicy"], _ENFORCING)
    left_out = _excluded(enforcing)
    namespaces = {
        one["metadata"]["name"]: one["metadata"].get("labels") or {}
        for one in installation.api.items("api", "v1", "namespaces")
        if "deletionTimestamp" not in one["metadata"] and one["metadata"]["name"] not in left_out
    }
    for kind in (ReadOnlyMounts, RequireModel, HostPathRoots):
        for policy, rule in enforced:
            if not isinstance(rule, kind) or DEFAULT_ACCOUNT in getattr(rule, "writers", ()):
                continue
            for name, labels in namespaces.items():
                if (
                    labels.get(ADMISSION_LABEL) != DISABLED
                    and policy.selector.holds(labels, complete=True)
                    and not fits(f"{name}/{_NAME}", rule.exempt)
                ):
                    yield _Case(policy.name, rule, name, _pod(rule))


def _pod(rule: Rule) -> Json:
    """Return a pod in which *rule* finds something, and that is restricted otherwise."""
    pod = probe.pod(annotated=False)
    pod["metadata"] = {"name": _NAME}
    [container] = pod["spec"]["containers"]
    match rule:
        case ReadOnlyMounts():
            pod["spec"]["volumes"] = [{"name": "modelcache-model", "emptyDir": {}}]
            container["volumeMounts"] = [{"name": "modelcache-model", "mountPath": "/model"}]
        case HostPathRoots(roots=(root, *_)):
            pod["spec"]["volumes"] = [{"name": "node", "hostPath": {"path": root}}]
        case _:
            container["image"] = "vllm/vllm-openai"
            container["resources"]["limits"]["nvidia.com/gpu"] = "1"
    return pod


CHECK: Final = Check(
    name="rules",
    looks_at="what enforces the rules that concern every pod: the definitions of CachedModel and "
    "CachePolicy, the policies and bindings of this version, and a dry run of a pod that such a "
    f"rule must refuse; whether more than {_MOST} CachePolicies have such rules",
    may=(
        "get customresourcedefinitions",
        "list cachepolicies.modelcache.io",
        "get validatingadmissionpolicies",
        "get validatingadmissionpolicybindings",
        "list namespaces",
        "create pods",
    ),
    run=_run,
)
