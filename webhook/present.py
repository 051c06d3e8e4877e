"""What people see in a terminal: coloured differences, the arithmetic in words, verdicts."""

import difflib
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from webhook.decision import Decision, Deny, Mutate, Skip
from webhook.memory import Amount
from webhook.plan import Plan

WEBHOOK: str = "inject.modelcache.io"
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def _console(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, soft_wrap=True, highlight=False)


def write(text: str) -> None:
    """Write *text* to standard output."""
    sys.stdout.write(text)


def write_bytes(content: bytes) -> None:
    """Write *content* to standard output as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def warning(line: str) -> None:
    """Print a warning as kubectl does."""
    _console(stderr=True).print(Text("Warning: ", "yellow"), escape(line), sep="")


def refusal(name: str, decision: Deny) -> None:
    """Print a refusal as the API server words it."""
    reason = "Forbidden" if decision.forbidden else "Invalid"
    _console(stderr=True).print(
        Text(f"Error from server ({reason}): ", "red"),
        escape(f'{name}: admission webhook "{WEBHOOK}" denied the request: {decision.message}'),
        sep="",
    )


def verdict(name: str, decision: Decision) -> None:
    """Print one line that says what would become of *name*."""
    console = _console()
    match decision:
        case Mutate():
            console.print(
                Text("admitted", "green"), escape(f"{name}, injected: {decision.strategy}")
            )
        case Skip():
            console.print(
                Text("admitted", "green"), escape(f"{name}, unchanged: {decision.reason}")
            )
        case Deny():
            console.print(Text("refused ", "red"), escape(f"{name}: {decision.message}"))


def diff(name: str, before: str, after: str) -> None:
    """Print the lines that differ, in colour."""
    console = _console()
    for line in difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"{name} as written", f"{name} as admitted",
        lineterm="",
    ):  # fmt: skip
        style = "bold" if line.startswith(("+++", "---")) else _STYLES.get(line[:1], "")
        console.print(Text(line, style))


def explain(name: str, plan: Plan) -> None:
    """Print in words what *plan* adds, with the arithmetic."""
    console = _console()
    console.print(Text(f"{name}: {plan.target.container.name} reads with strategy {plan.strategy}",
                       "bold"))  # fmt: skip
    for sentence in sentences(plan):
        console.print("  " + escape(sentence))


def sentences(plan: Plan) -> Iterator[str]:
    """Yield what *plan* does, a sentence each."""
    for model in plan.request.models:
        known = f", {int(model.size):,} bytes" if model.size else ""
        yield f"model {model.asked}: directory {model.directory} of the store{known}"
    for volume in plan.volumes:
        source = next(key for key in volume if key != "name")
        details = ", ".join(f"{k} {v}" for k, v in volume[source].items())
        yield f"volume {volume['name']}: {source} ({details})"
    for container in plan.containers:
        for mount in container.mounts:
            how = " read-only" if mount.get("readOnly") else ""
            yield f"container {container.place.container.name} sees {mount['mountPath']}{how}"
        if container.env:
            names = ", ".join(f"{e['name']}={e['value']}" for e in container.env)
            yield f"container {container.place.container.name} is given {names}"
    yield from _arithmetic(plan)
    for added in plan.init_containers:
        yield f"init container {added['name']}: memory {added['resources']['limits']['memory']}"
    for line in plan.placement:
        yield f"node affinity: {line['path'].rsplit('/', 1)[-1]}"


def _arithmetic(plan: Plan) -> Iterator[str]:
    correction = plan.correction
    parts = []
    if correction.model:
        parts.append(f"{correction.model} for the model in memory")
    if correction.shm:
        parts.append(f"{correction.shm} for /dev/shm")
    if not parts:
        yield "memory: nothing of it lies in memory, so nothing is corrected"
        return
    yield f"memory: {' and '.join(parts)} count against the pod ({correction.mode})"
    yield from _changes(plan.target.container.name, *correction.container)
    if correction.pod:
        yield from _changes("the pod", *correction.pod)


def _changes(name: str, before: Amount, after: Amount) -> Iterator[str]:
    for what, old, new in (
        ("limit", before.limit, after.limit), ("request", before.request, after.request),
    ):  # fmt: skip
        if new is None:
            yield f"{what} of {name}: none, and none is added"
        elif old is None:
            yield f"{what} of {name}: written out as {new}"
        elif new != old:
            yield f"{what} of {name}: {old} + {type(new)(new - old)} = {new}"
        else:
            yield f"{what} of {name}: stays {old}"
