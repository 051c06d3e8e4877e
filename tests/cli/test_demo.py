"""`make demo`: what it shows, and that it detects a wrong answer."""

import os
import subprocess
import sys

from tests.cli.command import ROOT


def demo(*statements: str) -> tuple[int, str]:
    program = "; ".join(("import sys", "import tests.demo as d", *statements, "sys.exit(d.main())"))
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_the_three_deployments_of_the_article_are_admitted() -> None:
    status, out = demo()
    assert status == 0, out
    for name in ("vllm-inference", "vllm-hostpath", "fast-inference"):
        assert f" Deployment {name} " in out
    assert "+       claimName: model-store" in out
    assert "memory limit of vllm: 16Gi + 5632Mi (model) + 2Gi (/dev/shm) = 24064Mi" in out


def test_a_wrong_answer_ends_it_with_a_message() -> None:
    status, out = demo("d.EXPECTED['vllm-hostpath'] = ('image', '/m', '1Gi')")
    assert status == 1
    assert "demo: vllm-hostpath: a pod has " in out


def test_a_server_that_does_not_start_ends_it_with_its_output() -> None:
    status, out = demo("d.VERSION = ('x',)")
    assert status == 1
    assert "demo: the webhook did not start:" in out
    assert "--kube-version" in out
