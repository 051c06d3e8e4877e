"""From what is asked for to what has gone: modelcache prune."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from webhook.api_server.errors import RequestFailed
from webhook.pruning.choice import Verdict, verdicts
from webhook.pruning.cluster import Cluster
from webhook.pruning.leftovers import Leftover, leftovers
from webhook.pruning.options import Order
from webhook.pruning.outcome import Became, Outcome, Row
from webhook.pruning.protection import protected
from webhook.pruning.removal import Needed, remove
from webhook.store.contents import published_models


def prune(order: Order, cluster: Cluster, *, dry_run: bool) -> Outcome:
    """Return what has gone, or would go.

    ValueError, OSError and RequestFailed: nothing was changed.
    """
    cluster.confirm(order.where)
    models = published_models(order.store)
    left = leftovers(order.store, {f"{one.place.parent.name}/{one.place.name}" for one in models})
    chosen = verdicts(models, order, protected(models, cluster.views(), order.where))
    if dry_run:
        rows = [Row(one.model, _plan(one.goes), one.reason) for one in chosen]
        rest = [(one, _plan(one.goes), one.reason) for one in left]
    else:
        rows = _removed(chosen, order, cluster)
        rest = [_swept(one) for one in left]
    return Outcome(order.store, rows, rest, order.keep_bytes, dry_run=dry_run)


def _plan(goes: bool) -> Became:
    return Became.GOES if goes else Became.STAYS


def _removed(chosen: Sequence[Verdict], order: Order, cluster: Cluster) -> list[Row]:
    """Return what became of each model.

    A node's label goes first: then no pod comes there any more for the model's sake. The pods are
    asked for once more afterwards, for some may have come while the label was there.
    """
    failed: dict[Path, str] = {}
    bore: dict[Path, str] = {}
    for one in chosen:
        place, label = one.model.place, one.model.label
        try:
            if one.goes and label and cluster.withdraw(label):
                bore[place] = label
        except RequestFailed as error:
            failed[place] = f"the node's label could not be taken away: {error}"
    rows = []
    try:
        views = cluster.views() if any(one.goes for one in chosen) else []
    except RequestFailed as error:
        failed |= {one.model.place: f"who reads it could not be asked: {error}" for one in chosen}
        views = []
    reads = protected([one.model for one in chosen], views, order.where)
    for one in chosen:
        place = one.model.place
        row = _one(one, reads.get(place), failed.get(place), order)
        if place in bore and row.became is not Became.GONE:
            with contextlib.suppress(RequestFailed):  # whoever keeps the labels sets it again
                cluster.give_back(bore[place])
        rows.append(row)
    return rows


def _one(one: Verdict, reader: str | None, failed: str | None, order: Order) -> Row:
    if not one.goes:
        return Row(one.model, Became.STAYS, one.reason)
    if failed:
        return Row(one.model, Became.FAILED, failed)
    if reader:
        return Row(one.model, Became.STAYS, reader)
    try:
        remove(one.model, include_current=order.include_current)
    except Needed as error:
        return Row(one.model, Became.STAYS, str(error))
    except OSError as error:
        return Row(one.model, Became.FAILED, f"{error.filename}: {error.strerror}")
    return Row(one.model, Became.GONE, one.reason)


def _swept(one: Leftover) -> tuple[Leftover, Became, str]:
    if not one.goes:
        return one, Became.STAYS, one.reason
    try:
        one.remove()
    except FileNotFoundError:
        pass  # somebody else has removed it
    except OSError as error:
        return one, Became.FAILED, f"{error.filename}: {error.strerror}"
    return one, Became.GONE, one.reason
