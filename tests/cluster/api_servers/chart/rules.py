"""Render the alerts of the chart, and run promtool on them."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.kubernetes import helm, packages
from tests.kubernetes.api import Object


def groups(values: dict[str, Any] | None = None) -> list[Object]:
    given = {"prometheusRule": {"enabled": True}, **(values or {})}
    (found,) = [obj for obj in helm.objects(given) if obj["kind"] == "PrometheusRule"]
    listed: list[Object] = found["spec"]["groups"]
    return listed


def rules(values: dict[str, Any] | None = None) -> dict[str, Object]:
    return {rule["alert"]: rule for group in groups(values) for rule in group["rules"]}


RULES = rules()


def promtool(*words: str | Path) -> str:
    done = subprocess.run(
        [packages.promtool(), *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))  # JSON is YAML
    return path
