"""Replace the hub name of a model by its path, wherever a container names it.

The name in the API stays the same: the argument or the variable that sets it is added, if the
server has one and the author has not set it.
"""

from collections.abc import Iterator, Mapping, Sequence

from webhook.admission.containers.mentions import Mention
from webhook.admission.containers.readings import Outcome, Reading, Readings, place_of
from webhook.admission.containers.server import normal
from webhook.admission.containers.texts import Text, spoken
from webhook.objects.json import Json
from webhook.objects.json_patch import add, replace


def rewritten(pointer: str, readings: Readings, paths: Sequence[str]) -> Iterator[Json]:
    """Yield the operations on the container at *pointer*: model i is at paths[i].

    The argument changes too, if the server takes a path by another one.
    """
    path_flag = readings.server.path_flag
    changes: dict[tuple[str, int], list[tuple[int, int, str]]] = {}
    texts: dict[tuple[str, int], Text] = {}
    for reading, path in zip(readings.models, paths, strict=True):
        if reading.outcome is Outcome.REWRITTEN:
            for mention in reading.mentions:
                key = (mention.text.field, mention.text.index)
                texts[key] = mention.text
                place = place_of(mention, reading.model, path, readings.server)
                changes.setdefault(key, []).append((*(mention.span or (0, 0)), place))
                if path_flag and (flag := mention.flag_text) and flag.text != path_flag:
                    yield replace(f"{pointer}/{flag.field}/{flag.index}", path_flag)
    main, word = _served_name(readings)
    for (field, index), spans in changes.items():
        text = texts[field, index]
        raw = text.raw
        for start, end, path in sorted(spans, reverse=True):
            after = raw[end:]
            if main and text is main.text and main.by_shell and (start, end) == main.span:
                closing = after[:1] if after[:1] in ("'", '"') else ""
                after = f"{closing} {word}{after[len(closing) :]}"
            raw = raw[:start] + path + after
        value = "/value" if field == "env" else ""
        yield replace(f"{pointer}/{field}/{index}{value}", raw)
    if main and not main.by_shell:
        yield add(f"{pointer}/{main.text.field}/{main.text.index + 1}", word)


def served_name_variable(readings: Readings) -> Mapping[str, str]:
    """Return the variable that keeps the name of the first model, if the server has one."""
    variable = readings.server.served_name_variable
    if not variable or readings.sets_served_name:
        return {}
    if separator := readings.server.name_separator:
        names = _served_names(readings)
        return {variable: separator.join(names)} if names else {}
    if not _main(readings):
        return {}
    if sum(len(_mains(readings, reading)) for reading in readings.models) > 1:
        return {}  # it would name all of them alike
    return {variable: readings.models[0].model.name}


def _served_names(readings: Readings) -> list[str]:
    """Return a name for each model that the server is given, in order.

    None at all if it is not known which models these are, or if no path replaces a name.
    """
    replaced = [r for r in readings.models if r.outcome is Outcome.REWRITTEN]
    if not any(_mains(readings, reading) for reading in replaced):
        return []
    hub_names = {reading.model.name for reading in replaced}
    found = []
    for value in _given(readings):
        if "$" in value or readings.server.name_separator in value:
            return []
        # Without a name of its own, a model has the last two parts of what names it.
        found.append(value if value in hub_names else "/".join(value.split("/")[-2:]))
    return found if len(set(found)) == len(found) else []


def _given(readings: Readings) -> Iterator[str]:
    """Yield the values by which a server is given its models: its arguments, else its variable."""
    server, values = readings.server, readings.texts.values
    flag, by_argument = "", False
    for word, _ in spoken(readings.texts.words, readings.texts.shell):
        name, equals, value = word.partition("=")
        if (word.startswith("-") and equals) or flag:
            if normal(flag or name) in server.loads:
                by_argument = True
                yield word if flag else value
            flag = ""
        elif word.startswith("-"):
            flag = word if normal(word) in server.loads else ""
    if not by_argument:
        line = next((values[name] for name in server.model_flags if name in values), "")
        yield from line.removesuffix(server.name_separator).split(server.name_separator)


def _served_name(readings: Readings) -> tuple[Mention | None, str]:
    """Return behind which mention the argument with the name is added, and that argument."""
    flags, main = readings.server.served_name_flags, _main(readings)
    kept = readings.server.path_as_name != "whole" or readings.server.served_name_variable
    if not main or not flags or kept or readings.sets_served_name:
        return None, ""
    if main.text.field == "env" and not main.by_shell:
        return None, ""
    name = readings.models[0].model.name
    if main.span and main.text.raw[slice(*main.span)] == f"{name}/":
        name += "/"  # a URI, as clients know it
    # As one word: such an argument may take several, and would take those behind it too.
    return main, f"{flags[0]}={name}"


def _main(readings: Readings) -> Mention | None:
    """Return the mention by which the server serves the first model, if that is rewritten.

    Its name may mean another revision of it.
    """
    name = readings.models[0].model.name
    for reading in readings.models:
        if reading.outcome is Outcome.REWRITTEN and reading.model.name == name:
            return next(iter(_mains(readings, reading)), None)
    return None


def _mains(readings: Readings, reading: Reading) -> list[Mention]:
    """Return the mentions of a model by which the server serves it."""
    flags = {"", *map(normal, readings.server.model_flags)}
    return [m for m in reading.mentions if normal(m.flag) in flags]
