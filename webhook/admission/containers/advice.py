"""Say which words to write so that a server reads a model from its mount."""

from typing import Final

from webhook.admission.containers.mentions import Mention
from webhook.admission.containers.readings import Readings, reads_file
from webhook.admission.containers.references import is_own
from webhook.admission.containers.server import Server, normal
from webhook.objects import names

UNSEEN: Final = "where this review can't look"


def instead(mention: Mention, index: int, readings: Readings) -> str:
    """Return the words to write in place of a mention of model *index*."""
    server = readings.server
    path = place(index, readings, mention)
    if server.path_flag and normal(mention.flag) != normal(server.path_flag):
        if mention.text.field == "env":
            name = next((name for name in server.env if name in server.model_flags), "")
            return f"{name}={path} in place of {mention.flag}"
        return f"{given(server.path_flag, path, server)} in place of {mention.flag or 'that word'}"
    if mention.flag.startswith("--") and not mention.by_shell:
        return given(mention.flag, path, server)
    return f"{path} there"


def place(index: int, readings: Readings, mention: Mention | None = None) -> str:
    """Return the words for the place of a model: its path, or its file."""
    server, model = readings.server, readings.models[index].model
    file = reads_file(model, server, mention.flag if mention else "")
    variable = names.file_variable(index) if file else names.path_variable(index)
    # Before a shell runs, the kubelet replaces $(NAME).
    by_shell = mention is not None and mention.by_shell and not readings.start.cleared_by
    path = f"${variable}" if by_shell else f"$({variable})"
    whole = f"{readings.paths[index]}/{model.file}" if file else readings.paths[index]
    if is_own(variable, readings.texts) and readings.texts.values.get(variable) != whole:
        path = whole
    return f"{path}/FILE" if server.reads_file and not file else path


def given(flag: str, value: str, server: Server) -> str:
    """Return an argument with its value, as *server* takes it."""
    joined = server.joins_flags or not flag.startswith("-")
    return f"{flag}={value}" if joined else f"{flag} {value}"


def rewritable(readings: Readings) -> bool:
    """Whether rewrite-args would replace each name by which the server finds a model in a cache."""
    return not readings.server.needs_hub_name and all(
        reading.mentions
        and all(mention.span for mention in reading.mentions)
        and (not readings.server.reads_file or reading.model.file)
        for reading in readings.cached
    )
