"""Write concerns that last as Events of our Deployment, for `kubectl events`.

The API server validates every field of events.k8s.io/v1; core/v1 it hardly validates, for the sake
of old clients. An Event lives for an hour (kube-apiserver --event-ttl) and is never changed. Its
name is a digest of its text, so that one replica creates it and the others get a conflict.
"""

import hashlib
import math
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from webhook.api_server.controller_client import ControllerApi
from webhook.api_server.errors import Unreachable
from webhook.controller.clock import Clock
from webhook.controller.messages import Event, Message, Topic
from webhook.controller.options import Options

_LONGEST_NOTE: Final = 1024
_LONGEST_INSTANCE: Final = 128
"""Bytes, both (pkg/apis/core/validation/events.go)."""
_DIGITS: Final = 16


class Events:
    """Writes an Event for each concern that lasts, and again when that may have expired."""

    def __init__(
        self, api: ControllerApi, clock: Clock, options: Options, send: Callable[[Message], None]
    ) -> None:
        self._api, self._clock, self._options, self._send = api, clock, options, send
        self._since: dict[Topic, float] = {}
        self._written: dict[Topic, float] = {}

    def look(self, concerns: Mapping[Topic, str]) -> None:
        """Take the concerns of a look, and write the Events that are due, in threads."""
        now = time.monotonic()
        self._since = {topic: self._since.get(topic, now) for topic in concerns}
        self._written = {topic: then for topic, then in self._written.items() if topic in concerns}
        for topic, text in concerns.items():
            lasts = now - self._since[topic] >= self._options.lasting_seconds
            if lasts and now - self._written.get(topic, -math.inf) >= self._options.again_seconds:
                self._written[topic] = now
                threading.Thread(target=self._write, args=(topic, text), daemon=True).start()

    def _write(self, topic: Topic, text: str) -> None:
        path = f"/apis/events.k8s.io/v1/namespaces/{self._options.namespace}/events"
        try:
            answer = self._api.request("POST", path, self._object(topic, text))
        except Unreachable as error:
            why = str(error)
        else:
            if answer.code in (201, 409):  # 409: another replica has written it
                return
            why = answer.why()
        self._send(Event("event not written", "warning", {"topic": topic, "reason": why}))

    def _object(self, topic: Topic, text: str) -> dict[str, Any]:
        options = self._options
        digest = hashlib.sha256(f"{topic}\n{text}".encode()).hexdigest()[:_DIGITS]
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": f"{options.service}.{digest}",
                "namespace": options.namespace,
                "labels": {"app.kubernetes.io/name": "modelcache-webhook"},
            },
            "eventTime": f"{self._clock.times().cluster:%Y-%m-%dT%H:%M:%S.%fZ}",
            "type": "Warning",
            "reason": f"Failed{topic.title()}",
            "action": "Reconcile",
            "note": text.encode()[:_LONGEST_NOTE].decode(errors="ignore"),
            # No UID: to read it would need another right. `kubectl describe` selects Events by
            # UID, and so does not show these.
            "regarding": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": options.service,
                "namespace": options.namespace,
            },
            "reportingController": "modelcache.io/webhook",
            "reportingInstance": socket.gethostname()[:_LONGEST_INSTANCE],
        }
