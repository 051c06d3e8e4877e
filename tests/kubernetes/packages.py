"""Owns what the harness needs from Debian: installs or unpacks by apt what is missing."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.kubernetes import binaries

CNI_PLUGINS: Final = Path("/usr/lib/cni")
BUSYBOX: Final = Path("/bin/busybox")
FAKETIME: Final = Path(f"/usr/lib/{os.uname().machine}-linux-gnu/faketime/libfaketime.so.1")
"""Lets a program see another time, which can be set while it runs."""
NEEDED: Final[dict[str, str | Path]] = {
    "btrfs-progs": "btrfs",
    "buildah": "buildah",
    "conntrack": "conntrack",
    "containernetworking-plugins": CNI_PLUGINS / "bridge",
    "e2fsprogs": "mkfs.ext4",
    "iproute2": "ip",
    "libfaketime": FAKETIME,
    "mmdebstrap": "mmdebstrap",
    "nftables": "nft",
    "runc": "runc",
    "strace": "strace",
}
"""Package → a program or file by which it is recognised."""
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where those programs are, also where a user's PATH leaves out the administrator's."""


class CannotInstallError(Exception):
    """Something is missing and cannot be installed here; the text says what to do."""


def missing() -> list[str]:
    """Return the packages of which nothing is there yet."""
    wanted = [name for name, mark in NEEDED.items() if not _present(mark)]
    return wanted if _static(BUSYBOX) else [*wanted, "busybox-static"]


def _present(mark: str | Path) -> bool:
    return mark.exists() if isinstance(mark, Path) else bool(shutil.which(mark, path=PATH))


def _static(program: Path) -> bool:
    """Whether *program* names no dynamic loader, so that it runs in an empty image."""
    return program.exists() and b"ld-linux" not in program.read_bytes()[:4096]


def install() -> None:
    """Install what is missing; CannotInstallError where that needs more than we have."""
    names = missing()
    if not names:
        return
    asked = f"install the Debian packages {' '.join(names)}"
    if os.geteuid() or not shutil.which("apt-get"):
        raise CannotInstallError(f"nodes of the tests' cluster need root and Debian: {asked}")
    sys.stderr.write(f"tests.kubernetes: installing {' '.join(names)} …\n")
    wait = "DPkg::Lock::Timeout=300"
    _apt_get(asked, "-o", wait, "install", "--yes", "--no-install-recommends", *names)


def _apt_get(asked: str, *words: str, folder: Path | None = None) -> None:
    """Run apt-get in *folder*; CannotInstallError says what was *asked*."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", *words]
    for step in (command, ["apt-get", "update"], command):  # lists may be absent or old
        done = subprocess.run(
            step, env=environment, cwd=folder, capture_output=True, text=True, check=False
        )
        if not done.returncode and step is command:
            return
    raise CannotInstallError(f"{asked}: apt-get said\n{done.stderr[-2000:]}")


def promtool() -> Path:
    """Return promtool: the machine's, else that of Debian's package, unpacked into the cache.

    The package is not installed: that would start a Prometheus on the machine.
    """
    if found := shutil.which("promtool"):
        return Path(found)
    target = binaries.cache() / "debian" / "promtool"
    with binaries.locked(target.with_name(".promtool.lock")):
        if not target.exists():
            _unpack("prometheus", "usr/bin/promtool", target)
    return target


def _unpack(package: str, member: str, target: Path) -> None:
    asked = f"tests of alerts need {target.name}: install the Debian package {package}"
    if not shutil.which("apt-get"):
        raise CannotInstallError(asked)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        folder = Path(name)
        folder.chmod(0o755)  # apt downloads as a user of its own
        _apt_get(asked, "download", package, folder=folder)
        (archive,) = folder.glob("*.deb")
        subprocess.run(["dpkg-deb", "--extract", archive, folder], check=True)
        (folder / member).rename(target)
