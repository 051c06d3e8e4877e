"""Choose models, remove them, and return what happened: modelcache prune."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from webhook.api_server.errors import RequestFailed
from webhook.pruning.choice import Verdict, verdicts
from webhook.pruning.cluster import Cluster
from webhook.pruning.leftovers import Leftover, leftovers
from webhook.pruning.options import Options
from webhook.pruning.outcome import Became, Outcome, Row
from webhook.pruning.protection import protected
from webhook.pruning.removal import Needed, remove
from webhook.store.contents import published_models


def prune(options: Options, cluster: Cluster, *, dry_run: bool) -> Outcome:
    """Remove what *options* select, and return what happened; or what would, in a dry run.

    ValueError, OSError or RequestFailed: nothing was changed.
    """
    cluster.confirm(options.where)
    models = published_models(options.store)
    views = cluster.views()
    left = leftovers(options.store, models, views, options.where)
    chosen = verdicts(models, options, protected(models, views, options.where))
    if dry_run:
        rows = [Row(one.model, _plan(one.goes), one.reason) for one in chosen]
        rest = [(one, _plan(one.goes), one.reason) for one in left]
    else:
        rows = _removed(chosen, options, cluster)
        rest = [_swept(one) for one in left]
    return Outcome(options.store, rows, rest, options.keep_bytes, dry_run=dry_run)


def _plan(goes: bool) -> Became:
    return Became.GOES if goes else Became.STAYS


def _removed(chosen: Sequence[Verdict], options: Options, cluster: Cluster) -> list[Row]:
    """Remove the chosen models, and return what happened to each.

    The node's label is removed first: then the scheduler sends no more pods there for this model.
    Afterwards the pods are listed again, because some may have come while the label was there.
    """
    failed: dict[Path, str] = {}
    labelled: dict[Path, str] = {}
    for one in chosen:
        place, label = one.model.place, one.model.label
        try:
            if one.goes and label and cluster.withdraw(label):
                labelled[place] = label
        except RequestFailed as error:
            failed[place] = f"the node's label could not be removed: {error}"
    rows = []
    try:
        views = cluster.views() if any(one.goes for one in chosen) else []
    except RequestFailed as error:
        failed |= {one.model.place: f"could not find out who reads it: {error}" for one in chosen}
        views = []
    reads = protected([one.model for one in chosen], views, options.where)
    for one in chosen:
        place = one.model.place
        row = _one(one, reads.get(place), failed.get(place), options)
        if place in labelled and row.became is not Became.GONE:
            with contextlib.suppress(RequestFailed):  # what manages the labels sets it again
                cluster.give_back(labelled[place])
        rows.append(row)
    return rows


def _one(one: Verdict, reader: str | None, failed: str | None, options: Options) -> Row:
    if not one.goes:
        return Row(one.model, Became.STAYS, one.reason)
    if failed:
        return Row(one.model, Became.FAILED, failed)
    if reader:
        return Row(one.model, Became.STAYS, reader)
    try:
        remove(one.model, include_current=options.include_current)
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
        pass  # another process has removed it
    except OSError as error:
        return one, Became.FAILED, f"{error.filename}: {error.strerror}"
    return one, Became.GONE, one.reason
