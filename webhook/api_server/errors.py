"""The errors of requests to the API server: one tree.

RequestFailed
    Unreachable      no answer came, or it broke off: connection, TLS, time
    Refused          an answer came, with a status of 400 or more, or an unexpected one
        Forbidden    403: our user lacks a right
        Missing      404: no such object, or no such kind of object
        Conflict     409, or a patch whose test failed: the object was written since it was read

An error has a class of its own if a caller can do something about it: ask for a right, create the
object, read it again. Any other is Refused. The text says what the API server said.

Forbidden comes from an authorizer. An admission plugin that forbids something answers 403 as well,
but no right would help: that is Refused.

Commands raise Unreachable for status 401, not Refused: if the API server does not accept our
credentials, it answers no other request either (client.Api).
"""


class RequestFailed(Exception):
    """A request got no answer, or a refusal; the text says why."""


class Unreachable(RequestFailed):
    """The API server gave no answer, or does not accept our credentials."""


class Refused(RequestFailed):
    """The API server said no."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        """The HTTP status."""


class Forbidden(Refused):
    """Our user lacks a right."""


class Missing(Refused):
    """There is no such object, or no such kind of object."""


class Conflict(Refused):
    """Somebody else wrote the object since it was read: read it again."""
