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
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.model import Model
from webhook.models.schemes import OLLAMA
from webhook.objects.container import Container
from webhook.objects.names import GATE, LOADER
from webhook.objects.pod import PodSpec
from webhook.objects.workload import Workload
from webhook.values.text import quoted

DOWNLOADS: Final = (
    "ollama pull", "ollama run", "ollama create", "hf download", "huggingface-cli download",
    "modelscope download", "aibrix_download", "aibrix download", "-m aibrix.downloader",
    "local-ai models install", "xinference launch",
)  # fmt: skip
"""Words, one after the other, of commands that write models."""
_INITIALIZER: Final = re.compile(r"(?:.*/)?(storage-initializer)(?:[:@].*)?")
"""The image of the init container that KServe adds for a storageUri."""
_BY_OLLAMA: Final = ("ollama pull", "ollama create")
"""Commands that fail on a read-only store, even if the model is there."""
_BY_URL: Final = ("git clone", "wget", "curl", "aria2c")
"""Programs that download a URL."""
_HUB_URL: Final = re.compile(r"https?://(?:huggingface\.co|hf\.co|hf-mirror\.com)/")
_OLLAMA_API: Final = re.compile(r"https?://[^/]+/api/pull/?")
"""The request that makes a server of Ollama download (ollama docs/api.md)."""
_EXACTLY: Final = r"(?<![\w.-]){}(?:\.git)?(?![\w.-])"
_MOUNTED: Final = ("pvc://", "oci://")
"""URIs that are mounted, and downloaded by no pod."""
_BY_PYTHON: Final = re.compile(r"(?<!\w)(?:snapshot_download|hf_hub_download)(?!\w)")


def remarks_of_commands(
    spec: PodSpec, readers: Sequence[Container], models: Sequence[Model], *, read_only: bool
) -> Iterator[Problem]:
    """Yield a warning for each command of the author's that downloads what is mounted already.

    *readers*: the containers that get the models; their postStart hooks count too.
    """
    why = "the models are read-only here" if read_only else "the model is there already"
    for container in readers:
        words = _words(container)
        if (hook := container.post_start) and (what := _download(hook)):
            says = (
                f"lifecycle.postStart runs {quoted(what)}, but {why}: remove it, since the kubelet "
                "kills a container whose postStart fails"
            )
            yield Problem(codes.POST_START, f"container {container.name}", says)
        elif "ollama" in " ".join(words) and (what := _download(words)) in _BY_OLLAMA:
            says = f"runs {quoted(what)}, but {why}: remove it"
            yield Problem(codes.POST_START, f"container {container.name}", says)
    if spec.init_containers:
        yield from _of_init_containers(spec.init_containers, models)


def _of_init_containers(
    containers: Sequence[Container], models: Sequence[Model]
) -> Iterator[Problem]:
    names = [name for model in models for name in _names_of(model)]
    for container in containers:
        if container.name in (LOADER, GATE):
            continue
        storage = _INITIALIZER.fullmatch(container.image or "")
        what = storage[1] if storage else _download(_words(container))
        if not what:
            continue
        texts = texts_of(container)
        mentioned = " ".join(text.text for text in (*texts.words, *texts.variables))
        if found := next((name for name, known in names if known.search(mentioned)), ""):
            yield Problem(
                codes.INIT_DOWNLOADS,
                f"init container {container.name}",
                f"runs {quoted(what)}, so each pod still downloads {found}: remove it, and let the "
                "server read the shared model",
            )


def controller_downloads(workload: Workload) -> Iterator[Problem]:
    """Yield a warning for each URI of an annotated model that the controller has pods download."""
    asked = ",".join(
        annotations.get(f"{PREFIX}model", "")
        for annotations in (
            workload.annotations,
            *(t.annotations or {} for t in workload.templates),
        )
    )
    for entry in dict.fromkeys(asked.split(",")):
        name = entry.strip().removeprefix("hf://").partition("@")[0]
        known = re.compile(_EXACTLY.format(re.escape(name))) if name else None
        for place, uri, remedy in workload.downloads:
            if known and known.search(uri) and not uri.startswith(_MOUNTED):
                yield Problem(
                    codes.INIT_DOWNLOADS,
                    place,
                    f"makes each pod download {name} before its server starts: {remedy}",
                )


def _words(container: Container) -> tuple[str, ...]:
    return (*(container.command or ()), *(container.args or ()))


def _names_of(model: Model) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield the name of *model*, with what finds one of its spellings and no longer name."""
    spellings = {model.name}
    if model.source.scheme == OLLAMA.name:
        spellings.add(model.name.partition("://")[2].removeprefix("library/"))
    for one in spellings:
        yield model.name, re.compile(_EXACTLY.format(re.escape(one)))


def _download(words: Sequence[str]) -> str:
    """Return the command among *words* that writes a model; empty if there is none."""
    program = program_of(words)
    for command in [words] if program is None else commands(words[program]):
        if command and command[0] in ("echo", "printf"):
            continue
        if known := said(command, DOWNLOADS):
            return known
        if any(_BY_PYTHON.search(word) for word in command):
            return "snapshot_download"
        known = said(command, _BY_URL)
        if known and any(_HUB_URL.match(word) or _OLLAMA_API.fullmatch(word) for word in command):
            return known
    return ""
