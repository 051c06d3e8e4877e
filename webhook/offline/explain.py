"""Explain a plan in words, with the arithmetic: inject --explain."""

from collections.abc import Iterator

from webhook.admission.containers.readings import Outcome, Reading
from webhook.admission.decision import Skip
from webhook.admission.memory import Amount
from webhook.admission.plan import Plan
from webhook.offline.outcome import Part
from webhook.offline.wording import words
from webhook.terminal.printing import line
from webhook.values.quantity import Quantity


def print_part(part: Part) -> None:
    """Print what the plan of *part* adds, in words, with the arithmetic."""
    if part.decision is None or isinstance(part.decision, Skip):
        line((f"{part.name}: unchanged, {words(part.decision)}", "bold"))
    if plan := part.plan:
        target = plan.target.container.name
        line((f"{part.name}: {target} gets its model with strategy {plan.strategy}", "bold"))
        for sentence in sentences(plan):
            line("  " + sentence)


def sentences(plan: Plan) -> Iterator[str]:
    """Yield one sentence for each thing that *plan* adds."""
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
        name = container.place.container.name
        if variables := (*container.first_env, *container.env):
            names = ", ".join(f"{e['name']}={e['value']}" for e in variables)
            yield f"container {name} is given {names}"
        for reading in container.readings.models:
            yield f"container {name} {_read(reading)}"
    yield from _arithmetic(plan)
    for added in plan.init_containers:
        yield (
            f"init container {added['name']}: memory {added['resources']['limits']['memory']}, "
            "given back when it ends"
        )
    for operation in plan.placement:
        yield f"node affinity: {operation['path'].rsplit('/', 1)[-1]}"


def _read(reading: Reading) -> str:
    """Return how a container reads a model, in words."""
    model = reading.model.asked
    places = ", ".join(dict.fromkeys(mention.text.place for mention in reading.mentions))
    match reading.outcome:
        case Outcome.PATH:
            return f"reads {model} from its path"
        case Outcome.CACHE:
            if not places:
                return f"finds {model} in the Hugging Face cache, if it names it so"
            return f"reads {model} from the Hugging Face cache: {places}"
        case Outcome.REWRITTEN:
            return f"reads {model} from its path, which replaces the name: {places}"
        case Outcome.DOWNLOADS:
            return f"will download {model}, because it {reading.fault}: {places}"
        case Outcome.UNNAMED:
            return f"names {model} nowhere"


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
        yield "memory: the pod needs no more memory, so nothing is corrected"
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
    """Return the terms whose sum is *grown*."""
    model, shm = terms
    if grown == model + shm and model and shm:
        return f"{model} (model) + {shm} (/dev/shm)"
    if grown == model:
        return f"{model} (model)"
    return f"{shm} (/dev/shm)" if grown == shm else str(Quantity(grown))
