"""Render the policy that refuses workloads whose pods would not get their annotations."""

from webhook.objects.json import Json
from webhook.objects.workload_kinds import KINDS
from webhook.rendering.admission_policy.matching import WORKLOAD, seen
from webhook.rule_policies.matching import conditions, workload_rules


def workloads() -> Json:
    """Return the spec of the policy. The chart's policy modelcache-copied has the same rule."""
    template = (
        "(request.kind.kind == 'CronJob' ? dyn(object).spec.jobTemplate.spec.template\n"
        ": dyn(object).spec.template).?metadata.?annotations.orValue({})"
    )
    copied = "object.metadata.annotations[?'modelcache.io/copied-keys'].orValue('').split(',')"
    # A copied annotation follows the workload; one that the template had wins.
    behind = (
        "object.metadata.annotations.filter(key, key.startsWith('modelcache.io/')\n"
        "&& !(key in ['modelcache.io/injected', 'modelcache.io/copied-keys'])\n"
        "&& (!(key in variables.template) || key.substring(14) in variables.copied\n"
        "&& variables.template[key] != object.metadata.annotations[key]))"
    )
    message = (
        "variables.behind.join(', ') + ': admission policies do not copy annotations into the'\n"
        "+ ' pod template, so pods would start without the model: write them into the metadata'\n"
        "+ ' of the pod template, or run the modelcache webhook'"
    )
    return {
        "failurePolicy": "Fail",
        "matchConstraints": seen(workload_rules([row for row in KINDS if row.built_in], ("v1",))),
        "matchConditions": conditions(WORKLOAD),
        "variables": [
            {"name": "template", "expression": template},
            {"name": "copied", "expression": copied},
            {"name": "behind", "expression": behind},
        ],
        "validations": [
            {
                "expression": "size(variables.behind) == 0",
                "messageExpression": message,
                "reason": "Invalid",
            }
        ],
    }
