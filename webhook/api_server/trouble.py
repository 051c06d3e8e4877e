"""What keeps the controller from an object, told to whoever must mend it."""

from typing import Final

from webhook.api_server.controller_client import Answer

_TEST_FAILED: Final = "the server rejected our request due to an error in our request"
"""The message of the 422 for a patch one of whose operations failed, such as a test.

apiserver pkg/endpoints/handlers/patch.go, apimachinery NewGenericServerResponse. Another 422 names
what is wrong with the object, and comes again.
"""


class Trouble(Exception):
    """An object that can't be read or written; its text names it and says why."""


class Conflict(Exception):
    """Somebody else wrote it since it was read: read again."""


def expect(answer: Answer, doing: str, *codes: int) -> Answer:
    """Return *answer* if its code is one of *codes*; Conflict or Trouble if not."""
    if answer.code in codes:
        return answer
    if answer.code == 409 or (answer.code == 422 and answer.message == _TEST_FAILED):
        raise Conflict(f"{doing}: {answer.why()}")
    raise Trouble(f"can't {doing}: {answer.why()}")
