"""CATALOGUE of forms: what each reader of text accepts, as CEL with a message.

A reader decides in Python, and the API server decides by these rules. tests/cluster compares
them. What they leave out, the reader refuses: an amount above its limit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from webhook.custom_resources.schema import VALIDATIONS, matches, must
from webhook.models import source
from webhook.models.schemes import HF, REMOTE
from webhook.objects.json import Json
from webhook.values import paths, readers
from webhook.values.quantity import NOT_NEGATIVE, POSITIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a text must look like."""

    longest: int
    """Characters."""
    holds: Callable[[str], str]
    """CEL of a text → CEL that holds of it."""
    message: str

    def schema(self) -> Json:
        """Return what is to be added to the schema of the field."""
        return {
            "type": "string",
            "maxLength": self.longest,
            VALIDATIONS: [must(self.holds("self"), self.message)],
        }


def form(read: Callable[[str], object]) -> Json:
    """Return the schema of what *read* accepts. Raises KeyError if the table lacks it."""
    if isinstance(read, readers.OneOf):
        return {"type": "string", "enum": [*read.words]}
    if isinstance(read, readers.Listed):
        return _LISTS[read.of].schema()
    if read is readers.boolean:
        return {"type": "string", "enum": ["true", "false"]}
    return FORMS[read].schema()


_LONGEST_AMOUNT: Final = 32


def _whole(pattern: str) -> str:
    return f"^(?:{pattern})$"


def _object_name(text: str) -> str:
    return f"{matches(_whole(readers.OBJECT_NAME.pattern), text)} && !{text}.contains('..')"


def _object_names(text: str) -> str:
    # One pattern for all: each name by itself would cost more than an API server grants.
    name = readers.OBJECT_NAME.pattern
    return f"{matches(f'^ *{name} *(?:, *{name} *)*$', text)} && !{text}.contains('..')"


def _no_dots(text: str) -> str:
    return f"!{text}.split('/').exists(segment, segment in ['.', '..'])"


def _absolute_path(text: str) -> str:
    segment = paths.SEGMENT.pattern
    system = "|".join(path.removeprefix("/") for path in paths.SYSTEM)
    return (
        f"{matches(f'^(?:/+{segment})+/*$', text)} && {_no_dots(text)} && "
        f"!{matches(f'^/+(?:{system})(?:/|$)', text)}"
    )


def _relative_path(text: str) -> str:
    segment = paths.SEGMENT.pattern
    return f"{matches(f'^{segment}(?:/{segment})*/*$', text)} && {_no_dots(text)}"


def _image(text: str) -> str:
    return f"{matches(_whole(readers.IMAGE.pattern), text)} && {text}.contains('@')"


def _user_id(text: str) -> str:
    return f"{matches('^[1-9][0-9]{0,9}$', text)} && int({text}) <= {readers.MOST_USERS}"


def _source(text: str) -> str:
    """Return CEL: whether *text* is a source (parse_source)."""
    name, revision = source.REPOSITORY.pattern, source.REVISION.pattern
    tag, before = source.QUANTISATION.pattern, f"(?:{HF.name}://|{source.PAGE})?"
    hub = (
        f"{matches(f'^{before}{name}(?::{tag})?(?:@{revision})?$', text)} && "
        f"!{text}.split('@')[0].contains('--')"
    )
    location = source.LOCATION.pattern
    rows = [hub]
    for scheme in REMOTE.values():
        if scheme is HF:
            continue
        path = scheme.path.pattern if scheme.path else location
        path = path.replace("@", "") if scheme.digests else path
        digest = "(?:@sha256:[0-9a-f]{64})?" if scheme.digests else ""
        row = matches(f"^{scheme.name}://{path}{digest}$", text)
        if scheme.location:
            row += f" && {matches(f'^{scheme.name}://{scheme.location.pattern}$', text)}"
        rows.append(row)
    return f"!{text}.contains('..') && ({' || '.join(rows)})"


_NAME: Final = Form(longest=253, holds=_object_name, message="must be a name such as model-store")
_LISTS: Final[Mapping[Callable[[str], object], Form]] = {
    readers.object_name: Form(
        longest=1024,
        holds=_object_names,
        message="must be names such as model-store, with commas between them",
    ),
}
"""What lists of such texts accept, by the reader of one part."""
FORMS: Final[Mapping[Callable[[str], object], Form]] = {
    readers.object_name: _NAME,
    readers.claim_name: _NAME,
    readers.digest_reference: Form(
        longest=512,
        holds=_image,
        message="must be an image by digest, such as example.com/model@sha256:… with 64 digits",
    ),
    readers.amount: Form(
        longest=_LONGEST_AMOUNT,
        holds=lambda text: matches(NOT_NEGATIVE, text),
        message="must be a quantity such as 512Mi or 16Gi",
    ),
    readers.size: Form(
        longest=_LONGEST_AMOUNT,
        holds=lambda text: matches(POSITIVE, text),
        message="must be a quantity above 0, such as 512Mi or 16Gi",
    ),
    readers.user_id: Form(
        longest=10, holds=_user_id, message=f"must be a user ID from 1 to {readers.MOST_USERS}"
    ),
    paths.absolute_path: Form(
        longest=paths.LONGEST_PATH,
        holds=_absolute_path,
        message="must be an absolute directory such as /models, without . and .., and not below "
        + ", ".join(paths.SYSTEM),
    ),
    paths.relative_path: Form(
        longest=paths.LONGEST_PATH,
        holds=_relative_path,
        message="must be a relative path such as org/llama-3.1-8b, without . and ..",
    ),
    source.parse_source: Form(
        longest=512,
        holds=_source,
        message="must be org/name[:quantisation][@revision], or a URI "
        f"({', '.join(REMOTE)}) of only host and path: no user, password or query",
    ),
}
