"""Compare copy with cp and rsync, load with hf download, verify with sha256sum."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.startup import page_cache
from benchmarks.store.contest import Contest, Contestant, program
from tests.hub.running import Hub

REPOSITORY = "bench/model"
MODELCACHE = program("modelcache")


def copies(model: Path, memory: Path, size: int) -> Iterator[Contest]:
    """Yield the contests that copy *model*, published with its manifest, to a tmpfs."""
    files = [path for path in model.iterdir() if path.is_file()]
    states: dict[str, Callable[..., None]] = {"warm": page_cache.warm, "cold": page_cache.drop}
    for cache, prepare in states.items():

        def before(prepare: Callable[..., None] = prepare) -> None:
            shutil.rmtree(memory / "copy", ignore_errors=True)
            (memory / "copy").mkdir()
            prepare(files)

        to = str(memory / "copy")
        commands = {
            "modelcache copy": [MODELCACHE, "copy", str(model), to],
            "cp -r": ["cp", "-r", f"{model}/.", to],
            "rsync -a": ["rsync", "-a", "--whole-file", f"{model}/", to],
        }
        yield Contest(
            title=f"copy to memory, {cache}",
            size=size,
            contestants=[
                Contestant(name=name, command=command, before=before)
                for name, command in commands.items()
                if shutil.which(command[0])
            ],
        )


def verified(model: Path, size: int) -> Contest:
    """Return the contest that reads *model* and compares its digests."""
    files = sorted(path for path in model.iterdir() if path.is_file())
    commands = {
        "modelcache verify --full": [MODELCACHE, "verify", "--full", str(model)],
        "sha256sum": ["sha256sum", *map(str, files)],
    }
    return Contest(
        title="compare digests, warm",
        size=size,
        contestants=[
            Contestant(name=name, command=command, before=lambda: page_cache.warm(files))
            for name, command in commands.items()
        ],
    )


def downloads(hub: Hub, folder: Path, size: int) -> Contest:
    """Return the contest that downloads REPOSITORY from *hub*, on loopback, to a disk."""
    folder.mkdir()

    def before() -> None:
        shutil.rmtree(folder)
        (folder / "store").mkdir(parents=True)

    env = {"HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "home"), "HF_HUB_DISABLE_XET": "1"}
    commands = {
        "modelcache load": [MODELCACHE, "load", REPOSITORY, str(folder / "store")],
        "hf download": [program("hf"), "download", REPOSITORY, "--local-dir", str(folder / "hf")],
    }
    return Contest(
        title="download to disk",
        size=size,
        contestants=[
            Contestant(name=name, command=command, env=env, before=before)
            for name, command in commands.items()
        ],
    )
