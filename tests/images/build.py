"""Build a Dockerfile as users do, with buildah: layer by layer, each cached.

The settings by which pip reaches its index from here (pip.conf, a private authority) are secrets
of the build: commands of the Dockerfile can read them, but no layer, history or environment keeps
them.
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
"""Bytes at which the store is emptied: a first build adds 0.4 GB, a changed module 5 MB."""
CERTIFICATES: Final = "/run/certificates.pem"
"""Where the Dockerfile mounts them."""


def sources(dockerfile: str) -> Iterator[bytes]:
    """Yield a Dockerfile of the checkout, and each file that it copies from there."""
    text = (ROOT / dockerfile).read_text()
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE)
    files = [file for line in copied for file in line.split()]
    yield from contents(dockerfile, ".dockerignore", "tests/images/build.py", *files)


def build(
    folder: Path, dockerfile: str, base: Path, *, store: Path | None = None, checkout: Path = ROOT
) -> Image:
    """Return the image that *dockerfile* builds on the archive *base*; its layers are in *folder*.

    *store*: where buildah keeps layers; without one, it uses the layers of earlier builds.
    *checkout*: the folder with the sources of the version to build.
    """
    archive = folder / "built.tar"
    place = store or images() / "buildah"
    with binaries.locked(place.with_name(f".{place.name}.lock")):
        buildah = Buildah(place, folder / "state")
        below = buildah.run("pull", "--quiet", f"oci-archive:{base}")
        buildah.run(
            "build", "--layers", "--force-rm", "--timestamp=0", "--identity-label=false",
            "--pull-never", "--network=host", *secrets(folder), f"--build-arg=BASE={below}",
            "--tag=built", f"--file={checkout / dockerfile}", str(checkout),
        )  # fmt: skip
        # Other formats are compressed, which would take longer than the rest of the build.
        buildah.run("push", "--quiet", "built", f"docker-archive:{archive}:built:1")
    return Image.read_docker(archive)


class Buildah:
    """Buildah, with a folder for images and for the layer of each instruction."""

    def __init__(self, store: Path, state: Path) -> None:
        # Its mounts disappear with it, even if it is killed.
        self.words = ["unshare", "--mount", "--propagation=private", "buildah"]
        self.words += [f"--root={store}", f"--runroot={state}"]
        # The latter works anywhere, but copies all layers below, so the store fills up soon.
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
    """Yield the flags that let commands of the build reach pip's index as we do."""
    settings, certificates = pip_configuration()
    if certificates:
        settings["cert"] = CERTIFICATES
        yield f"--secret=id=certificates,src={certificates}"
    configuration = configparser.ConfigParser(interpolation=None)
    configuration.read_dict({"global": settings})
    path = folder / "pip.conf"
    path.touch(mode=0o600)  # the address of an index may contain a password
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
    settings.pop("find-links", None)  # a folder of this machine, which the build does not need
    certificates = settings.get("cert") or os.environ.get("REQUESTS_CA_BUNDLE")
    return settings, certificates if certificates and Path(certificates).is_file() else None
