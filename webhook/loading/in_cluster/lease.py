"""Let one loader of a model work at a time, with a Lease.

The rules are those of client-go's leaderelection, with one exception: a holder that can't reach the
API server continues. Two loaders write separate folders and publish with a rename, so the Lease
only saves downloads, and an outage of the API server should not cost one.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from webhook.loading.in_cluster.service_account import Overtaken, PodApi
from webhook.loading.origins.origin import Interrupted, Unavailable
from webhook.loading.patience import Patience, Waiting
from webhook.values.readers import object_name
from webhook.values.text import quoted

_SECONDS: Final = 60
"""Without a renewal for that long, the holder counts as ended (spec.leaseDurationSeconds)."""
_RENEW_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 2.0


class _Spec(msgspec.Struct, omit_defaults=True, rename="camel"):
    """The fields of LeaseSpec (coordination.k8s.io/v1) that loaders use."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


class _Object(msgspec.Struct, rename="camel"):
    metadata: dict[str, Any]
    """As it was read, so that nothing is lost; its resourceVersion detects conflicts."""
    spec: _Spec = msgspec.field(default_factory=_Spec)
    api_version: str = "coordination.k8s.io/v1"
    kind: str = "Lease"


class Lease:
    """An existing Lease; the pod's ServiceAccount may get and update it."""

    def __init__(
        self,
        name: str,
        holder: str,
        deadline: float,
        say: Callable[[str], None],
        lost: Callable[[str], None],
        api: PodApi | None = None,
    ) -> None:
        """*name*: NAMESPACE/NAME; *holder*: our pod; *deadline* is of time.monotonic().

        *lost* is called, in a thread, if another loader takes the Lease while we hold it.
        ValueError if *name* is not such a name, or outside of a pod without *api*.
        """
        space, slash, own = name.partition("/")
        if not slash:
            raise ValueError(f"--lease: {quoted(name, 120)} must be NAMESPACE/NAME")
        where = f"namespaces/{object_name(space)}/leases/{object_name(own)}"
        self._where = f"/apis/coordination.k8s.io/v1/{where}"
        self._api = api or PodApi("lease")
        self._name, self._holder, self._deadline = f"Lease {name}", holder, deadline
        self._say, self._lost = say, lost
        self._mine: _Object | None = None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Wait until it is ours, and hold it for a `with` block; Unavailable if it is not."""
        self._mine = self._acquired()
        over = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(over,), daemon=True)
        renewing.start()
        try:
            yield
        finally:
            over.set()
            renewing.join()
            self.release()

    def release(self) -> None:
        """Let the next loader start at once; otherwise it waits until the Lease expires."""
        mine, self._mine = self._mine, None
        if mine:
            with contextlib.suppress(Interrupted, Unavailable):
                self._write(mine, _Spec(lease_transitions=mine.spec.lease_transitions))

    def _acquired(self) -> _Object:
        """Return the Lease once it is ours."""
        seen, since = None, 0.0
        patience = Patience(self._deadline, self._say, asked=self._name)
        waiting = Waiting(self._deadline, self._say)
        while True:
            found = patience.call(self._read)
            patience.progressed()
            now, spec = time.monotonic(), found.spec
            record = (spec.holder_identity, spec.renew_time)
            if record != seen:  # by our clock alone: no two clocks are compared
                seen, since = record, now
            free = now - since >= (spec.lease_duration_seconds or _SECONDS)
            other = spec.holder_identity
            if not other or other == self._holder or free:
                # Interrupted: another loader was faster, or the next round tries again.
                with contextlib.suppress(Interrupted):
                    return self._taken(found)
                time.sleep(_LOOK_SECONDS)
                continue
            waiting.report(self._name, other, "holds it", "held it")
            time.sleep(_LOOK_SECONDS)
            # At the deadline the next question would have no time, and would not say who held it.
            waiting.report(self._name, other, "holds it", "held it")

    def _taken(self, found: _Object) -> _Object:
        now = _now()
        spec = _Spec(
            holder_identity=self._holder,
            lease_duration_seconds=_SECONDS,
            acquire_time=now,
            renew_time=now,
            lease_transitions=(found.spec.lease_transitions or 0) + 1,
        )
        return self._write(found, spec)

    def _renew(self, over: threading.Event) -> None:
        while not over.wait(_RENEW_SECONDS):
            if not (mine := self._mine):
                return
            try:
                self._mine = self._renewed(mine)
            except Overtaken:
                self._look_again()
            except (Interrupted, Unavailable) as error:
                self._say(f"{error}; continuing")

    def _renewed(self, mine: _Object) -> _Object:
        return self._write(mine, msgspec.structs.replace(mine.spec, renew_time=_now()))

    def _look_again(self) -> None:
        """Read our Lease after a conflict; if another loader holds it, report that it is lost."""
        with contextlib.suppress(Interrupted, Unavailable):
            found = self._read()
            if found.spec.holder_identity != self._holder:
                self._mine = None
                holder = found.spec.holder_identity or "another loader"
                self._lost(f"{self._name}: {holder} has taken it, and loads the same model")
            else:
                self._mine = found

    def _read(self) -> _Object:
        return self._request("GET", None, "can't be read")

    def _write(self, found: _Object, spec: _Spec) -> _Object:
        return self._request("PUT", msgspec.structs.replace(found, spec=spec), "can't be written")

    def _request(self, method: str, body: _Object | None, doing: str) -> _Object:
        sent: Any = msgspec.to_builtins(body) if body else None
        answer = self._api.request(
            method, self._where, sent, doing=f"{self._name}: {doing}", permitted_by="lease"
        )
        try:
            return msgspec.json.decode(answer, type=_Object)
        except msgspec.MsgspecError as error:
            raise Interrupted(
                f"{self._name}: {doing}: the answer is not a Lease: {error}"
            ) from error


def _now() -> str:
    """Return the time in the format of MicroTime (meta/v1)."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
