"""Read the version of an API server."""

from webhook.objects.json import Json


def version_of(answer: Json) -> tuple[int, int] | None:
    """Return major and minor of the answer to /version; None if it says none.

    An emulated version decides what the server can do (KEP-4330).
    """
    try:
        major = answer.get("emulationMajor") or answer["major"]
        minor = answer.get("emulationMinor") or answer["minor"]
        return int(major), int(str(minor).rstrip("+"))  # clouds write "32+"
    except (KeyError, ValueError):
        return None
