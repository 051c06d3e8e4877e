"""Ask each replica for its version, and whether it is ready."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from webhook import __version__
from webhook.doctor.check import Check
from webhook.doctor.finding import Finding, error, ok, warning
from webhook.doctor.installation import Installation
from webhook.doctor.replica import logs, pages

_BUILD: Final = re.compile(r'^modelcache_build_info\{.*version="([^"]*)"', re.MULTILINE)


def _run(installation: Installation) -> Iterator[Finding]:
    versions: dict[str, list[str]] = defaultdict(list)
    for asked in pages(installation, "/readyz", "/metrics"):
        if isinstance(asked, Finding):
            yield asked
            continue
        pod, (readiness, metrics) = asked
        name = pod["metadata"]["name"]
        missing, concerns = _reported(readiness)
        version = _BUILD.search(metrics)
        versions[version[1] if version else "unknown"].append(name)
        if missing:
            yield error(f"{name} is not ready: {missing}", logs(pod))
        if concerns:
            yield warning(f"{name} reports: {concerns}", logs(pod))
    yield from _same(versions)


def _reported(answer: str) -> tuple[str, str]:
    """Return why a replica is not ready, and what else it reports, in its words."""
    try:
        said = json.loads(answer)
        missing, concerns = said["missing"], said.get("concerns", {})
        return _words(missing), _words(concerns)
    except (ValueError, KeyError, TypeError, AttributeError):
        return "what answers on its health port does not answer like modelcache", ""


def _words(reasons: dict[str, str]) -> str:
    return ", ".join(f"{what}: {why}" for what, why in reasons.items())


def _same(versions: dict[str, list[str]]) -> Iterator[Finding]:
    shown = ", ".join(f"{version} ({', '.join(names)})" for version, names in versions.items())
    if len(versions) > 1:
        yield warning(
            f"replicas differ in version: {shown}",
            "wait for the rollout, or see why it does not continue: kubectl rollout status",
        )
    for version in versions:
        if version != __version__:
            yield warning(
                f"replicas run {version}, and this command is {__version__}",
                "use the command of the replicas' version, or upgrade them",
            )
    if list(versions) == [__version__]:
        yield ok(f"{shown}, as this command")


CHECK: Final = Check(
    name="replicas",
    looks_at="what each replica reports, through a forwarded port: whether it is ready, and if not "
    "why; whether all replicas and the command have the same version",
    may=("get services", "list pods", "get pods/portforward", "create pods/portforward"),
    run=_run,
)
