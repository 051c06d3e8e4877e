"""Owns the building of a Dockerfile as users do it, by buildah: layer by layer, each cached.

How pip reaches its index from here (pip.conf, an authority of its own) is lent to the
commands that the Dockerfile names, as secrets: no layer, history or environment keeps it.
"""

import ast
import configparser
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.images.archive import Image
from tests.images.recipe import ROOT, CannotBuildError, contents, images
from tests.kubernetes import binaries, packages

FULL: Final = 3 * 10**9
"""Bytes at which the store begins anew: a cold build leaves 0.4 GB, a changed module 5 MB."""
CERTIFICATES: Final = "/run/certificates.pem"
"""Where the Dockerfile mounts them."""


def sources(dockerfile: str) -> Iterator[bytes]:
    """Yield all that a Dockerfile of the checkout copies from there, and itself."""
    text = (ROOT / dockerfile).read_text()
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE)
    files = [file for line in copied for file in line.split()]
    yield from contents(dockerfile, ".dockerignore", "tests/images/build.py", *files)


def build(folder: Path, dockerfile: str, base: Path, *, store: Path | None = None) -> Image:
    """Return what *dockerfile* makes of the archive *base*; its layers are in *folder*.

    Without a *store* of its own it begins with the layers of earlier builds.
    """
    archive = folder / "built.tar"
    place = store or images() / "buildah"
    with binaries.locked(place.with_name(f".{place.name}.lock")):
        buildah = Buildah(place, folder / "state")
        below = buildah.run("pull", "--quiet", f"oci-archive:{base}")
        buildah.run(
            "build", "--layers", "--force-rm", "--timestamp=0", "--identity-label=false",
            "--pull-never", "--network=host", *secrets(folder), f"--build-arg=BASE={below}",
            "--tag=built", f"--file={ROOT / dockerfile}", str(ROOT),
        )  # fmt: skip
        # Other formats would be compressed, which takes longer than all the rest.
        buildah.run("push", "--quiet", "built", f"docker-archive:{archive}:built:1")
    return Image.read_docker(archive)


class Buildah:
    """Buildah, with a folder where it keeps images and what each instruction yielded."""

    def __init__(self, store: Path, state: Path) -> None:
        # What it mounts goes with it, also if it is killed.
        self.words = ["unshare", "--mount", "--propagation=private", "buildah"]
        self.words += [f"--root={store}", f"--runroot={state}"]
        # The latter works anywhere, but copies all layers below: the store is soon full then.
        drivers = ("overlay", "vfs")
        self.words.append(f"--storage-driver={next(filter(self._works, drivers))}")
        if _size(store) > FULL:
            shutil.rmtree(store)

    def _works(self, driver: str) -> bool:
        return not self._run(f"--storage-driver={driver}", "info").returncode

    def run(self, *words: str) -> str:
        """Run a command of buildah; return what it prints."""
        done = self._run(*words)
        if done.returncode:
            raise CannotBuildError(f"buildah {words[0]} failed:\n{done.stderr[-4000:]}")
        return done.stdout.strip()

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.words, *words],
            env={**os.environ, "BUILDAH_ISOLATION": "chroot", "PATH": packages.PATH},
            capture_output=True,
            text=True,
            check=False,
        )


def _size(folder: Path) -> int:
    """Return the bytes of all files at or below *folder*."""
    paths = (Path(root, name) for root, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_size for path in paths)


def secrets(folder: Path) -> Iterator[str]:
    """Yield the flags that lend the commands how our pip reaches its index."""
    settings, certificates = pip_configuration()
    if certificates:
        settings["cert"] = CERTIFICATES
        yield f"--secret=id=certificates,src={certificates}"
    configuration = configparser.ConfigParser(interpolation=None)
    configuration.read_dict({"global": settings})
    path = folder / "pip.conf"
    path.touch(mode=0o600)  # an index may ask for a password
    with path.open("w") as file:
        configuration.write(file)
    yield f"--secret=id=pip.conf,src={path}"


def pip_configuration() -> tuple[dict[str, str], str | None]:
    """Return pip's settings, from its files and its environment, and a file of authorities."""
    words = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for section, key, value in re.findall(r"^(.+)\.([^.=]+)=(.*)$", listed, re.MULTILINE):
        found.setdefault(section, {})[key] = ast.literal_eval(value)
    settings = found["global"] | found["install"] | found[":env:"]
    settings.pop("find-links", None)  # a folder here, of which nothing is needed
    certificates = settings.get("cert") or os.environ.get("REQUESTS_CA_BUNDLE")
    return settings, certificates if certificates and Path(certificates).is_file() else None
