"""Holds README.md against the code: its tables are generated, its commands are run."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import typer
import yaml

from tests.chart_values import documented, shown
from tests.manual import README, hold, table
from webhook.admission.codes import CODES
from webhook.admission.containers.servers import SERVERS
from webhook.admission.request.declared import DECLARED
from webhook.cli.app import app
from webhook.doctor.diagnosis import CHECKS
from webhook.models.catalogue import BUILT_IN
from webhook.models.schemes import SCHEMES
from webhook.pruning import cluster as pruning
from webhook.server.telemetry.decisions import Telemetry
from webhook.server.telemetry.tallies import Tally
from webhook.status.cluster import RIGHTS as STATUS_RIGHTS

ROOT = Path(__file__).parents[1]
COMMANDS = re.findall(r"^```sh\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)


def code(*words: str) -> str:
    return ", ".join(f"`{word}`" for word in words)


def annotations() -> str:
    return table(
        ("annotation", "value", "default", "strategies", "meaning"),
        *(
            (f"`{a.name}`", a.values, a.default, code(*a.strategies) or "all", a.meaning)
            for a in DECLARED.values()
        ),
    )


def servers() -> str:
    def env(values: Mapping[str, str]) -> str:
        return code(*(f"{k}={v}".replace("{path}", "<path>") for k, v in values.items()))

    return table(
        ("server", "variables", "arguments that may name a model", "flag of its name"),
        *(
            (
                s.name,
                env(s.env),
                code(*s.model_flags, *(f"{verb} …" for verb in s.verbs)),
                code(*filter(None, [s.served_name_flag])),
            )
            for s in SERVERS
        ),
    )


def codes() -> str:
    return table(("code", "means", "what to do"), *((c, *words) for c, words in CODES.items()))


def metrics() -> str:
    telemetry = Telemetry(print)
    telemetry.controller_pid = os.getpid()  # a process, or there would be nothing to list
    rows = []
    for metric in telemetry.registry.collect():
        name = metric.name + ("_total" if metric.type == "counter" else "")
        source = telemetry.registry._names_to_collectors.get(metric.name)
        labels = (
            source.label_names if isinstance(source, Tally) else getattr(source, "_labelnames", ())
        )
        rows.append((f"`{name}`", metric.type, code(*labels), metric.documentation))
    return table(("metric", "type", "labels", "meaning"), *rows)


def catalogue() -> str:
    return table(
        ("name", "source", "bytes"),
        *((f"`{m.name}`", f"`{m.source.uri}`", f"{int(m.size or 0):,}") for m in BUILT_IN),
    )


def serve() -> str:
    command = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]  # a group
    rows = []
    for option in command.params:
        shown = option.default
        if option.name == "help":
            continue
        if shown in (None, False, ()):
            shown = ""
        rows.append((code(option.opts[0]), code(str(shown)) if shown != "" else "", option.help))
    return table(("option of `serve`", "default", "meaning"), *rows)


def values() -> str:
    return table(
        ("value", "default", "meaning"),
        *(
            (f"`{v.name}`", code(*filter(None, [shown(v.default)])), v.meaning)
            for v in documented()
        ),
    )


def checks() -> str:
    return table(
        ("check", "looks at", "needs"), *((c.name, c.looks_at, code(*c.may)) for c in CHECKS)
    )


def rights() -> str:
    return table(
        ("command", "needs", "for"),
        ("`prune`", code(pruning.PODS), "what pods may read, in all namespaces"),
        ("`prune --claim`", code(pruning.CLAIM), "whether there is such a claim"),
        ("`prune --node`", code(*pruning.NODE), "the node's label"),
        *(("`status`", code(right), why) for right, why in STATUS_RIGHTS.items()),
    )


def sources() -> str:
    return table(
        ("source", "files", "commit", "credentials", "extra"),
        *(
            (code(s.form), s.files, s.commit, s.credentials, code(*filter(None, [s.extra])))
            for s in SCHEMES
        ),
    )


TABLES: dict[str, Callable[[], str]] = {
    "annotations": annotations, "servers": servers, "serve": serve, "metrics": metrics,
    "catalogue": catalogue, "codes": codes, "values": values, "checks": checks,
    "rights": rights, "sources": sources,
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_a_table_says_what_the_code_does(name: str, update: bool) -> None:
    # P2 103
    hold(name, TABLES[name](), update=update)


def test_every_runtime_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] + [
        line
        for extra, added in project["optional-dependencies"].items()
        if extra not in ("dev", "bench")
        for line in added
    ]
    wanted = [re.match(r"[\w.-]+", line)[0] for line in lines]  # type: ignore[index]  # each has a name
    section = README.read_text().partition("## Dependencies")[2].partition("\n## ")[0]
    assert re.findall(r"^\| ([\w.-]+) \| \w", section, re.MULTILINE)[1:] == wanted


@pytest.mark.parametrize(
    "line", [line for block in COMMANDS for line in block.splitlines() if "modelcache " in line]
)
def test_a_command_of_the_manual_runs(line: str) -> None:
    command, _, expected = line.partition("  # exit status ")
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        command,
        shell=True,
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == int(expected or 0), done.stderr
    if expected:
        assert done.stdout.splitlines()[0] in README.read_text()
    assert done.stdout


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_quick_start_names_targets_that_exist(target: str) -> None:
    assert f"make {target}" in COMMANDS[0]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_documents_of_the_manual_are_accepted(tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    ours = [b for b in blocks if "kind: Cached" in b]
    others = [b for b in blocks if b not in ours]
    assert list(yaml.safe_load_all(ours[0])) == list(
        yaml.safe_load_all((ROOT / "examples" / "policy.yaml").read_text())
    )
    for name, found in (("policy.yaml", ours), ("pods.yaml", others)):
        (tmp_path / name).write_text("---\n".join(found))
    run = ["check", "-f", f"{tmp_path}/pods.yaml", "--policy", f"{tmp_path}/policy.yaml"]
    done = subprocess.run(
        [sys.executable, "-m", "webhook", *run],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.count("injected, strategy")) == (0, len(others)), (
        done.stderr
    )


def test_links_inside_the_manual_lead_somewhere() -> None:
    text = README.read_text()
    anchors = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= anchors
