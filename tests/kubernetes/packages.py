"""Owns the Debian packages that the harness needs: installs or unpacks those that are missing."""

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
"""A library that makes a program see another time, which can be changed while it runs."""
SFTP_SERVER: Final = Path("/usr/lib/openssh/sftp-server")
NEEDED: Final[dict[str, str | Path]] = {
    "btrfs-progs": "btrfs",
    "buildah": "buildah",
    "conntrack": "conntrack",
    "containernetworking-plugins": CNI_PLUGINS / "bridge",
    "e2fsprogs": "mkfs.ext4",
    "fuse3": "fusermount3",
    "iproute2": "ip",
    "libfaketime": FAKETIME,
    "mmdebstrap": "mmdebstrap",
    "nftables": "nft",
    "openssh-sftp-server": SFTP_SERVER,
    "runc": "runc",
    "sshfs": "sshfs",
    "strace": "strace",
}
"""Package → a program or file of it that shows that it is installed."""
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The folders of these programs; a user's PATH may lack those of the administrator."""


class CannotInstallError(Exception):
    """Something is missing and cannot be installed here; the text says what to do."""


def missing() -> list[str]:
    """Return the packages that are not installed."""
    wanted = [name for name, mark in NEEDED.items() if not _present(mark)]
    return wanted if _static(BUSYBOX) else [*wanted, "busybox-static"]


def _present(mark: str | Path) -> bool:
    return mark.exists() if isinstance(mark, Path) else bool(shutil.which(mark, path=PATH))


def _static(program: Path) -> bool:
    """Whether *program* needs no dynamic loader, so that it runs in an empty image."""
    return program.exists() and b"ld-linux" not in program.read_bytes()[:4096]


def install() -> None:
    """Install the missing packages; raises CannotInstallError without root or apt-get."""
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
    """Run apt-get in *folder*; the text of CannotInstallError begins with *asked*."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", *words]
    for step in (
        command,
        ["apt-get", "update"],
        command,
    ):  # the package lists may be missing or old
        done = subprocess.run(
            step, env=environment, cwd=folder, capture_output=True, text=True, check=False
        )
        if not done.returncode and step is command:
            return
    raise CannotInstallError(f"{asked}: apt-get said\n{done.stderr[-2000:]}")


def promtool() -> Path:
    """Return promtool: the machine's, or that of Debian's package, unpacked into the cache.

    The package is not installed, because that would start Prometheus on the machine.
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
        folder.chmod(0o755)  # apt downloads as the user _apt
        _apt_get(asked, "download", package, folder=folder)
        (archive,) = folder.glob("*.deb")
        subprocess.run(["dpkg-deb", "--extract", archive, folder], check=True)
        (folder / member).rename(target)
