"""Archives are built once, and again when their contents change."""

import os
from pathlib import Path

import pytest

from tests.images import again, archives, product
from tests.images.archive import Image, Members, layer
from tests.images.build import sources
from tests.images.recipe import KEPT, ROOT, CannotBuildError, Recipe, images


class Counted:
    """A recipe whose content can change, and which counts how often it is made."""

    def __init__(self) -> None:
        self.content = b"1"
        self.made = 0
        self.recipe = Recipe("counted", lambda: [self.content], self.make)

    def make(self, folder: Path) -> Image:
        self.made += 1
        return Image.of([layer(folder / "layer.tar", {"a": self.content})], {})


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counted:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Counted()


def test_an_archive_is_built_once(counted: Counted) -> None:
    first = counted.recipe.path()
    assert counted.recipe.path() == first
    assert counted.made == 1


def test_an_archive_is_built_anew_when_a_part_changes(counted: Counted) -> None:
    first = counted.recipe.path()
    counted.content = b"2"
    second = counted.recipe.path()
    assert counted.made == 2
    assert Image.read(first).digest != Image.read(second).digest


def test_other_names_need_no_building(counted: Counted) -> None:
    first = counted.recipe.path()
    renamed = counted.recipe.path("vllm/vllm-openai:v0.6.4")
    assert counted.made == 1
    assert Image.read(renamed).digest == Image.read(first).digest
    entries = Members(renamed).json("index.json")["manifests"]
    assert [e["annotations"]["io.containerd.image.name"] for e in entries] == [
        "modelcache.io/tests/counted:1",
        "docker.io/vllm/vllm-openai:v0.6.4",
    ]


def test_archives_of_long_ago_go_but_for_the_last(counted: Counted) -> None:
    made = []
    for number in range(KEPT + 3):
        counted.content = str(number).encode()
        made.append(counted.recipe.path())
    assert all(path.exists() for path in made)
    for number, path in enumerate(made):
        os.utime(path, (number, number))
    counted.content = b"new"
    left = {counted.recipe.path(), *made[-KEPT + 1 :]}
    assert {path for path in made[0].parent.iterdir() if path.suffix == ".tar"} == left
    assert {path.name for path in made[0].parent.iterdir()} == {".lock", *(p.name for p in left)}


def test_a_build_that_fails_leaves_nothing_that_looks_finished(counted: Counted) -> None:
    def fail(folder: Path) -> Image:
        (folder / "half").touch()
        raise CannotBuildError("no")

    recipe = Recipe("counted", lambda: [b""], fail)
    with pytest.raises(CannotBuildError):
        recipe.path()
    assert [path.name for path in (images() / recipe.name).iterdir()] == [".lock"]


def test_whatever_the_dockerfile_copies_decides_about_its_archive() -> None:
    named = {part.decode(errors="replace") for part in sources("Dockerfile")}
    wanted = {"Dockerfile", *again.LOCKS, "pyproject.toml"}
    wanted |= {"deploy/mutatingwebhookconfiguration.yaml", "README.md", "LICENSE"}
    wanted |= {str(p.relative_to(ROOT)) for p in (ROOT / "webhook").rglob("*.py")}
    wanted |= {str(p.relative_to(ROOT)) for p in (ROOT / "certs").rglob("*.py")}
    assert wanted <= named
    assert archives.BASE.digest().encode() in {*product.parts()}


def test_names_of_images_differ() -> None:
    assert len({recipe.reference for recipe in archives.ALL}) == len(archives.ALL)
