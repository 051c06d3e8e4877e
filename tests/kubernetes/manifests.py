"""Owns `python -m tests.kubernetes.manifests`: writes the kustomize base from the chart.

The chart's file of custom kinds, from their table, its definitions of ours and its policies for rules
are written first.
"""

from tests.kubernetes import definitions, helm, rule_policies, workload_rules
from tests.kubernetes.registration import DEPLOY


def main() -> None:
    """Write every file that the chart yields with its default values."""
    workload_rules.FILE.write_text(workload_rules.text())
    definitions.FILE.write_text(definitions.text())
    rule_policies.FILE.write_text(rule_policies.text())
    for name, text in helm.base().items():
        (DEPLOY / name).write_text(text)


if __name__ == "__main__":
    main()
