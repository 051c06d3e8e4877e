"""Ask each replica for its version, and whether it is ready."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from webhook import __version__
from webhook.api_server.errors import Forbidden, RequestFailed
from webhook.doctor.check import Check
from webhook.doctor.finding import Finding, error, kubectl, ok, warning
from webhook.doctor.installation import Installation
from webhook.doctor.replica import health_port, http_get, nobody_runs
from webhook.objects.json import Json

_BUILD: Final = re.compile(r'^modelcache_build_info\{.*version="([^"]*)"', re.MULTILINE)


def _run(installation: Installation) -> Iterator[Finding]:
    if not installation.running:
        yield nobody_runs(installation.url)
    versions: dict[str, list[str]] = defaultdict(list)
    for pod in installation.running:
        name = pod["metadata"]["name"]
        port = health_port(pod)
        try:
            missing, concerns = _reported(http_get(installation.api, pod, port, "/readyz"))
            version = _BUILD.search(http_get(installation.api, pod, port, "/metrics"))
        except Forbidden:
            raise
        except RequestFailed as fault:
            yield warning(f"could not ask {name}: {fault}", _look(pod))
            continue
        versions[version[1] if version else "unknown"].append(name)
        if missing:
            yield error(f"{name} is not ready: {missing}", _look(pod))
        if concerns:
            yield warning(f"{name} reports: {concerns}", _look(pod))
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


def _look(pod: Json) -> str:
    return kubectl("logs", "-n", pod["metadata"]["namespace"], pod["metadata"]["name"])


CHECK: Final = Check(
    name="replicas",
    looks_at="what each replica reports, through a forwarded port: whether it is ready, and if not "
    "why; whether all replicas and the command have the same version",
    may=("get services", "list pods", "get pods/portforward", "create pods/portforward"),
    run=_run,
)
