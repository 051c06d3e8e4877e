"""Lets the cluster refuse what we missed, once a replica is ready to miss nothing.

Policies and registration are installed so that nothing is refused: bindings only audit,
failurePolicy is Ignore. Until the first replica serves there is nobody to inject anything.
"""

import time
from collections.abc import Callable
from typing import Final

from webhook.controller import binding
from webhook.controller.api_server import ApiServer
from webhook.controller.clock import Clock
from webhook.controller.configuration import POLICY_MANAGER, Configuration, Registered
from webhook.controller.endpoints import reachable
from webhook.controller.messages import Event, Message
from webhook.controller.options import Options
from webhook.controller.trouble import Trouble

ROUTED_SECONDS: Final = 3.0
"""From an endpoint that is ready until every kube-proxy routes to it: they gather changes for a
second, and a pod that is refused meanwhile would be refused for a webhook that is there."""


class Enforcement:
    """Turns strict what is not yet."""

    def __init__(
        self,
        api: ApiServer,
        clock: Clock,
        options: Options,
        configuration: Configuration,
        send: Callable[[Message], None],
    ) -> None:
        self._api, self._clock, self._options, self._send = api, clock, options, send
        self._configuration = configuration
        self._reachable_since: float | None = None

    def enforce(self, registered: Registered | None) -> bool:
        """Write what is lax once the Service has a ready replica; return whether nothing is.

        Trouble if it can't be read or written, Conflict if somebody else has written it.
        """
        options = self._options
        bindings = [binding.read(self._api, name) for name in options.bindings]
        lax = [one for one in bindings if not one.denies]
        operations = (
            registered.policy_patch(fail=options.fail, started=self._clock.started)
            if registered
            else []
        )
        if not lax and not operations:
            return True
        if registered and not registered.bundled:  # in mode self, that is missing already
            raise Trouble(
                f"MutatingWebhookConfiguration {options.configuration} has no caBundle, so the API"
                " server can't call us: nothing is refused until that is written"
            )
        if not self._reached_by_all():
            return False
        for one in lax:
            binding.deny(self._api, one)
            self._send(Event("policy enforced", "info", {"binding": one.metadata.name}))
        if operations:
            self._configuration.patch(operations, POLICY_MANAGER)
            self._send(Event("failurePolicy written", "info", {"fail": str(options.fail)}))
        return True

    def _reached_by_all(self) -> bool:
        """Return whether the Service has had a ready replica so long that every node knows."""
        if not reachable(self._api, self._options.namespace, self._options.service):
            self._reachable_since = None
            return False
        now = time.monotonic()
        self._reachable_since = self._reachable_since or now
        return now - self._reachable_since >= ROUTED_SECONDS
