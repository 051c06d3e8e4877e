"""Look at all our objects, and write what is missing.

The registration is read before the Secret. A replica that adds an authority writes the Secret
first, so a registration that was read before never has an authority that the Secret lacks. A patch
fails if the registration was written since.
"""

import random
import time
from collections.abc import Callable
from typing import Final, Literal

from certs.authorities import Authorities
from certs.authority import Leaf, pem
from certs.rotation import Rotation
from webhook.api_server.controller_client import ControllerApi
from webhook.api_server.errors import Conflict, Refused, Unreachable
from webhook.controller.clock import Clock
from webhook.controller.installation.configuration import OURS, Configuration, Registered
from webhook.controller.installation.enforcement import Enforcement, NotEnforced
from webhook.controller.installation.events import Events
from webhook.controller.installation.secret import AuthoritySecret, Found
from webhook.controller.installation.trust import Trust
from webhook.controller.messages import Certificate, Event, Message, Patched, State, Topic
from webhook.controller.options import Options

GARBLED_SECONDS: Final = 2.0
"""For that long, a replica without an authority leaves a garbled Secret to others."""


class LookAgain(Exception):
    """Nothing is wrong, but what was read may be out of date."""


class Reconciler:
    """Looks, writes, and reports the state to the server."""

    def __init__(
        self,
        api: ControllerApi,
        clock: Clock,
        options: Options,
        send: Callable[[Message], None],
        others: Callable[[], dict[Topic, str]] = dict[Topic, str],
    ) -> None:
        """*others*: returns further concerns, which are reported with those found here."""
        self._clock, self._options, self._send, self._others = clock, options, send, others
        self._rotation = Rotation(options.lives(), random.random())  # noqa: S311  # spread
        self._configuration = Configuration(api, options.configuration)
        self._secret = (
            AuthoritySecret(api, options.namespace, options.secret) if options.secret else None
        )
        self._enforcement = Enforcement(api, clock, options, self._configuration, send)
        self._events = Events(api, clock, options, send)
        self._trust = Trust(options.settle_seconds)
        self._known: Authorities | None = None
        self._leaf: Leaf | None = None
        self._garbled_at: float | None = None
        self._state = State()

    @property
    def waiting(self) -> bool:
        """Whether the next step needs time or a ready replica, which no watch reports."""
        strict = bool(self._options.bindings) or self._options.fail
        upcoming = self._known is not None and self._known.upcoming is not None
        return upcoming or (strict and not self._state.enforcing)

    def look(self) -> None:
        """Read everything, and write what is missing.

        Unreachable, Conflict or LookAgain if it must be done again. Anything else that fails
        becomes a concern, and the rest is still done.
        """
        concerns = self._others()
        registered = self._registered(concerns)
        try:
            if self._secret:
                self._keep_secret(self._secret, registered)
                self._keep_bundle(registered)
        except Conflict:
            raise
        except Refused as refusal:
            concerns["certificates"] = str(refusal)
        self.keep_leaf()
        missing = self._missing()
        enforcing = False
        try:
            enforcing = not missing and self._enforcement.enforce(registered)
        except Conflict:
            raise
        except (Refused, NotEnforced) as reason:
            concerns["enforcement"] = str(reason)
        self._report(missing, concerns, reached=True, enforcing=enforcing)
        self._events.look(concerns)

    def unreachable(self, error: Unreachable) -> None:
        """Report that the API server did not answer; the rest of the state stays as it was."""
        missing = {} if self._leaf or not self._secret else {"certificate": str(error)}
        missing |= self._state.missing
        others = self._others()
        others.pop("facts", None)  # nothing can be watched, for the same reason
        concerns: dict[Topic, str] = {**others, "api-server": str(error)}
        self._report(missing, concerns, reached=False, enforcing=self._state.enforcing)

    def keep_leaf(self) -> None:
        """Sign a certificate if there is none, or it is due, or its authority was replaced."""
        if self._known is None:
            return
        times = self._clock.times()
        signing = self._known.signing
        authority = pem(signing.certificate)
        leaf = self._leaf
        # The next authority signs only once API servers trust it.
        signed = leaf and (leaf.authority == authority or not self._trust.trusted(authority))
        if leaf and signed and not leaf.due(times, self._rotation.share):
            return
        self._leaf = leaf = signing.sign(self._options.hosts(), times, self._rotation.lives.leaf)
        self._send(
            Certificate(
                leaf.certificate.decode(),
                leaf.key.decode(),
                leaf.end,
                signing.certificate.not_valid_after_utc,
            )
        )

    def _registered(self, concerns: dict[Topic, str]) -> Registered | None:
        """Return the registration, without entries if there is none; None if it can't be read."""
        try:
            found = self._configuration.read()
        except Refused as refusal:
            concerns["registration"] = str(refusal)
            return None
        if not found.entries:
            name = self._options.configuration
            concerns["registration"] = (
                f"MutatingWebhookConfiguration {name} does not exist, or has no entry whose name"
                f" ends with {OURS}: nothing is injected"
            )
        self._seen(found)
        return found

    def _seen(self, registered: Registered | None) -> None:
        known = self._known
        pairs = [known.signing, known.upcoming] if known else []
        authorities = [pem(pair.certificate) for pair in pairs if pair]
        if self._leaf:
            authorities.append(self._leaf.authority)
        if registered:
            self._trust.seen(registered, authorities)

    def _keep_secret(self, secret: AuthoritySecret, registered: Registered | None) -> None:
        """Bring the Secret up to date; Conflict or LookAgain if it must be read again."""
        found = secret.read()
        if found.version is not None and found.authorities is None:
            self._refuse(found)
        else:
            self._garbled_at = None
        wanted = self._rotation.wanted(
            found.authorities,
            self._known,
            self._clock.times(),
            settled=self._trust.settled,
        )
        if wanted != found.authorities or found.faults:
            secret.write(wanted, found.version)
            self._event("authorities written", "info", reason=_reason(found, wanted))
        self._known = wanted
        self._seen(registered)

    def _refuse(self, found: Found) -> None:
        """Log that the Secret can't be used; LookAgain while another replica may repair it."""
        now = time.monotonic()
        if self._garbled_at is None:
            self._garbled_at = now
            self._event("authorities refused", "warning", reason="; ".join(found.faults))
        if self._known is None and now - self._garbled_at < GARBLED_SECONDS:
            raise LookAgain("other replicas may know its content")

    def _keep_bundle(self, registered: Registered | None) -> None:
        """Write the authorities of the Secret into every caBundle."""
        if registered is None or self._known is None:
            return
        operations = registered.bundle_patch(self._known.trusted())
        if not operations:
            return
        result: Literal["ok", "conflict", "error"] = "error"
        try:
            self._configuration.patch(operations)
            result = "ok"
        except Conflict:
            result = "conflict"
            raise
        finally:
            self._send(Patched(result))
        self._event("CA bundle written", "info", entries=str((len(operations) - 1) // 2))
        raise LookAgain("written, and to be read again")

    def _missing(self) -> dict[str, str]:
        if self._secret is None:
            return {}
        if self._leaf is None:
            return {"certificate": "no authority has signed one yet"}
        if not self._trust.trusted(self._leaf.authority):
            return {"bundle": "the registration does not trust the authority of our certificate"}
        return {}

    def _report(
        self,
        missing: dict[str, str],
        concerns: dict[Topic, str],
        *,
        reached: bool,
        enforcing: bool,
    ) -> None:
        known = self._known
        upcoming = known.upcoming if known else None
        state = State(
            missing,
            concerns,
            reached,
            enforcing,
            authorities=known.number if known else 0,
            upcoming_end=upcoming.certificate.not_valid_after_utc if upcoming else None,
        )
        if state != self._state:
            for topic, text in state.concerns.items():
                if self._state.concerns.get(topic) != text:
                    self._event("concern", "warning", topic=topic, text=text)
            self._state = state
            self._send(state)

    def _event(self, event: str, level: Literal["info", "warning"], **fields: str) -> None:
        self._send(Event(event, level, fields))


def _reason(found: Found, wanted: Authorities) -> str:
    before = found.authorities
    if before is None:
        return "no authority that can sign"
    if before.signing != wanted.signing:
        return "the next authority signs"
    if wanted.upcoming and before.upcoming != wanted.upcoming:
        return "a new authority, to be trusted first"
    return "earlier authorities have expired" if before.retired != wanted.retired else "repaired"
