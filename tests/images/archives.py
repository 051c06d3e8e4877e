"""List the images of the tests: archives.BUSYBOX.path() is a file for `ctr images import`."""

from typing import Final

from tests.images.base import BASE
from tests.images.busybox import BUSYBOX
from tests.images.inference import HUB_SERVER, INFERENCE_SERVER
from tests.images.product import MODELCACHE

__all__ = ["ALL", "BASE", "BUSYBOX", "HUB_SERVER", "INFERENCE_SERVER", "MODELCACHE"]
ALL: Final = (BASE, BUSYBOX, INFERENCE_SERVER, HUB_SERVER, MODELCACHE)
