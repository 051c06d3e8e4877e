"""The errors of requests to the API server: one tree.

RequestFailed
    Unreachable      no answer came, or it broke off: connection, TLS, time
    Refused          an answer came, with a status of 400 or more
        Forbidden    403: our user lacks a right
        Missing      404: no such object, or no such kind of object
        Conflict     409, or a patch whose test failed: the object was written since it was read

A class of its own has what a caller can do something about: ask for a right, create the object,
read it again. Everything else is Refused, and its text says what the API server said.

Forbidden is the answer of an authorizer. What an admission plugin forbids has status 403 too, but
no right would help: that is Refused.

A command gets Unreachable instead of Refused for status 401: if the API server does not know our
credentials, no other question has an answer either (client.Api).
"""


class RequestFailed(Exception):
    """A request did not get a good answer; the text says why."""


class Unreachable(RequestFailed):
    """The API server gave no answer, or does not know our credentials."""


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
