"""The product's image: it runs anywhere, and contains what it needs and nothing else."""

import contextlib
import importlib.metadata
import json
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.images import again, archives
from tests.images.archive import Image
from tests.images.container import Container
from tests.kubernetes.hosts import Loopback
from tests.server.reviews import body, pod
from tests.store import models

pytestmark = pytest.mark.programs


@pytest.fixture(scope="session")
def image() -> Image:
    return Image.read(archives.MODELCACHE.path())


@pytest.fixture(scope="session")
def container(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Container:
    return Container(image, tmp_path_factory.mktemp("product"))


@pytest.fixture(scope="session")
def paths(container: Container) -> set[str]:
    return {str(p.relative_to(container.root)) for p in container.root.rglob("*")}


def test_it_is_no_user_of_the_system_and_in_no_group_of_it(container: Container) -> None:
    assert container.config["User"] == "65532:65532"
    entries = (container.root / "etc" / "passwd").read_text().splitlines()
    found = [entry.split(":")[2:] for entry in entries if ":65532:" in entry]
    assert found == [["65532", "65532", "", "/nonexistent", "/usr/sbin/nologin"]]


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?:usr/)?bin/(?:.*-)?(?:cc|gcc|g\+\+|clang|ld|as|make)(?:-\d+)?",
        r"(?:.*/)?pip3?(?:[-.].*)?",
        r"(?:.*/)?ensurepip",
        r"var/lib/apt/lists/.+_.+",
        r"var/cache/apt/.+\.(?:deb|bin)",
        r"(?:.*/)?\.cache",
        r"build",
        r"opt/(?!modelcache(?:/|$)).*",
        r"product",
        r"run/certificates\.pem",
        r"etc/pip\.conf",
        r"opt/modelcache/(?:.*/)?(?:tests|benchmarks|hatchling|cyclonedx.*)",
        r"opt/modelcache/.*/kubernetes/aio",
    ],
)
def test_it_holds_nothing_that_builds_installs_or_was_needed_for_it(
    paths: set[str], pattern: str
) -> None:
    assert len(paths) > 1000
    assert not [path for path in paths if re.fullmatch(pattern, path)]


def test_its_bill_of_materials_names_every_distribution_in_it(container: Container) -> None:
    # P2 104
    product = container.root / "opt" / "modelcache"
    bill = json.loads((product / "share" / "modelcache-webhook.cdx.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    named = {(one["name"].lower(), one["version"]) for one in bill["components"]}
    found = importlib.metadata.distributions(path=[str(next(product.glob("lib/*/site-packages")))])
    assert named == {(one.name.lower(), one.version) for one in found}
    assert {name for name, _ in named} > {"modelcache-webhook", "msgspec", "kubernetes"}
    assert all(one["licenses"] for one in bill["components"] if one["name"] in {"msgspec", "rich"})


def test_its_layers_change_one_at_a_time(image: Image) -> None:
    base = Image.read(archives.BASE.path())
    below, system, dependencies, product = image.layers
    assert (below.digest,) == tuple(layer.digest for layer in base.layers)
    assert system.size < 2**20
    assert product.size < 5 * 2**20 < dependencies.size


def test_only_root_can_change_the_programs(container: Container) -> None:
    product = container.root / "opt" / "modelcache"
    files = [p for p in product.rglob("*") if not p.is_symlink()]
    assert files
    assert not [p for p in files if p.stat().st_uid or p.stat().st_mode & 0o022]


def test_help_works_on_a_read_only_root(container: Container) -> None:
    ran = container.run("--help")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "serve" in ran.stdout


def test_it_copies_and_verifies_a_model(container: Container, tmp_path: Path) -> None:
    published = models.publish(tmp_path / "store", "org/tiny", 2**20)
    memory = tmp_path / "memory"
    memory.mkdir()
    memory.chmod(0o777)
    mounts = {published: "/from", memory: "/to"}
    copied = container.run("copy", "/from", "/to", mounts=mounts)
    assert copied.returncode == 0, copied.stderr
    verified = container.run("verify", "/to", mounts=mounts)
    assert (verified.returncode, verified.stdout) == (0, "/to: complete\n")
    shard = "model-00001-of-00002.safetensors"
    assert (memory / shard).read_bytes() == (published / shard).read_bytes()
    assert {file.stat().st_uid for file in memory.iterdir()} == {65532}


@dataclass(frozen=True)
class Ports:
    """Where the server of a container listens on this machine."""

    admission: int
    health: int


@pytest.fixture
def served(container: Container, tmp_path: Path) -> Iterator[Ports]:
    hosts = Loopback()
    ports = Ports(hosts.free_port(), hosts.free_port())
    words = container.command(
        "serve",
        "--dev",
        "--shutdown-delay=0",
        "--port",
        ports.admission,
        "--health-port",
        ports.health,
    )
    log = tmp_path / "log"
    with log.open("w") as output, subprocess.Popen(words, stdout=output, stderr=output) as process:
        try:
            ready(process, f"http://127.0.0.1:{ports.health}/readyz")
            yield ports
            process.terminate()
            assert process.wait(30) == 0, log.read_text()
        finally:
            process.kill()


def ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, trust_env=False).is_success:
                return
        time.sleep(0.02)
    raise AssertionError(f"never ready; exit status {process.poll()}")


def test_it_admits_a_pod_on_a_root_that_can_not_be_written_to(served: Ports) -> None:
    answer = httpx.post(
        f"https://127.0.0.1:{served.admission}/mutate",
        content=body(pod({"modelcache.io/model": "org/tiny"})),
        headers={"Content-Type": "application/json"},
        verify=False,
        trust_env=False,
    )
    assert answer.status_code == 200
    assert answer.json()["response"]["allowed"]
    assert answer.json()["response"]["patchType"] == "JSONPatch"


def test_nothing_is_compiled_when_it_starts(container: Container) -> None:
    python = (
        "python",
        "-v",
        "-c",
        "import webhook.cli, webhook.copying.copy, webhook.server.process",
    )
    ran = container.run(program=python)
    assert ran.returncode == 0
    assert len(re.findall(r"^# code object from '/.*\.pyc'", ran.stderr, re.MULTILINE)) > 100
    assert not re.findall(r"^# code object from /.*", ran.stderr, re.MULTILINE)


def test_the_same_sources_give_the_same_image() -> None:
    first, second = again.digests()
    assert first.split() == second.split()
    assert len(first.split()) == 5
