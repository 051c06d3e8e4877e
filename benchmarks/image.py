"""Measure the image and its start: `python -m benchmarks.image`.

Shows the size of each layer on a node and as a registry sends it, and the seconds from the start
of a container until /readyz answers 200: once with all files in memory, once with all files on
disk, as after a pull. It needs root, runc and buildah, as the tests do.
"""

import argparse
import contextlib
import gzip
import os
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final

import httpx
from rich.console import Console
from rich.progress import track
from rich.table import Column, Table

from tests.images import archives
from tests.images.archive import Image
from tests.images.container import Container
from tests.kubernetes.hosts import Loopback

LAYERS: Final = ("base", "user and compiled library", "dependencies", "modelcache")
PERIOD: Final = 0.005
LONGEST: Final = 60.0


def forget(root: Path) -> None:
    """Take every file below *root* out of the page cache."""
    os.sync()  # pages that are not written to disk yet would stay
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def start_seconds(container: Container) -> float:
    """Return the seconds from runc's start until the server in it is ready."""
    hosts = Loopback()
    port, health = hosts.free_port(), hosts.free_port()
    words = container.command(
        "serve", "--dev", "--shutdown-delay=0", "--port", port, "--health-port", health
    )
    began = time.monotonic()
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            with httpx.Client(trust_env=False) as client:
                while process.poll() is None and time.monotonic() < began + LONGEST:
                    with contextlib.suppress(httpx.TransportError):
                        if client.get(f"http://127.0.0.1:{health}/readyz").is_success:
                            return time.monotonic() - began
                    time.sleep(PERIOD)
            raise AssertionError(f"not ready, exit status {process.poll()}")
        finally:
            process.terminate()


def sizes(image: Image) -> Table:
    """Return a table of the layers, in MB."""
    table = Table("layer", Column("MB", justify="right"), Column("compressed", justify="right"))
    rows = []
    for name, layer in zip(LAYERS, image.layers, strict=True):
        with layer.open() as file:
            content = file.read(layer.size)
        rows.append((name, len(content) / 1e6, len(gzip.compress(content, 6)) / 1e6))
    rows.append(("all", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    for name, plain, compressed in rows:
        table.add_row(name, f"{plain:.1f}", f"{compressed:.1f}")
    return table


def main() -> None:
    """Print the layers and the start times."""
    parser = argparse.ArgumentParser(prog="benchmarks.image", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    console = Console()
    image = Image.read(archives.MODELCACHE.path())
    console.print(sizes(image))
    found: dict[str, list[float]] = {"in memory": [], "from disk": []}
    with tempfile.TemporaryDirectory(prefix="modelcache-image-") as folder:
        container = Container(image, Path(folder))
        for _ in track(range(rounds), "starting", console=console):
            for state, seconds in found.items():
                if state == "from disk":
                    forget(container.root)
                seconds.append(start_seconds(container))
    for state, seconds in found.items():
        console.print(
            f"ready with its files {state}: {median(seconds):.2f} s"
            f" [{min(seconds):.2f}-{max(seconds):.2f}], {rounds} starts, load"
            f" {os.getloadavg()[0]:.1f}"
        )


if __name__ == "__main__":
    main()
