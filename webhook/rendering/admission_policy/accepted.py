"""Declare which annotations the policies read, and which of their values."""

import re
from dataclasses import dataclass
from typing import Final

from webhook.admission.containers.server import Server
from webhook.admission.containers.servers import OTHER, SERVERS
from webhook.models.source import QUANTISATION, REPOSITORY, REVISION
from webhook.values.paths import SEGMENT, SYSTEM
from webhook.values.readers import IMAGE, OBJECT_NAME

_LABEL: Final = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_DOTS: Final = ("/./", "/../")


@dataclass(frozen=True, slots=True)
class Accepted:
    """An annotation, and the values with which the policies do what the webhook does."""

    name: str
    pattern: str
    """A regular expression (RE2) for the whole value."""
    values: str
    """The values, for people."""
    without: tuple[str, ...] = ()
    """What "/VALUE/" must not contain."""

    @property
    def words(self) -> str:
        """The values in a message."""
        return self.values.replace("`", "")


def sets_variables(server: Server) -> bool:
    """Whether the webhook gives *server* variables of its own."""
    return bool(server.env or server.served_name_variable)


def is_particular(server: Server) -> bool:
    """Whether *server* reads only a format of its own, or none of the models that it is given."""
    return bool(server.own_format or server.unserved)


_SERVERS: Final = (
    OTHER,
    *(s.key for s in SERVERS if not sets_variables(s) and not is_particular(s)),
)

ACCEPTED: Final = (
    Accepted(
        "model",
        "[^,]+",
        "one model: `org/name[:quantisation][@revision]`, or a CachedModel of `--policy`",
    ),
    Accepted("strategy", "auto|pvc|hostPath|image", "`auto`, `pvc`, `hostPath`, `image`"),
    Accepted("claim", OBJECT_NAME.pattern, "the name of a claim", ("..",)),
    Accepted("image", IMAGE.pattern.removesuffix("?"), "an image with `@sha256:…`"),
    Accepted(
        "directory",
        f"{SEGMENT.pattern}(/{SEGMENT.pattern})*",
        "a relative path, without a slash at its end",
        (*_DOTS, "/snapshots/"),
    ),
    Accepted(
        "mount-path",
        f"(/{SEGMENT.pattern})+",
        "an absolute directory, without a slash at its end",
        (*_DOTS, *(f"/{system}/" for system in SYSTEM)),
    ),
    Accepted("layout", "auto|directory", "`auto`, `directory`"),
    Accepted("containers", rf"{_LABEL}(\s*,\s*{_LABEL})*", "names of containers of the pod"),
    Accepted("read-only", "true", "`true`"),
    Accepted("shm-size", "[0-9].*", "a whole number of bytes, such as `2Gi`, or `0`"),
    Accepted("memory", "add|none", "`add`, `none`"),
    Accepted("verify", "false", "`false`"),
    Accepted("rewrite-args", "false", "`false`"),
    Accepted("placement", "preferred|none", "`preferred`, `none`"),
    Accepted(
        "server",
        "|".join(map(re.escape, _SERVERS)),
        "`other`, or a server that needs only the path",
    ),
    Accepted("inject", "true|false", "`true`, `false`"),
    Accepted("injected", "(?s:.*)", "what the policies write"),
    Accepted("copied-keys", "(?s:.*)", "what the webhook writes"),
)
"""The digest of `image` is at the end of its pattern, which may be left out there."""
HUB_MODEL: Final = f"(hf://)?{REPOSITORY.pattern}(:{QUANTISATION.pattern})?(@{REVISION.pattern})?"
"""A model of the hub, as RE2."""
