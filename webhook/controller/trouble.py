"""What keeps the controller from an object, told to whoever must mend it."""

from webhook.controller.api_server import Answer


class Trouble(Exception):
    """An object that can't be read or written; its text names it and says why."""


class Conflict(Exception):
    """Somebody else wrote it since it was read: read again."""


def expect(answer: Answer, doing: str, *codes: int) -> Answer:
    """Return *answer* if its code is one of *codes*; Conflict or Trouble if not."""
    if answer.code in codes:
        return answer
    if answer.code in (409, 422):  # 422: a test operation of the patch failed
        raise Conflict(f"{doing}: {answer.why()}")
    raise Trouble(f"can't {doing}: {answer.why()}")
