"""Choose the fault for a request, count it, and change the answer."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.hub.answer import Answer, error, redirect
from tests.hub.fault import Fault
from tests.hub.ranges import Span
from tests.hub.repositories import Repositories
from tests.hub.routes import Asked


@dataclass(slots=True)
class Pending:
    """A fault, and the number of requests left for it."""

    fault: Fault
    left: int | None

    def spend(self) -> None:
        """Count one request."""
        if self.left is not None:
            self.left -= 1


class Faults:
    """The current faults, in the order in which they were added."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories
        self._pending: list[Pending] = []
        self._choosing = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Add a fault; ValueError if no repository has the commit to move to."""
        moved = fault.move_main_to
        if moved is not None and not self._repositories.with_commit(moved):
            raise ValueError(f"no repository has a commit {moved}")
        with self._choosing:
            self._pending.append(Pending(fault, 1 if moved else fault.times))

    def heal(self) -> None:
        """Remove all faults; requests that are being answered keep theirs."""
        with self._choosing:
            self._pending.clear()

    def claims(self, asked: Asked, method: str) -> Callable[[str], int | None]:
        """Return a function that gives the false size of a file, for one request; None if true."""
        spent: list[Pending] = []

        def claimed(file: str) -> int | None:
            with self._choosing:
                for pending in self._pending:
                    fault, known = pending.fault, any(pending is one for one in spent)
                    if fault.claim_size is None or not (known or pending.left != 0):
                        continue
                    if fault.concerns(asked, method, file):
                        if not known:
                            pending.spend()
                            spent.append(pending)
                        return fault.claim_size
            return None

        return claimed

    def choose(self, asked: Asked, method: str, answer: Answer, span: Span | None) -> Fault | None:
        """Return the first fault that changes an answer, and count it."""
        with self._choosing:
            for pending in self._pending:
                fault = pending.fault
                if pending.left == 0 or not fault.concerns(asked, method):
                    continue
                if self._has_effect(fault, asked, method, answer, span):
                    pending.spend()
                    return fault
        return None

    def _has_effect(
        self, fault: Fault, asked: Asked, method: str, answer: Answer, span: Span | None
    ) -> bool:
        if fault.claim_size is not None:
            return False  # it was applied while the answer was made
        if fault.etag is not None:
            return not {"ETag", "X-Linked-Etag"}.isdisjoint(answer.headers)
        if fault.move_main_to is not None:
            return asked.repo in self._repositories.with_commit(fault.move_main_to)
        if fault.status or fault.redirect_loop or fault.before_headers_seconds is not None:
            return True
        if answer.status != 200 or method == "HEAD":
            return False  # the others change a body
        sent = span or Span(0, answer.content.size)
        for place in (fault.cut_after, fault.end_after, fault.stall_after):
            if place is not None:
                return place < sent.size
        if fault.corrupt_at is not None:
            return sent.start <= fault.corrupt_at < sent.end
        if fault.truncate_to is not None:
            return fault.truncate_to < answer.content.size
        return span is not None if fault.ignore_range else True

    def spoil(self, fault: Fault, asked: Asked, target: str, answer: Answer) -> Answer:
        """Return the answer as a fault changes it; the pace of the body is changed elsewhere."""
        if fault.move_main_to is not None:
            self._repositories.name(asked.repo, "main", fault.move_main_to, tag=False)
        if fault.status is not None:
            spoilt = error(fault.status, f"a fault of the tests: {fault.status}")
            return replace(spoilt, headers=spoilt.headers | fault.headers)
        if fault.redirect_loop:
            return redirect(target)
        if fault.etag is not None:
            names = {"ETag", "X-Linked-Etag"} & answer.headers.keys()
            return replace(answer, headers=answer.headers | dict.fromkeys(names, f'"{fault.etag}"'))
        content = answer.content
        if fault.corrupt_at is not None:
            return replace(answer, content=replace(content, flipped=fault.corrupt_at))
        if fault.truncate_to is not None:
            return replace(answer, content=replace(content, size=fault.truncate_to))
        return answer
