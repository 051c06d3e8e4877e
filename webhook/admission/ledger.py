"""Write and read the ledger, the annotation modelcache.io/injected: what was added.

The webhook uses it for one purpose: to see whether another webhook has since lowered the
memory that we raised. It never proves an injection, since anyone can write an annotation.
The ValidatingAdmissionPolicy of deploy/ reads from it which containers mount which of our
volumes, and whether they may write. CEL can't decode JSON, so it looks for "containers",
"volumes" and "readOnly" as they are written here, without blanks.
"""

from collections.abc import Iterable, Mapping

import msgspec

from webhook import __version__
from webhook.admission.memory import Amount, Correction
from webhook.admission.request.declared import CacheRequest
from webhook.values.quantity import Quantity


def written(
    request: CacheRequest,
    strategy: str,
    target: str,
    correction: Correction,
    *,
    containers: Iterable[str],
    volumes: Iterable[str],
) -> str:
    """Return the ledger of one injection, as JSON.

    *containers*: those that mount the models: with layout hf-cache, not those whose cache can't be
    mounted. *volumes*: all that were added.
    """
    entry: dict[str, object] = {
        "v": 1,
        "by": f"modelcache {__version__}",
        "strategy": strategy,
        "models": [model.asked for model in request.models],
        "target": target,
        "containers": list(containers),
        "volumes": list(volumes),
    }
    if not request.options.read_only:
        entry["readOnly"] = False
    delta = correction.model.plus(correction.shm)
    before, after = correction.container
    for name, old, new in (
        ("limit", before.limit, after.limit), ("request", before.request, after.request),
    ):  # fmt: skip
        if new is not None and new != old:
            entry[name] = str(new)
    if correction.pod:
        old_pod, new_pod = correction.pod
        for name, old, new in (
            ("podLimit", old_pod.limit, new_pod.limit),
            ("podRequest", old_pod.request, new_pod.request),
        ):
            if new is not None and new != old:
                entry[name] = str(new)
    if entry.keys() & {"limit", "request", "podLimit", "podRequest"}:
        entry["delta"] = str(delta)
    return msgspec.json.encode(entry).decode()


def recorded(annotation: str | None) -> Mapping[str, str]:
    """Return the amounts of a ledger by name; empty if it is missing or can't be read."""
    try:
        entry = msgspec.json.decode(annotation or "{}", type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError):
        return {}
    return {key: value for key, value in entry.items() if isinstance(value, str)}


def restored(now: Amount, recorded: Mapping[str, str]) -> Amount:
    """Return *now*, raised to the amounts of the ledger where another webhook lowered it."""

    def most(value: Quantity | None, name: str) -> Quantity | None:
        try:
            before = Quantity.parse(recorded[name]) if name in recorded else None
        except ValueError:
            return value
        return value if value is None or before is None else Quantity(max(value, before))

    limit, request = most(now.limit, "limit"), most(now.request, "request")
    if limit is not None and request is not None:
        request = min(request, limit)
    return Amount(limit, request)
