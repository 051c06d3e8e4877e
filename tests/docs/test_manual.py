"""README.md and docs/: what is generated from the code, and what is run."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import typer
import yaml
from msgspec import inspect

from tests.docs.chart_values import documented, shown
from tests.docs.manual import DOCS, README, ROOT, hold, pages, table
from webhook.admission.codes import CODES
from webhook.admission.containers.server import Server
from webhook.admission.containers.servers import SERVERS
from webhook.admission.policy.rules.catalogue import RULES
from webhook.admission.policy.rules.rule import Rule
from webhook.admission.reading import DECLARED
from webhook.admission.strategies import READERS
from webhook.cli.app import app
from webhook.custom_resources.cache_policies import cache_policies
from webhook.custom_resources.cached_models import cached_models
from webhook.custom_resources.schema import schema_of
from webhook.doctor.diagnosis import CHECKS
from webhook.models.catalogue import BUILT_IN
from webhook.models.model_document import ModelStatus
from webhook.models.schemes import SCHEMES
from webhook.objects.json import Json
from webhook.objects.workload_kinds import EVERY, KINDS, WorkloadKind
from webhook.pruning import cluster as pruning
from webhook.server.telemetry.decisions import Telemetry
from webhook.server.telemetry.tallies import Tally
from webhook.status.cluster import RIGHTS as STATUS_RIGHTS


def blocks(language: str, *of: Path) -> list[str]:
    """Return the code blocks of a language, of all pages or of those that are given."""
    pattern = re.compile(rf"^```{language}\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [block for page in of or pages() for block in pattern.findall(page.read_text())]


def code(*words: str) -> str:
    return ", ".join(f"`{word}`" for word in words)


def annotations() -> str:
    return table(
        ("annotation", "value", "default", "strategies", "meaning"),
        *(
            (f"`{a.name}`", a.values, a.default, code(*READERS.get(a.name, ())) or "all", a.meaning)
            for a in DECLARED.values()
        ),
    )


def servers() -> str:
    def env(values: Mapping[str, str]) -> str:
        words = (f"{k}={v}".replace("{", "<").replace("}", ">") for k, v in values.items())
        return code(*words)

    def cache(server: Server) -> str:
        if server.cache is None:
            return "-"
        offline = env(server.cache.offline) or "no offline mode"
        return f"{code(*server.cache.variables, *server.cache.flags)}; {offline}"

    return table(
        ("server", "variables for a path", "names a model", "name in the API", "cache", "source"),
        *(
            (
                s.name,
                env(s.env) or "-",
                code(*s.model_flags, *s.more_flags) + (", a word" if s.positional else ""),
                code(*s.served_name_flags, *filter(None, [s.served_name_variable])) or "-",
                cache(s),
                s.source,
            )
            for s in SERVERS
        ),
    )


def codes() -> str:
    return table(
        ("code", "means", "what to do"),
        *((f"[{c}](codes/{c}.md)", *words) for c, words in CODES.items()),
    )


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
    group = None
    for option in command.params:
        if option.name == "help":
            continue
        if (panel := option.rich_help_panel) != group:
            group = panel
            rows.append((f"**{panel}**", "", ""))
        default = "" if option.default in (None, False, ()) else str(option.default)
        rows.append((code(option.opts[0]), code(*filter(None, [default])), option.help))
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


def kinds() -> str:
    def places(row: WorkloadKind) -> str:
        found = dict.fromkeys(place.at + place.annotations for place in row.places)
        words = (at.strip("/").replace("/", ".").replace(EVERY, "*") for at in found)
        return code(*words) or row.instead

    def copied(row: WorkloadKind) -> str:
        if row.passes_on:
            return "no: its controller gives its pods the object's annotations"
        if not row.places:
            return "no"
        return "when the object is created" if row.fixed else "yes"

    return table(
        ("kind", "group", "its pods get the annotations at", "copied there"),
        *((row.kind, code(*filter(None, [row.group])), places(row), copied(row)) for row in KINDS),
    )


def fields(schema: Json, path: str, *, nested: bool) -> Iterator[tuple[str, str]]:
    """Yield each field of a schema of ours with its description; *nested*: those in it too."""
    for name, one in schema["properties"].items():
        default = f" Default: `{one['default']}`." if one.get("default") else ""
        yield f"`{path}.{name}`", one["description"].replace("*.", r"\*.") + default
        if nested and "properties" in one:
            yield from fields(one, f"{path}.{name}", nested=True)


def model() -> str:
    spec, status = cached_models().spec, schema_of(ModelStatus)
    return table(
        ("field", "meaning"),
        *fields(spec, "spec", nested=True),
        *fields(status, "status", nested=False),
    )


def policy() -> str:
    return table(("field", "meaning"), *fields(cache_policies().spec, "spec", nested=False))


def rules() -> str:
    def parameters(rule: type[Rule]) -> str:
        own = [
            field for field in inspect.type_info(rule).fields  # type: ignore[attr-defined]
            if field.name not in ("mode", "exempt")
        ]  # fmt: skip
        return "<br>".join(f"`{f.encode_name}`: {said(f)}" for f in own) or "none"

    def said(field: inspect.Field) -> str:
        words = field.type.extra_json_schema["description"]  # type: ignore[attr-defined]
        words = words.replace("* ", r"\* ")
        if field.required:
            return f"{words} Required"
        default = field.default
        shown = ", ".join(default) if isinstance(default, tuple) else str(default).lower()
        return f"{words} Default: `{shown}`" if shown else words

    return table(
        ("rule", "code", "what it does", "parameters"),
        *(
            (f"`{r.name}`", f"[{r.code}](codes/{r.code}.md)", " ".join((r.__doc__ or "").split()),
             parameters(r))
            for r in RULES
        ),
    )  # fmt: skip


TABLES: dict[str, Callable[[], str]] = {
    "annotations": annotations, "servers": servers, "serve": serve, "metrics": metrics,
    "catalogue": catalogue, "codes": codes, "values": values, "checks": checks,
    "rights": rights, "sources": sources, "kinds": kinds, "rules": rules,
    "model": model, "policy": policy,
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_a_table_says_what_the_code_does(name: str, update: bool) -> None:
    # P2 103
    hold(name, TABLES[name](), update=update)


def test_the_readme_shows_what_the_command_prints(update: bool) -> None:
    [command] = re.findall(r"`(modelcache inject .*?)`", README.read_text())
    hold("diff", f"```diff\n{run(command).stdout}```", update=update)


def test_every_runtime_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] + [
        line
        for extra, added in project["optional-dependencies"].items()
        if extra not in ("dev", "bench")
        for line in added
    ]
    wanted = [re.match(r"[\w.-]+", line)[0] for line in lines]  # type: ignore[index]  # each has a name
    section = (DOCS / "development.md").read_text().partition("## Dependencies")[2]
    assert re.findall(r"^\| ([\w.-]+) \| \w", section, re.MULTILINE)[1:] == wanted


def run(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the documents where a reader would."""
    return subprocess.run(
        command,
        shell=True,
        cwd=ROOT,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("line", [line for block in blocks("sh") for line in block.splitlines()])
def test_a_command_of_the_documents_runs(line: str) -> None:
    command, _, expected = line.partition("  # exit status ")
    done = run(command)
    assert done.returncode == int(expected or 0), done.stderr
    assert done.stdout
    if expected:
        assert any(done.stdout.splitlines()[0] in page.read_text() for page in pages())


def test_every_option_that_the_documents_name_exists() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group
    wrong = []
    inline = re.compile(r"`(modelcache [^`\n]+)`")
    found = {line for page in pages() for line in inline.findall(page.read_text())}
    shown = "".join(blocks("sh") + blocks("shell")).splitlines()
    found |= {line for line in shown if line.startswith("modelcache ")}
    for line in found:
        _, name, *words = line.split()
        if name.startswith("-"):
            continue  # an option of all commands
        known = {o for p in commands[name].params for o in (*p.opts, *p.secondary_opts)}
        wrong += [line for word in words if word[:2] == "--" and word.split("=")[0] not in known]
    assert len(found) > 20
    assert wrong == []


NAMED = re.compile(r"`((?:webhook|certs|tests|deploy|benchmarks|examples)/[\w./-]+)`")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_the_files_that_the_documents_name_exist(page: Path) -> None:
    planned = {"webhook/admission/policy/rules/"}  # architecture.md says that it is not there yet
    paths = set(NAMED.findall(page.read_text())) - planned
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_make_targets_of_the_documents_exist() -> None:
    lines = [line for block in blocks("shell") for line in block.splitlines()]
    named = {line.split()[1] for line in lines if line.startswith("make ")}
    assert {"demo", "test", "test-cluster"} <= named
    makefile = (ROOT / "Makefile").read_text()
    assert named <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def test_the_documents_of_the_platform_are_those_of_the_examples() -> None:
    for ours, name in zip(
        blocks("yaml", DOCS / "platform.md"),
        ("policy.yaml", "strict.yaml", "lenient.yaml"),
        strict=True,
    ):
        example = (ROOT / "examples" / name).read_text()
        assert list(yaml.safe_load_all(ours)) == list(yaml.safe_load_all(example)), name


def test_the_annotated_deployment_equals_the_example() -> None:
    [whole] = blocks("yaml", DOCS / "applications.md")
    assert whole == (ROOT / "examples" / "chat.yaml").read_text()
    [lines] = blocks("yaml", README)
    assert lines in whole


LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of *page*, as forges and MkDocs make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}


LINKED = [*pages(), ROOT / "benchmarks" / "README.md"]


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    dead = []
    for link in LINK.findall(text) + PICTURE.findall(text):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        exists = target.is_file() and target.is_relative_to(ROOT)
        if not exists or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    todo = [README]
    while todo:
        page = todo.pop()
        seen.add(page)
        for link in LINK.findall(page.read_text()):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.is_file() and target not in seen:
                todo.append(target)
    assert set(pages()) <= seen
