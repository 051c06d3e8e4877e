"""What people see in a terminal: coloured differences, the arithmetic in words, verdicts."""

import difflib
import sys
from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.text import Text

from webhook.amount import Amount
from webhook.decision import Decision, Deny, Mutate, Skip, printable
from webhook.plan import Plan
from webhook.quantity import Quantity

WEBHOOK: Final = "inject.modelcache.io"
_STYLES: Final = {"+": "green", "-": "red", "@": "cyan"}


def _console(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, soft_wrap=True, highlight=False)


def _line(*parts: str | tuple[str, str], stderr: bool = False) -> None:
    """Print one line of texts and (text, style) pairs, with nothing that moves a cursor."""
    texts = [(printable(p), "") if isinstance(p, str) else (printable(p[0]), p[1]) for p in parts]
    _console(stderr=stderr).print(Text.assemble(*texts))


def write(content: bytes) -> None:
    """Write *content* to standard output as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)


def flush() -> None:
    """Bring what was written on its way, while a failure can still be told."""
    sys.stdout.flush()
    sys.stdout.buffer.flush()


def note(line: str) -> None:
    """Print a remark on standard error."""
    _line(f"modelcache: {line}", stderr=True)


def warning(line: str) -> None:
    """Print a warning as kubectl does."""
    _line(("Warning: ", "yellow"), line, stderr=True)


def refusal(name: str, decision: Deny, source: str, *, is_pod: bool) -> None:
    """Print a refusal as kubectl does; a workload's pods meet it when they are made."""
    reason = "Forbidden" if decision.forbidden else "Invalid"
    what = (
        f'error when creating "{source}"'
        if is_pod
        else f'pods of {name} in "{source}" would be refused'
    )
    _line(
        (f"Error from server ({reason}): ", "red"),
        f'{what}: admission webhook "{WEBHOOK}" denied the request: {decision.message}',
        stderr=True,
    )


def verdict(name: str, decision: Decision, source: str) -> None:
    """Print one line that says what would become of *name*."""
    where = f"{name} ({source})"
    match decision:
        case Mutate():
            _line(("admitted ", "green"), f"{where}: injected, strategy {decision.strategy}")
        case Skip():
            _line(("admitted ", "green"), f"{where}: unchanged, {_words(decision)}")
        case Deny():
            _line(("refused  ", "red"), f"{where}: {decision.message}")


def _words(decision: Skip) -> str:
    return decision.reason.value.replace("_", " ")


def diff(title: str, before: bytes, after: bytes) -> None:
    """Print the lines that differ, in colour on a terminal."""
    lines = difflib.unified_diff(
        before.decode().splitlines(), after.decode().splitlines(),
        f"{title}, as written", f"{title}, as admitted", lineterm="",
    )  # fmt: skip
    for line in lines:
        style = "bold" if line.startswith(("+++ ", "--- ")) else _STYLES.get(line[:1], "")
        _line((line, style))


def explain(name: str, plan: Plan | None, decision: Decision) -> None:
    """Print in words what *plan* adds, with the arithmetic."""
    if isinstance(decision, Skip):
        _line((f"{name}: unchanged, {_words(decision)}", "bold"))
    if plan:
        target = plan.target.container.name
        _line((f"{name}: {target} reads its model with strategy {plan.strategy}", "bold"))
        for sentence in sentences(plan):
            _line("  " + sentence)


def sentences(plan: Plan) -> Iterator[str]:
    """Yield what *plan* does, a sentence each."""
    for model in plan.request.models:
        known = f", {int(model.size):,} bytes" if model.size else ""
        yield f"model {model.asked}: directory {model.directory} of the store{known}"
    for volume in plan.volumes:
        source = next(key for key in volume if key != "name")
        details = ", ".join(f"{k} {_word(v)}" for k, v in volume[source].items())
        yield f"volume {volume['name']}: {source} ({details})"
    for container in plan.containers:
        for mount in container.mounts:
            how = ", read-only" if mount.get("readOnly") else ""
            yield f"container {container.place.container.name} sees {mount['mountPath']}{how}"
        if container.env:
            names = ", ".join(f"{e['name']}={e['value']}" for e in container.env)
            yield f"container {container.place.container.name} is given {names}"
    yield from _arithmetic(plan)
    for added in plan.init_containers:
        yield (
            f"init container {added['name']}: memory {added['resources']['limits']['memory']}, "
            "given back when it ends"
        )
    for line in plan.placement:
        yield f"node affinity: {line['path'].rsplit('/', 1)[-1]}"


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _arithmetic(plan: Plan) -> Iterator[str]:
    correction = plan.correction
    sizes = [model.size for model in plan.request.models if model.size]
    if correction.model:
        yield (
            f"memory: {correction.model} for the model: {sum(sizes):,} bytes and 5 %, "
            "rounded up to 256Mi, which stay in memory as long as the pod"
        )
    if correction.shm:
        yield f"memory: up to {correction.shm} for /dev/shm, which the server fills"
    if not correction.model and not correction.shm:
        yield "memory: nothing more lies in memory, so nothing is corrected"
        return
    if correction.mode != "add":
        yield f"memory: mode {correction.mode}"
    terms = (correction.model, correction.shm)
    yield from _changes(plan.target.container.name, *correction.container, terms)
    if correction.pod:
        yield from _changes("the pod", *correction.pod, terms)


def _changes(
    name: str, before: Amount, after: Amount, terms: tuple[Quantity, Quantity]
) -> Iterator[str]:
    for what, old, new in (
        ("limit", before.limit, after.limit), ("request", before.request, after.request),
    ):  # fmt: skip
        if new is None:
            yield f"memory {what} of {name}: none, and none is added"
        elif old is None:
            yield f"memory {what} of {name}: written out as {new}"
        elif new != old:
            yield f"memory {what} of {name}: {old} + {_sum(new - old, terms)} = {new}"
        else:
            yield f"memory {what} of {name}: stays {old}"


def _sum(grown: int, terms: tuple[Quantity, Quantity]) -> str:
    """Return what *grown* is the sum of."""
    model, shm = terms
    if grown == model + shm and model and shm:
        return f"{model} (model) + {shm} (/dev/shm)"
    if grown == model:
        return f"{model} (model)"
    return f"{shm} (/dev/shm)" if grown == shm else str(Quantity(grown))
