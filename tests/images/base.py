"""Build the base image of the others: this machine's Debian, with Python and certificates.

Packages come from apt's sources on this machine, through its proxy. The image contains no trace of
either. mmdebstrap writes the same bytes as long as the packages are the same.
"""

import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.images.archive import Blob, Image
from tests.images.recipe import CannotBuildError, Recipe
from tests.kubernetes import packages

PACKAGES: Final = ("ca-certificates", "python3", "python3-venv", "usr-is-merged")
UNREAD: Final = ("doc", "info", "lintian", "locale", "man")
"""Folders of /usr/share that no program reads."""
COMPILE: Final = (
    "PYTHONHASHSEED=0 python3 -m compileall -q -f --invalidation-mode timestamp /usr/lib/python3*"
)
OPTIONS: Final = (
    "--variant=essential",
    f"--include={','.join(PACKAGES)}",
    "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
    '--aptopt=APT::Install-Recommends "false"',
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in UNREAD),
    # All files get the same time, so Python would consider compiled files stale.
    '--customize-hook=find "$1"/usr/lib/python3* -name "*.py" -exec touch --date=@0 {} +',
    f"--customize-hook=chroot \"$1\" sh -c '{COMPILE}'",
    # The image does not say where this machine gets its packages.
    '--customize-hook=rm -rf "$1"/etc/apt/sources.list* "$1"/etc/apt/apt.conf.d/99mmdebstrap',
    '--customize-hook=rm -f "$1"/etc/resolv.conf "$1"/etc/hostname',
)
CONFIG: Final = {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"], "Cmd": ["python3"]}


def suite() -> str:
    """Return the code name of this machine's Debian release."""
    try:
        return platform.freedesktop_os_release()["VERSION_CODENAME"]
    except (OSError, KeyError) as error:
        raise CannotBuildError("images are built from this machine's Debian: none here") from error


def parts() -> Iterator[bytes]:
    """Yield everything that decides the image's contents, except the versions of packages."""
    yield repr((platform.machine(), suite(), OPTIONS, CONFIG)).encode()


def make(folder: Path) -> Image:
    """Return the image; its layer is a file in *folder*."""
    packages.install()
    path = folder / "base.tar"
    words: list[str | Path] = [
        "mmdebstrap",
        "--mode=root",
        *OPTIONS,
        *_apt_options(),
        suite(),
        path,
        *_sources(),
    ]
    built = subprocess.run(
        words,
        env={**os.environ, "SOURCE_DATE_EPOCH": "0", "PATH": packages.PATH},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if built.returncode:
        raise CannotBuildError(f"mmdebstrap failed:\n{built.stdout[-4000:]}")
    return Image.of([Blob.of(path, "layer.v1.tar")], CONFIG)


def _sources() -> Iterator[Path]:
    folder = Path("/etc/apt")
    for path in (folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))):
        if path.is_file() and path.suffix in {".list", ".sources"}:
            yield path


def _apt_options() -> Iterator[str]:
    """Yield the options that apt needs to reach its sources from here: proxies, certificates, clocks."""
    listed = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True)
    for line in listed.stdout.splitlines():
        if line.lower().startswith(("acquire::http", "acquire::ftp", "acquire::check")):
            yield f"--aptopt={line}"


BASE: Final = Recipe("base", parts, make)
