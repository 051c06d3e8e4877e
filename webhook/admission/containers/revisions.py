"""Read which revision of a model a server is asked for, if the store has another."""

from collections.abc import Sequence
from typing import Final

from webhook.admission.containers.mentions import Mention, document_of
from webhook.admission.containers.server import Server, normal
from webhook.admission.containers.texts import Texts
from webhook.admission.request.model import Model
from webhook.models.layout import DEFAULT_REVISION
from webhook.values.text import quoted


def asked_revision(texts: Texts, server: Server) -> str:
    """Return the revision that the server is given for the model that it serves; empty if none."""
    given = (texts.options.get(name) or texts.values.get(name) for name in server.revisions)
    return next(filter(None, given), "")


def other_revision(
    texts: Texts, server: Server, model: Model, found: Sequence[Mention], index: int
) -> tuple[str, str] | None:
    """Return that the server asks for a revision which the store has not, and what to write.

    *found*: where *model* is named; *index*: its place in the annotation.
    """
    if not server.name or not model.source.repository:
        return None
    there = ("", DEFAULT_REVISION, model.source.revision or DEFAULT_REVISION)
    if not index:
        for name in server.revisions:
            asked = texts.options.get(name) or texts.values.get(name, "")
            if asked and asked not in there:
                remedy = f"modelcache.io/model: {model.name}@REVISION, or no revision"
                return _said(asked, ""), remedy
    for flag in server.more_revisions:
        asked = texts.options.get(flag, "")
        if asked not in there and _is_of(flag, texts, server, found, index):
            return _said(asked, flag), f"{_SAME}, or no {flag}"
    for mention in found:
        if '"revision"' in mention.text.text and (asked := _in_json(mention, model)) not in there:
            return _said(asked, "its JSON"), f"{_SAME}, or no revision in {mention.text.place}"
    return None


_SAME: Final = "the same revision in modelcache.io/model"


def _said(revision: str, by: str) -> str:
    """Return why the server will download the model, as the middle of a sentence."""
    source = f" by {by}" if by else ""
    # A variable whose value is not known.
    other = "which may be another than the annotation's"
    rest = other if "$" in revision else "and the annotation for another"
    return f"asks for revision {quoted(revision, 40)}{source}, {rest}"


def _is_of(flag: str, texts: Texts, server: Server, found: Sequence[Mention], index: int) -> bool:
    """Whether *flag* sets the revision of the model that *found* names.

    A tokenizer is that of the model which is served, unless an argument names another.
    """
    of = server.more_revisions[flag]
    named = {normal(mention.flag) for mention in found}
    return not named.isdisjoint(of) or (not index and texts.options.keys().isdisjoint(of))


def _in_json(mention: Mention, model: Model) -> str:
    """Return the revision of *model* in the JSON that names it; empty if it has none there."""
    text = mention.text.text
    document = document_of(text[max(text.find("{"), 0) :])
    if not isinstance(document, dict) or document.get("model") != model.name:
        return ""
    return str(document.get("revision") or "")
