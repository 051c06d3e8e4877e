"""The examples for pipelines do what they say, in a repository with the folders that they name."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.cli.command import POD
from tests.docs.manual import ROOT

EXAMPLES: Final = ROOT / "examples"
POLICY: Final = """\
apiVersion: modelcache.io/v1alpha1
kind: CachePolicy
metadata: {name: platform}
spec:
  namespaceSelector:
    matchLabels: {models: strict}
  rules:
    allowedModels: {mode: MODE, models: ["acme/*"]}
"""
NAMESPACE: Final = """\
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {models: strict}}
"""


def action() -> str:
    workflow = yaml.safe_load((EXAMPLES / "github-actions.yaml").read_text())
    [command] = [
        step["run"] for step in workflow["jobs"]["check"]["steps"]
        if step.get("run", "").startswith("modelcache ")
    ]  # fmt: skip
    return str(command)


def hook() -> str:
    [repository] = yaml.safe_load((EXAMPLES / "pre-commit-config.yaml").read_text())["repos"]
    [found] = repository["hooks"]
    assert not found["pass_filenames"]
    return str(found["entry"])


@pytest.mark.parametrize(
    ("command", "mode", "status"),
    [
        (action(), "enforce", 1), (action(), "warn", 1), (action(), "audit", 0),
        (hook(), "enforce", 1), (hook(), "warn", 0), (hook(), "audit", 0),
    ],
)  # fmt: skip
def test_the_command_of_an_example_fails_for_what_the_platform_does_not_allow(
    tmp_path: Path, command: str, mode: str, status: int
) -> None:
    for folder, text in (
        ("k8s", POD), ("platform", POLICY.replace("MODE", mode)), ("namespaces", NAMESPACE),
    ):  # fmt: skip
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "all.yaml").write_text(text)
    program, *options = command.split()
    assert program == "modelcache"
    done = subprocess.run(
        [sys.executable, "-m", "webhook", *options],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    assert "MC032 rule allowedModels of CachePolicy platform" in done.stdout + done.stderr
