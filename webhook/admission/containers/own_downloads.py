"""Warn about a command of the author's that downloads a model, before or after a server starts.

If a postStart hook fails, the kubelet kills the container (container-lifecycle-hooks of the
Kubernetes documentation). `ollama pull` fails on a read-only store even if the model is there,
since it writes the manifest again (ollama 0.33.0).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from webhook.admission import codes
from webhook.admission.containers.shell import commands, said
from webhook.admission.containers.texts import program_of, texts_of
from webhook.admission.problem import Problem
from webhook.admission.request.model import Model
from webhook.objects import names
from webhook.objects.container import Container
from webhook.objects.pod import PodSpec
from webhook.values.text import quoted

DOWNLOADS: Final = (
    "ollama pull", "ollama run", "ollama create", "hf download", "huggingface-cli download",
    "modelscope download", "local-ai models install", "xinference launch",
)  # fmt: skip
"""Words, one after the other, of commands that write models."""
_INITIALIZER: Final = re.compile(r"(?:.*/)?(storage-initializer)(?:[:@].*)?")
"""The image of the init container that KServe adds for a storageUri."""
_BY_PYTHON: Final = re.compile(r"(?<!\w)(?:snapshot_download|hf_hub_download)(?!\w)")


def post_start_remarks(containers: Sequence[Container], *, read_only: bool) -> Iterator[Problem]:
    """Yield a warning for each of *containers* whose postStart hook downloads a model."""
    for container in containers:
        words = container.post_start
        if not words or not (what := _download(words)):
            continue
        why = "the models are read-only here" if read_only else "the model is there already"
        yield Problem(
            codes.POST_START,
            f"container {container.name}",
            f"lifecycle.postStart runs {quoted(what)}, but {why}: remove it, since the kubelet "
            "kills a container whose postStart fails",
        )


def init_container_remarks(spec: PodSpec, models: Sequence[Model]) -> Iterator[Problem]:
    """Yield a warning for each init container of the author's that downloads one of *models*."""
    for container in spec.init_containers or ():
        if container.name in (names.LOADER, names.GATE):
            continue
        words = (*(container.command or ()), *(container.args or ()))
        storage = _INITIALIZER.fullmatch(container.image or "")
        if not (what := storage[1] if storage else _download(words)):
            continue
        texts = texts_of(container)
        mentioned = [text.text for text in (*texts.words, *texts.variables)]
        for model in models:
            if any(model.name in text for text in mentioned):
                yield Problem(
                    codes.INIT_DOWNLOADS,
                    f"init container {container.name}",
                    f"runs {quoted(what)}, so each pod still downloads {model.name}: remove it, "
                    "and let the server read the shared model",
                )


def _download(words: Sequence[str]) -> str:
    """Return the command among *words* that writes a model; empty if there is none."""
    program = program_of(words)
    for command in [words] if program is None else commands(words[program]):
        if known := said(command, DOWNLOADS):
            return known
        if any(_BY_PYTHON.search(word) for word in command):
            return "snapshot_download"
    return ""
