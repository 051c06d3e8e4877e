"""The names of everything that we add to a pod. By them, a later review finds it again."""

import re
from typing import Final

from webhook import __version__

PREFIX: Final = "modelcache-"
MODEL_VOLUME: Final = "modelcache-model"
"""The volume of the first model; -2, -3 … follow for others, the same ones in each review."""
SHM_VOLUME: Final = "modelcache-shm"
STORE_VOLUME: Final = "modelcache-store"
"""The volume that the loader copies from; -2 … follow if each model has its own."""
NO_TOKEN_VOLUME: Final = "modelcache-no-token"  # noqa: S105  # a name
"""The empty volume that our init containers mount where they would get a token."""
LOADER: Final = "modelcache-loader"
GATE: Final = "modelcache-verify"
COMMAND: Final = "modelcache"
"""The first word of the command of our containers."""
SHM_PATH: Final = "/dev/shm"  # noqa: S108  # the place is defined by POSIX
PATH_VARIABLE: Final = "MODELCACHE_PATH"
FILE_VARIABLE: Final = "MODELCACHE_FILE"
LOADER_SOURCE: Final = "loader.modelcache.io/source"
"""The annotation of Jobs and DaemonSets that load: the source of the model. If it began with
modelcache.io/, the webhook would read it as a request of the pod."""
LOAD: Final = "load"
"""The name of the container that runs `modelcache load`."""
_NUMBER: Final = "(-([2-9]|[1-9][0-9]+))?"
"""What numbered() appends: nothing for the first, and never -1."""
_MODEL_VOLUME: Final = re.compile(MODEL_VOLUME + _NUMBER)
_STORE_VOLUME: Final = re.compile(STORE_VOLUME + _NUMBER)


def is_model_volume(name: str) -> bool:
    """Whether *name* is one of our names for a volume with a model."""
    return _MODEL_VOLUME.fullmatch(name) is not None


def is_store_volume(name: str) -> bool:
    """Whether *name* is one of our names for a volume that a loader copies from."""
    return _STORE_VOLUME.fullmatch(name) is not None


def numbered(name: str, index: int) -> str:
    """Return *name* for the first, name-2 for the second, and so on."""
    return name if index == 0 else f"{name}-{index + 1}"


def path_variable(index: int) -> str:
    """Return the variable with the path of a model: MODELCACHE_PATH, MODELCACHE_PATH_2."""
    return PATH_VARIABLE if index == 0 else f"{PATH_VARIABLE}_{index + 1}"


def file_variable(index: int) -> str:
    """Return the variable with the path of a model's file: MODELCACHE_FILE, MODELCACHE_FILE_2."""
    return FILE_VARIABLE if index == 0 else f"{FILE_VARIABLE}_{index + 1}"


DEFAULT_LOADER_IMAGE: Final = f"modelcache/modelcache-webhook:{__version__}"
