"""Check the rules of the repository: types, lint, layers, sizes, names, lock files, paths."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kubernetes.binaries import cache

pytestmark = pytest.mark.quality
ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
CLUSTERS = ROOT / "tests" / "cluster"
MODULES = sorted(p for package in ("webhook", "certs") for p in (ROOT / package).rglob("*.py"))
LONGEST = 300
VAGUE = ("util", "utils", "helper", "helpers", "manager", "handler", "handlers", "common", "misc")
LOCKS = tuple(sorted(path.name for path in ROOT.glob("*.lock")))
MACHINE_PATH = re.compile(
    r"(?<![\w.-])/(?:" + "|".join(("root", "Users", "home/[a-z]", "work", "mnt/[a-z]")) + r")/\w"
)


def run(*command: str) -> None:
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=ROOT, capture_output=True, text=True, timeout=800, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def tracked() -> list[Path]:
    """Return the files that a commit would hold."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this is not a git checkout")
    paths = (ROOT / name for name in done.stdout.decode().split("\0") if name)
    return [path for path in paths if path.is_file()]


def test_types_are_strict() -> None:
    # mypy compares contents, so one checkout can use the cache of another.
    run("mypy", "--strict", "--cache-dir", str(cache() / "mypy"))


def test_nothing_is_left_to_lint() -> None:
    run("ruff", "check", ".")


def test_the_form_is_the_formatters() -> None:
    run("ruff", "format", "--check", ".")


def test_layers_import_only_downwards() -> None:
    run("lint-imports")


def lines_of(module: Path) -> int:
    return len(module.read_text().splitlines())


def test_modules_are_short() -> None:
    too_long = {str(m.relative_to(ROOT)): n for m in MODULES if (n := lines_of(m)) > LONGEST}
    assert not too_long


WEBHOOK = ROOT / "webhook"
CATALOGUES = ("cli", "admission/strategies", "admission/init_containers", "admission/policy/rules")
"""Packages with a file for each row: their files need no map."""


@pytest.mark.parametrize(
    "name",
    sorted(
        {str(path.parent.relative_to(WEBHOOK)) for path in WEBHOOK.rglob("__init__.py")}
        - set(CATALOGUES)
    ),
)
def test_the_map_of_a_package_names_its_parts_and_two_rules(name: str) -> None:
    package = WEBHOOK / name
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    parts = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    parts |= {path.parent.name for path in package.glob("*/__init__.py")}
    unnamed = {p for p in parts if not re.search(rf"(?<![a-z_]){p}(?![a-z_])", text)}
    assert not unnamed
    assert "\nRule 1: " in text
    assert "\nRule 2: " in text


def test_modules_have_telling_names() -> None:
    python = [p for p in tracked() if p.suffix == ".py"]
    assert not [p for p in python if set(p.stem.split("_")) & set(VAGUE)]


def test_a_cluster_ends_with_the_folder_of_tests_that_share_it() -> None:
    # pytest ends a fixture of scope package with the folder only if that is a package. Idle, a
    # cluster with nodes costs half a core.
    folders = [path for path in CLUSTERS.iterdir() if list(path.rglob("test_*.py"))]
    assert folders
    assert not [folder.name for folder in folders if not (folder / "__init__.py").exists()]
    python = [path for path in CLUSTERS.rglob("*.py") if 'scope="session"' in path.read_text()]
    assert not python


def test_make_test_cluster_collects_every_folder_with_tests_of_programs() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (listed,) = re.findall(r"^PROGRAMS := \$\(addprefix tests/,(.*)\)$", makefile, re.MULTILINE)
    marked = {
        path.relative_to(ROOT / "tests").parts[0]
        for path in (ROOT / "tests").rglob("test_*.py")
        if re.search(r"^(?:@|pytestmark = )pytest\.mark\.programs", path.read_text(), re.MULTILINE)
    }
    assert {*listed.split()} == marked | {"cluster"}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_pins_by_hash_and_names_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(
        r"^\s*(-i|--index|--extra-index|--find-links|--trusted-host)", text, re.MULTILINE
    )
    entries = re.split(r"^(?=[a-zA-Z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries
    assert not [e.split()[0] for e in entries if "==" not in e or "--hash=sha256:" not in e]


def test_what_is_run_and_built_is_what_is_tested() -> None:
    develop, *others = (
        dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))
        for name in (
            "requirements-dev.lock",
            "requirements.lock",
            "requirements-s3.lock",
            "requirements-gs.lock",
            "requirements-build.lock",
        )
    )
    for pinned in others:
        assert pinned
        assert pinned.items() <= develop.items()


def test_no_file_holds_a_path_of_some_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked()
        if b"\0" not in (content := path.read_bytes())
        for number, line in enumerate(content.decode(errors="replace").splitlines(), start=1)
        if MACHINE_PATH.search(line)
    ]
    assert not found
