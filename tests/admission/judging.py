"""What is found in the object of a row of rules.yaml, as its pods will run."""

from dataclasses import dataclass

import msgspec

from tests.admission.admitting import Json, facts_of, policy_of
from tests.admission.rules import NAMESPACES, Row
from webhook.admission.judge import ENFORCE, Judge
from webhook.admission.problem import Finding
from webhook.admission.workload import will_be_refused
from webhook.objects.facts import Facts
from webhook.objects.pod import Pod, PodSpec
from webhook.objects.workload import read_workload
from webhook.objects.workload_kinds import KINDS


@dataclass(frozen=True)
class Judged:
    """The findings of every mode, and who found them."""

    judge: Judge
    findings: tuple[Finding, ...]


def facts(row: Row) -> Facts:
    known: Json = {
        "kube_version": "1.35", "namespace": row.namespace,
        "namespace_labels": NAMESPACES[row.namespace],
    }  # fmt: skip
    if row.claims is not None:
        known["claims"] = {
            name: {"access_modes": modes, "phase": "Bound"} for name, modes in row.claims.items()
        }
    if row.nodes is not None:
        known["nodes"] = row.nodes
    return facts_of(known)


def judged(row: Row, mode: str, kind: str) -> Judged:
    """Return what is found in a pod as it will run, or in those of a workload."""
    content, policy, workload = row.object(kind), policy_of(*row.documents(mode)), None
    pod = msgspec.convert(content, Pod) if kind == "Pod" else None
    if pod is None:
        workload = read_workload(content, next(k for k in KINDS if k.kind == kind))
        [template] = workload.templates
        pod = template.pod(template.annotations or {}, workload.name)
    judge = Judge(policy, pod, facts(row), workload)
    return Judged(judge, judge.running(pod.spec or PodSpec(), only_ephemeral=bool(row.ephemeral)))


def told(row: Row, mode: str, kind: str) -> str:
    """Return the text for anyone who applies the object: of a refusal, a warning, or an audit log."""
    return "; ".join(
        str(
            will_be_refused(found.problem)
            if found.mode == ENFORCE and kind != "Pod"
            else found.problem
        )
        for found in judged(row, mode, kind).findings
    )
