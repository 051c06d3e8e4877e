"""Let the cluster refuse pods that the webhook missed, once a replica is ready.

An installation begins without refusals: bindings only audit, and failurePolicy is Ignore. Until
the first replica is ready, nobody could inject a model.
"""

import time
from collections.abc import Callable
from typing import Final

import msgspec

from webhook.api_server.controller_client import ControllerApi, ObjectMeta
from webhook.controller.clock import Clock
from webhook.controller.installation import binding
from webhook.controller.installation.configuration import (
    FOLDER,
    POLICY_MANAGER,
    Configuration,
    Registered,
)
from webhook.controller.installation.endpoints import reachable
from webhook.controller.messages import Event, Message
from webhook.controller.options import Options

_LONGEST_SECONDS: Final = 30
"""The largest timeoutSeconds (admissionregistration.k8s.io/v1)."""

REQUIRED: Final = "modelcache.io/required"
"""The label of the object that policies depend on: without it, they refuse nothing."""
_LAX: Final = "policies refuse nothing, and pods start without the model that they request"


class _Required(msgspec.Struct):
    metadata: ObjectMeta


class NotEnforced(Exception):
    """An object keeps policies from refusing; the text names it and says why."""


class Enforcement:
    """Lets bindings deny, and sets failurePolicy."""

    def __init__(
        self,
        api: ControllerApi,
        clock: Clock,
        options: Options,
        configuration: Configuration,
        send: Callable[[Message], None],
    ) -> None:
        self._api, self._clock, self._options, self._send = api, clock, options, send
        self._configuration = configuration
        self._reachable_since: float | None = None

    def enforce(self, registered: Registered | None) -> bool:
        """Let the cluster refuse once the Service has a ready replica; return whether it does.

        Refused if an object can't be read or written, Conflict if somebody else wrote it;
        NotEnforced if one keeps policies from refusing.
        """
        options = self._options
        bindings = [binding.read(self._api, name) for name in options.bindings]
        lax = [one for one in bindings if not one.denies]
        operations = (
            registered.policy_patch(fail=options.fail, started=self._clock.started)
            if registered
            else []
        )
        strict = not lax and not operations
        if registered and not registered.bundled and not strict:  # never with --self-signed
            raise NotEnforced(
                f"MutatingWebhookConfiguration {options.configuration} has no caBundle, so the API"
                " server can't call us: nothing is refused until it is written"
            )
        if not strict and not self._reached_by_all(registered):
            return False
        for one in lax:
            binding.deny(self._api, one)
            self._send(Event("policy enforced", "info", {"binding": one.metadata.name}))
        if operations:
            self._configuration.patch(operations, POLICY_MANAGER)
            self._send(Event("failurePolicy written", "info", {"fail": str(options.fail)}))
        for param in sorted({one.param for one in bindings if one.param}):
            self._see_required(param)
        return not options.fail or (registered is not None and bool(registered.entries))

    def _see_required(self, name: str) -> None:
        """Raise NotEnforced if the object that policies depend on switches them off.

        It is read at each look: to watch it would need another right.
        """
        doing = f"read MutatingWebhookConfiguration {name}"
        answer = self._api.request("GET", f"{FOLDER}/{name}").expect(doing, 200, 404)
        if answer.code == 404:
            raise NotEnforced(f"MutatingWebhookConfiguration {name} does not exist: {_LAX}")
        labels = msgspec.json.decode(answer.body, type=_Required).metadata.labels
        if labels.get(REQUIRED) != "true":
            raise NotEnforced(
                f"MutatingWebhookConfiguration {name} has no label {REQUIRED}: {_LAX}"
            )

    def _reached_by_all(self, registered: Registered | None) -> bool:
        """Return whether a replica has been ready for so long that every creation reaches it.

        Every node needs time to route to it. Creations that began before must end: their
        connections are tried again after 1, 3, 7 and 15 s (RFC 6298), and the API server applies
        the bindings that it has at their end.
        """
        if not reachable(self._api, self._options.namespace, self._options.service):
            self._reachable_since = None
            return False
        now = time.monotonic()
        self._reachable_since = self._reachable_since or now
        waits = registered.timeout_seconds if registered else _LONGEST_SECONDS
        return now - self._reachable_since >= self._options.enforce_after_seconds + waits
