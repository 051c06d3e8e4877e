"""List the namespaces that are left out by their label."""

from collections.abc import Iterator
from typing import Final

from webhook.doctor.check import Check
from webhook.doctor.finding import Finding, kubectl, ok, warning
from webhook.doctor.installation import Installation
from webhook.objects.facts import ADMISSION_LABEL, DISABLED
from webhook.values.text import some

_MOST_NAMED: Final = 10


def _run(installation: Installation) -> Iterator[Finding]:
    found = installation.api.items("api", "v1", "namespaces", labelSelector=ADMISSION_LABEL)
    values = {one["metadata"]["name"]: one["metadata"]["labels"][ADMISSION_LABEL] for one in found}
    out = sorted(name for name, value in values.items() if value == DISABLED)
    if out:
        yield warning(
            f"left out by {ADMISSION_LABEL}: {DISABLED}: {some(out, _MOST_NAMED)}",
            f"if that is a mistake: {kubectl('label', 'namespace', out[0], ADMISSION_LABEL + '-')}",
        )
    meaningless = sorted(name for name in values if name not in out and values[name] != "enabled")
    for name in meaningless:
        label = kubectl("label", "--overwrite", "namespace", name, f"{ADMISSION_LABEL}={DISABLED}")
        yield warning(
            f"{ADMISSION_LABEL}: {values[name]} of namespace {name} has no effect",
            f"to leave it out: {label}",
        )
    if not out and not meaningless:
        yield ok("no namespace is left out by its label")


CHECK: Final = Check(
    name="namespaces",
    looks_at=f"namespaces with the label {ADMISSION_LABEL}",
    may=("list namespaces",),
    run=_run,
)
