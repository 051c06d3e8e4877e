"""Owns the chart's template of the policies that enforce rules, written from webhook/rule_policies."""

from typing import Any, Final

import yaml

from tests.kubernetes.helm import CHART
from webhook.rule_policies.policies import LABELS, OLDEST, rule_policies

FILE: Final = CHART / "templates" / "rulepolicies.yaml"
_EXCLUDED: Final = "EXCLUDED"
_WIDTH: Final = 100
_HEAD: Final = f"""\
{{{{- if and .Values.rulePolicies (include "modelcache.atLeast" (dict "root" . "minor" {OLDEST[1]})) }}}}
# Written by `make manifests` from webhook/rule_policies. By these policies the API server itself
# enforces the rules of CachePolicies that concern every pod, also pods that request no model. There is
# one policy for each mode of a rule, and each CachePolicy is a parameter of all three.
#
# failurePolicy must be Ignore. The policies see every pod of the cluster, and while the definition of
# CachePolicy is missing, or an API server has just started, Fail would refuse all of them.
"""


class _Dumper(yaml.SafeDumper):
    """Folds long expressions, and writes no anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = ">" if len(value) > _WIDTH else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def text() -> str:
    """Return the contents of the file."""
    return _HEAD + "---\n".join(map(_template, rule_policies([_EXCLUDED]))) + "{{- end }}\n"


def _template(policy: dict[str, Any]) -> str:
    dumped: str = yaml.dump(
        policy, Dumper=_Dumper, sort_keys=False, width=_WIDTH, allow_unicode=True
    )
    assert "{{" not in dumped, "Helm would read it"
    labels = "".join(f"    {key}: {value}\n" for key, value in LABELS.items())
    excluded = f"        values:\n        - {_EXCLUDED}\n"
    assert labels in dumped
    return dumped.replace(labels, '    {{- include "modelcache.labels" . | nindent 4 }}\n').replace(
        excluded, '        values: {{ include "modelcache.excluded" . }}\n'
    )
