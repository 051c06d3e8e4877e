"""Build the product's image a second time from nothing, to compare it with the first.

That takes a minute, so it is done only when the Dockerfile, a lock file, the base or what pip reads of
pyproject.toml changes. A changed module of the product goes through the same commands.
"""

import hashlib
import json
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

from tests.images.archive import Image
from tests.images.base import BASE
from tests.images.build import build
from tests.images.product import MODELCACHE
from tests.images.recipe import ROOT, contents, images, say
from tests.kubernetes import binaries

LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-sbom.lock")
DECIDE = ("Dockerfile", *LOCKS)


def digests() -> tuple[str, str]:
    """Return the digests of the layers of both builds, as one text each."""
    hashed = hashlib.sha256(BASE.digest().encode())
    for part in contents(*DECIDE, "tests/images/build.py"):
        hashed.update(part)
    hashed.update(json.dumps(_read_by_pip(), sort_keys=True).encode())
    folder = images() / "again"
    kept = folder / hashed.hexdigest()[:16]
    with binaries.locked(folder / ".lock"):
        if not kept.exists():
            first = Image.read(MODELCACHE.path())
            say("building image modelcache from nothing, to see that it is the same …")
            began = time.monotonic()
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                parts = Path(scratch)
                second = build(parts, "Dockerfile", BASE.path(), store=parts / "store")
            say(f"built image modelcache from nothing in {time.monotonic() - began:.0f} s")
            kept.write_text(f"{_layers(first)}\n{_layers(second)}\n")
    one, two = kept.read_text().splitlines()
    return one, two


def _read_by_pip() -> dict[str, Any]:
    """Return the tables of pyproject.toml that decide what is built: the others are for tools."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())
    hatch = tables["tool"]["hatch"]
    return {"project": tables["project"], "build-system": tables["build-system"], "hatch": hatch}


def _layers(image: Image) -> str:
    return " ".join((image.digest, *(layer.digest for layer in image.layers)))
