"""Run the webhook as a process: start, serve, drain, stop."""

import asyncio
import functools
import gc
import sys
from collections.abc import Callable
from typing import Final

import uvloop

from webhook import __version__
from webhook.admission.admit import EXCLUDED
from webhook.server.certificate import ServingCertificate
from webhook.server.controller_process import ControllerProcess
from webhook.server.descriptors import Shortage, needed, raised_limit, shares
from webhook.server.http.accept import Limits
from webhook.server.http.admission_port import AdmissionPort
from webhook.server.http.asgi import Application
from webhook.server.http.deferred import Deferred
from webhook.server.http.listener import Listener
from webhook.server.http.review_protocol import ReviewProtocol
from webhook.server.knowledge import Knowledge
from webhook.server.known_facts import KnownFacts
from webhook.server.readiness import Readiness, together
from webhook.server.reviews.reviewer import Reviewer
from webhook.server.settings import Settings
from webhook.server.shutdown import Shutdown, ignore_signals, without_signals
from webhook.server.telemetry.decisions import Telemetry
from webhook.server.telemetry.log import Logger, fault_log, line_log, open_log
from webhook.server.telemetry.log_lines import Lines

_FREED: Final = 16
"""Connections to end at a time when no descriptor is left for a new one."""


def serve(settings: Settings) -> None:
    """Serve until a signal stops the process; ValueError if it can't start."""
    with without_signals():
        logger, lines = open_log(settings.log_format)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(settings, logger, lines))
    finally:
        lines.close()


async def _run(settings: Settings, logger: Logger, lines: Lines) -> None:
    shutdown = Shutdown()
    telemetry = Telemetry(line_log(lines, settings.log_format))
    missing = {"listening": "the admission port is not open yet"}
    certificate = ServingCertificate(settings, telemetry, logger)
    knowledge = _knowledge(settings, telemetry)
    controller = (
        ControllerProcess(settings.controller, certificate.use, telemetry, logger, knowledge)
        if settings.controller.needed
        else None
    )

    def readiness() -> Readiness:
        said = controller.readiness() if controller else Readiness()
        return together(Readiness(missing), said, certificate.readiness())

    def probes() -> Application:
        from webhook.server.http.health import health_app  # noqa: PLC0415  # slow, see Deferred

        return health_app(telemetry.registry, readiness)

    telemetry.ready.set_function(lambda: float(readiness().ready))
    port = _admission_port(settings, knowledge, telemetry, logger)
    limits, probe_limits = _limits(telemetry, logger, lambda: listener.free(_FREED))
    listener = Listener(
        port, settings.host, settings.port, certificate.served.context,
        functools.partial(ReviewProtocol, port), limits,
    )  # fmt: skip
    health_app = Deferred(probes)
    health = Listener(health_app, settings.host, settings.health_port, None, limits=probe_limits)
    telemetry.handshakes.set_function(lambda: listener.handshakes)
    telemetry.connections.labels("admission").set_function(lambda: listener.connections)
    telemetry.connections.labels("probes").set_function(lambda: health.connections)
    telemetry.tasks.set_function(lambda: len(asyncio.all_tasks()))
    await listener.listen()
    await health.listen()
    tasks = [asyncio.create_task(certificate.keep())]
    if controller:
        tasks.append(asyncio.create_task(controller.run()))
    await health_app.loaded()
    missing.clear()
    gc.collect()
    gc.freeze()
    logger.info("serving", version=__version__, port=listener.port, health_port=health.port)
    if certificate.authority:
        from webhook.server.dev_registration import registration  # noqa: PLC0415  # only --dev pays for it

        sys.stdout.write(registration(f"https://127.0.0.1:{listener.port}", certificate.authority))
        sys.stdout.flush()
    tasks.append(asyncio.create_task(listener.sweep(telemetry.timeouts.inc)))
    tasks.append(asyncio.create_task(health.sweep(lambda: None)))
    await shutdown.stop.wait()
    port.draining = True
    missing["draining"] = "the process is stopping"
    logger.info("draining", delay=settings.shutdown_delay, drain=settings.drain)
    await shutdown.delayed(settings.shutdown_delay)
    await listener.close(settings.drain, shutdown.cut)
    await health.close(0.1, shutdown.cut)
    for task in tasks:
        task.cancel()
    ignore_signals()
    logger.info("stopped")


def _knowledge(settings: Settings, telemetry: Telemetry) -> Knowledge | None:
    """Return what will be known of the cluster; None if nothing of it is watched."""
    telemetry.policy_is(settings.policy.generation)
    if not settings.controller.facts:
        return None
    nodes = settings.controller.node_facts
    return Knowledge(settings.facts, settings.policy, telemetry, nodes=nodes)


def _admission_port(
    settings: Settings, knowledge: Knowledge | None, telemetry: Telemetry, logger: Logger
) -> AdmissionPort:
    reviewer = Reviewer(
        knowledge or KnownFacts(settings.facts, settings.policy),
        telemetry,
        excluded=EXCLUDED | {settings.controller.namespace},
        self_check=settings.self_check,
    )

    def nothing() -> Application:
        from webhook.server.http.health import bare_app  # noqa: PLC0415  # slow, see Deferred

        return bare_app()

    return AdmissionPort(
        reviewer, telemetry, Deferred(nothing), fault_log(logger), settings.connection_age
    )


def _limits(
    telemetry: Telemetry, logger: Logger, make_room: Callable[[], None]
) -> tuple[Limits, Limits]:
    """Return the limits of the admission port and of the health port.

    Logs a warning if the process may not open enough files. *make_room* is called when no
    descriptor is left for a new connection.
    """
    limit = raised_limit()
    room = shares(limit)
    if limit < needed():
        logger.warning(
            "few_descriptors", limit=limit, needed=needed(), connections=room.connections
        )
    shortage = Shortage(logger.warning)

    def failed(error: OSError) -> None:
        telemetry.accept_failures.inc()
        shortage.met(error)
        make_room()

    dropped = telemetry.connections_dropped.inc
    return (
        Limits(room.connections, room.handshakes, dropped=dropped, failed=failed),
        Limits(room.probes, room.probes, dropped=dropped, failed=failed),
    )
