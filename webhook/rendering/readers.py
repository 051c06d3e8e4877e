"""Read the values of options: one function for each kind; ValueError says what to write."""

import re
from typing import Final
from urllib.parse import urlsplit

from webhook.models.model_document import SecretKey
from webhook.values import duration
from webhook.values.readers import object_name
from webhook.values.text import quoted

_LABEL_NAME: Final = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?", re.ASCII)
_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
KEY: Final = re.compile(r"[\w.-]{1,253}", re.ASCII)
"""The form of a key of a Secret or a ConfigMap."""
VARIABLE: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
"""The form of the name of a variable."""
_SCHEDULE: Final = re.compile(r"@[a-z]+|[\w*/,?-]+(?: [\w*/,?-]+){4}", re.ASCII)
_LONGEST: Final = 30 * 86400


def namespace(text: str) -> str:
    """Read the name of a namespace (DNS label)."""
    if not _NAMESPACE.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a namespace such as ai-inference")
    return text


def secret(text: str) -> SecretKey:
    """Read NAME or NAME/KEY of a Secret."""
    name, slash, key = text.partition("/")
    if slash and not KEY.fullmatch(key):
        raise ValueError(f"{quoted(text)} must be NAME or NAME/KEY, such as hf-credentials/token")
    return SecretKey(object_name(name), key) if slash else SecretKey(object_name(name))


def is_label_value(text: str) -> bool:
    """Whether *text* can be the value of a label."""
    return bool(_LABEL_NAME.fullmatch(text))


def label(text: str) -> tuple[str, str]:
    """Read KEY=VALUE of a node's label."""
    key, equals, value = text.partition("=")
    prefix, slash, name = key.rpartition("/")
    right = _LABEL_NAME.fullmatch(name) and (not value or is_label_value(value))
    if not equals or not right:
        raise ValueError(
            f"{quoted(text)} is not a label KEY=VALUE such as nvidia.com/gpu.present=true"
        )
    if slash:
        object_name(prefix)
    return key, value


def variable(text: str) -> tuple[str, str]:
    """Read NAME=VALUE; refuse a secret, because anyone who can read the pod can read it."""
    name, equals, value = text.partition("=")
    if not equals or not VARIABLE.fullmatch(name):
        raise ValueError("must be NAME=VALUE, such as HTTPS_PROXY=http://proxy.example:3128")
    if "TOKEN" in name.upper():
        raise ValueError(f"{name} can be seen in the pod: give the token with --token-secret")
    if "@" in urlsplit(value).netloc:
        raise ValueError(f"{name} holds a user or a password, which can be seen in the pod")
    return name, value


def seconds(text: str) -> int:
    """Read a duration of a second or more, at most thirty days; return whole seconds."""
    found = int(duration.seconds(text))
    if not 1 <= found <= _LONGEST:
        raise ValueError(f"{quoted(text)} must be from 1s to {_LONGEST // 3600}h")
    return found


def age(text: str) -> str:
    """Read an age of a second or more, and return it as it is; ValueError."""
    if duration.age(text) < 1:
        raise ValueError(f"{quoted(text)} must be 1s or more, such as 30d")
    return text


def schedule(text: str) -> str:
    """Read five fields of cron, or a name such as @daily; the API server judges their values."""
    if not _SCHEDULE.fullmatch(text):
        raise ValueError(f'{quoted(text)} is not a schedule of cron such as "17 3 * * *"')
    return text


def stagger(text: str) -> int:
    """Read a duration, 0s included; return whole seconds."""
    return 0 if duration.seconds(text) == 0 else seconds(text)
