"""Choose the variables that a container gets. One that the author set is left alone."""

from collections.abc import Iterator, Sequence

from webhook.admission.containers.arguments import served_name_variable
from webhook.admission.containers.readings import Outcome, Readings
from webhook.admission.containers.server import FILE, PATH
from webhook.objects import names
from webhook.objects.json import Json


def path_variables(readings: Readings, paths: Sequence[str]) -> Iterator[Json]:
    """Yield the variables with the paths of the models, and of their files, which it lacks.

    They come first: a variable may refer to those in front of it with $(NAME), and to no other.
    """
    for i, (path, reading) in enumerate(zip(paths, readings.models, strict=False)):
        wanted = {names.path_variable(i): path}
        if reading.model.file:
            wanted[names.file_variable(i)] = f"{path}/{reading.model.file}"
        yield from _lacking(readings, wanted)


def other_variables(readings: Readings, paths: Sequence[str]) -> Iterator[Json]:
    """Yield the other variables, which the container lacks. *paths*: empty without directories."""
    wanted: dict[str, str] = {}
    if paths:
        file = f"{paths[0]}/{readings.models[0].model.file}"
        wanted |= {
            name: value.replace(PATH, paths[0]).replace(FILE, file)
            for name, value in readings.server.env.items()
            if not {PATH, FILE} & {value} or readings.models[0].by_variable
        }
        wanted |= served_name_variable(readings)
    cached = any(reading.outcome is Outcome.CACHE for reading in readings.models)
    if cached or not paths:
        wanted |= readings.roots.variables
    if cached:
        wanted |= readings.offline
    yield from _lacking(readings, wanted)


def _lacking(readings: Readings, wanted: dict[str, str]) -> Iterator[Json]:
    texts = readings.texts
    for name, value in wanted.items():
        if name not in texts.values and name not in texts.hidden:
            yield {"name": name, "value": value}
