"""Run containers without a cluster: unpack an image, and start a process with runc."""

import json
import secrets
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.images.archive import Image
from tests.kubernetes import packages

WHITEOUT: Final = ".wh."
"""A file with this prefix marks a deleted file of a lower layer (image-spec, layer.md)."""


class Container:
    """A process of an image, with a read-only root filesystem.

    It has no capabilities, uses this machine's network, and runs as the image's user.
    """

    def __init__(self, image: Image, folder: Path) -> None:
        self.config: dict[str, Any] = image.config["config"]
        self.folder = folder
        self.root = folder / "root"
        _unpack(image, self.root)

    def command(
        self,
        *args: str | int | Path,
        program: Sequence[str] = (),
        mounts: Mapping[Path, str] | None = None,
    ) -> list[str]:
        """Return the command that runs the image's program, or another one, with *args*.

        It ends when runc gets a signal. *mounts*: folders of this machine, each mounted writable at
        a path of the container.
        """
        bundle = self.folder / secrets.token_hex(4)
        bundle.mkdir()
        words = ["runc", f"--root={self.folder / 'runc'}"]
        subprocess.run([*words, "spec", f"--bundle={bundle}"], check=True)
        path = bundle / "config.json"
        spec = json.loads(path.read_bytes())
        user, group = map(int, self.config["User"].split(":"))
        spec["root"] = {"path": str(self.root), "readonly": True}
        spec["process"] |= {
            "terminal": False,
            "user": {"uid": user, "gid": group},
            "args": [*(program or self.config["Entrypoint"]), *map(str, args)],
            "env": self.config["Env"],
            "cwd": self.config["WorkingDir"],
            "capabilities": {},
            "rlimits": [],
        }
        spec["linux"]["namespaces"] = [
            entry for entry in spec["linux"]["namespaces"] if entry["type"] != "network"
        ]
        spec["mounts"] = [
            *(entry for entry in spec["mounts"] if entry["destination"] != "/sys"),
            *(
                {"source": str(here), "destination": there, "options": ["bind", "rw"]}
                for here, there in (mounts or {}).items()
            ),
        ]
        path.write_text(json.dumps(spec))
        return [*words, "run", f"--bundle={bundle}", f"modelcache-{bundle.name}"]

    def run(self, *args: str | int | Path, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run the image's program with *args* to its end."""
        return subprocess.run(
            self.command(*args, **more),
            env={"PATH": packages.PATH},
            capture_output=True,
            text=True,
            check=False,
        )


def _unpack(image: Image, root: Path) -> None:
    root.mkdir()
    for layer in image.layers:
        with layer.open() as file, tarfile.open(fileobj=file) as tar:
            for member in tar:
                path = root / member.name
                if path.name.startswith(WHITEOUT):
                    _remove(path.with_name(path.name.removeprefix(WHITEOUT)))
                elif not member.isdev():  # runc makes them
                    tar.extract(member, root, filter="fully_trusted")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
