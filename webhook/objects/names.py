"""The names of what we put into a pod; a volume's name is the receipt of its injection."""

import re
from typing import Final

from webhook import __version__

PREFIX: Final = "modelcache-"
MODEL_VOLUME: Final = "modelcache-model"
"""Followed by -2, -3 … for further models; deterministic, so two rounds give the same."""
SHM_VOLUME: Final = "modelcache-shm"
STORE_VOLUME: Final = "modelcache-store"
"""What the loader copies from; followed by -2 … where each model has its own."""
LOADER: Final = "modelcache-loader"
GATE: Final = "modelcache-verify"
COMMAND: Final = "modelcache"
"""What our containers run: the first word of their command."""
SHM_PATH: Final = "/dev/shm"  # noqa: S108  # the place is POSIX's
PATH_VARIABLE: Final = "MODELCACHE_PATH"
LOADER_SOURCE: Final = "loader.modelcache.io/source"
"""An annotation of what loads: which model. Below modelcache.io/ itself, the webhook would read it
as a request of the pod."""
LOAD: Final = "load"
"""The container that runs `modelcache load`."""
_MODEL_VOLUME: Final = re.compile(rf"{MODEL_VOLUME}(-[1-9][0-9]*)?")


def is_model_volume(name: str) -> bool:
    """Whether *name* is one that we give a volume with a model."""
    return _MODEL_VOLUME.fullmatch(name) is not None


def numbered(name: str, index: int) -> str:
    """Return *name* for the first, name-2 for the second, and so on."""
    return name if index == 0 else f"{name}-{index + 1}"


DEFAULT_LOADER_IMAGE: Final = f"modelcache/modelcache-webhook:{__version__}"
