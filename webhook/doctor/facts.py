"""Check that each replica still hears of everything that it watches."""

import re
from collections.abc import Iterator
from typing import Final

from webhook.doctor.check import Check
from webhook.doctor.finding import Finding, ok, warning
from webhook.doctor.installation import Installation
from webhook.doctor.replica import logs, pages

_SAMPLE: Final = re.compile(
    r'^modelcache_facts_(?P<name>live|age_seconds)\{kind="(?P<kind>[^"]*)"\} (?P<value>\S+)$',
    re.MULTILINE,
)
_LIVE_SECONDS: Final = 90
"""As in server/knowledge.py. Policies and models have an age alone: they hold, however old."""


def _run(installation: Installation) -> Iterator[Finding]:
    for asked in pages(installation, "/metrics"):
        if isinstance(asked, Finding):
            yield asked
        else:
            pod, (metrics,) = asked
            yield _judged(pod["metadata"]["name"], metrics, logs(pod))


def _judged(name: str, page: str, look: str) -> Finding:
    """Return the finding about a replica, from its page of metrics."""
    watched, dead = set[str](), set[str]()
    for sample in _SAMPLE.finditer(page):
        value = float(sample["value"])
        watched.add(sample["kind"])
        if value > _LIVE_SECONDS if sample["name"] == "age_seconds" else not value:
            dead.add(sample["kind"])
    if not watched:
        return ok(f"{name} watches nothing: it knows policies and models from files alone")
    if dead:
        return warning(
            f"{name} has heard nothing of {', '.join(sorted(dead))} for a while: its last policies "
            "and models hold, and nothing else that it knew of them counts",
            f"see what /readyz says under facts (check replicas), and {look}",
        )
    return ok(f"{name} hears of {', '.join(sorted(watched))}")


CHECK: Final = Check(
    name="facts",
    looks_at="whether each replica still hears of what it watches in the cluster, by its metrics "
    "modelcache_facts_live and modelcache_facts_age_seconds, through a forwarded port",
    may=("get services", "list pods", "get pods/portforward", "create pods/portforward"),
    run=_run,
)
