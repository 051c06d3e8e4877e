"""Owns the chart's template of our CustomResourceDefinitions, written from webhook/custom_resources."""

from typing import Final

import yaml

from tests.kubernetes.helm import CHART
from webhook.custom_resources.definitions import definitions

FILE: Final = CHART / "templates" / "customresourcedefinitions.yaml"
_LABELS: Final = "LABELS"
_HEAD: Final = """\
{{- if .Values.crds.install }}
# Written by `make manifests` from webhook/custom_resources. As templates, definitions are upgraded
# with the webhook. `keep`: helm uninstall leaves them, and with them everybody's objects.
"""


class _Dumper(yaml.SafeDumper):
    """Writes no anchors: Helm and people need none."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def text() -> str:
    """Return the contents of the file."""
    written = []
    for definition in definitions():
        metadata = {
            **definition["metadata"],
            "annotations": {"helm.sh/resource-policy": "keep"},
            "labels": _LABELS,
        }
        dumped: str = yaml.dump(
            {**definition, "metadata": metadata},
            Dumper=_Dumper, sort_keys=False, width=10**6, allow_unicode=True,
        )  # fmt: skip
        assert "{{" not in dumped, "Helm would read it"
        labels = '\n    {{- include "modelcache.labels" . | nindent 4 }}'
        written.append(dumped.replace(f" {_LABELS}\n", f"{labels}\n"))
    return _HEAD + "---\n".join(written) + "{{- end }}\n"
