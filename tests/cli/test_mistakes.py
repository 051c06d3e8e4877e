"""Mistakes in what people type: messages name place, fault and remedy, without a traceback."""

from pathlib import Path

import pytest

from tests.cli.command import FOREIGN, POD, modelcache, workload

BROKEN = {
    "an unclosed list": ("a: [1", "STDIN, line 1: is not YAML: "),
    "a tab": ("a:\n  b: 1\n\tc: 2\n", "STDIN, line 3: is not YAML: found character '\\t'"),
    "a duplicate key": ("a: 1\nb: 2\na: 3\n", 'line 3: is not YAML: found duplicate key "a"'),
    "an alias of nothing": ("a: *b", "line 1: is not YAML: found undefined alias 'b'"),
    "an impossible date": ("a: 2026-99-99", "STDIN: is not YAML: month must be in 1..12"),
    "no integer": ("a: !!int x", "STDIN: is not YAML: invalid literal for int()"),
    "a merge of no mapping": ("<<: 1", "line 1: is not YAML: expected a mapping"),
    "a nul": ("a: \0", "STDIN: is not YAML: unacceptable character"),
    "a nest": ("[" * 1000, "STDIN: is nested too deeply"),
    "a nest in JSON": ('{"a":' * 20_000, "STDIN: is nested too deeply"),
    "a missing comma": ('{\n"a": [}', "STDIN, line 2: is not JSON: "),
    "a JSON key given twice": ('{"a": 1, "a": 2}', 'is not JSON: found duplicate key "a"'),
    "NaN in JSON": ('{"a": NaN}', "is not JSON: NaN is not a number"),
    "the second of two": ("a: 1\n---\n# c\n\na: [\n", "STDIN, document 2, line 6: is not YAML: "),
    "one after a directive": ("%YAML 1.2\n---\na: [\n", "STDIN, line 4: is not YAML: "),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("command", ["inject", "check"])
def test_text_that_is_not_yaml_is_named_with_its_line(command: str, name: str) -> None:
    text, expected = BROKEN[name]
    ran = modelcache(command, "-f", "-", stdin=text)
    assert (ran.status, ran.out) == (2, "")
    assert expected in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("option", ["-f", "--cluster", "--policy"])
def test_broken_text_is_named_for_every_option(option: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("a: 1\nb: [\n")
    ran = modelcache("inject", *(() if option == "-f" else ("-f", "-")), option, file)
    assert ran.status == 2
    assert f"{file}, line 3: is not YAML" in ran.err


def test_all_mistakes_are_reported_at_once_and_nothing_is_printed(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(FOREIGN + "---\na: [\n---\nb: ]\n")
    (tmp_path / "b.yaml").write_text(POD.replace("phi", "x") + "---\n{")
    (tmp_path / "c.yaml").write_text(POD.replace("strategy: pvc", "read-only: true"))
    ran = modelcache("inject", "-f", tmp_path)
    assert (ran.status, ran.out) == (2, "")
    places = [line.split(": ")[1] for line in ran.err.splitlines()]
    assert [p.removeprefix(f"{tmp_path}/") for p in places] == [
        "a.yaml, document 2, line 6", "a.yaml, document 3, line 7", "b.yaml, document 2, line 16",
        "c.yaml, line 7",
    ]  # fmt: skip


def test_every_value_of_a_wrong_type_is_named_with_its_line() -> None:
    pod = POD.replace("strategy: pvc", "read-only: true\n    modelcache.io/verify: yes").replace(
        "args: [--model, $(MODELCACHE_PATH)]", "args: [--port, 8000]\n      env: {A: b}"
    )
    ran = modelcache("inject", "-f", "-", stdin=pod)
    assert ran.status == 2
    assert ran.err.splitlines() == [
        (
            'modelcache: STDIN, line 7: pod/llama: metadata.annotations["modelcache.io/read-only"]: '
            'must be a string, not a boolean: write it in quotes, such as "true"'
        ),
        (
            'modelcache: STDIN, line 8: pod/llama: metadata.annotations["modelcache.io/verify"]: '
            'must be a string, not a boolean: write it in quotes, such as "true"'
        ),
        (
            "modelcache: STDIN, line 13: pod/llama: spec.containers[0].args[1]: "
            'must be a string, not a number: write it in quotes, such as "8000"'
        ),
        (
            "modelcache: STDIN, line 14: pod/llama: spec.containers[0].env: "
            "must be a list, not a mapping"
        ),
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("spec:\n", "spec: []\nx:\n", "spec: must be a mapping, not a list"),
        ("  containers:\n", "  containers: null\n  x:\n", None),
        ("  containers:\n", "  containers: hello\n  x:\n", "spec.containers: must be a list, not a string"),
        ("  containers:\n", "  containers: [null]\n  x:\n", "spec.containers[0]: must be a mapping, not null"),
        ("apiVersion: v1\n", "", "apiVersion: must be v1 for a Pod"),
        ("apiVersion: v1\n", "apiVersion: 1\n", "apiVersion: must be v1 for a Pod"),
        ("memory: 24Gi", "memory: [1]", "resources.limits.memory: must be a "),
        ("memory: 24Gi", "memory: .nan", "nan is not a number that JSON knows"),
        ("name: vllm", 'name: "\\ud800"', "has an unpaired surrogate"),
    ],
)  # fmt: skip
def test_an_object_of_the_wrong_shape_is_a_mistake(
    old: str, new: str, expected: str | None
) -> None:
    ran = modelcache("inject", "-f", "-", stdin=POD.replace(old, new, 1))
    assert ran.status == (2 if expected else 0), ran.err
    assert (expected or "") in ran.err


def test_a_mistake_in_an_item_of_a_list_has_the_line_of_the_item() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n" + "".join(
        f"  {'- ' if i == 0 else '  '}{line}"
        for i, line in enumerate(POD.splitlines(keepends=True))
    )
    ran = modelcache("inject", "-f", "-", stdin=text.replace("strategy: pvc", "verify: 1"))
    assert "STDIN, line 10: pod/llama: metadata.annotations" in ran.err


def test_aliases_that_expand_to_very_many_values_are_stopped() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
    )
    ran = modelcache("inject", "-f", "-", stdin=POD + bomb)
    assert ran.status == 2
    assert "STDIN: expands to more than 1000000 values" in ran.err


def test_an_alias_of_itself_is_stopped() -> None:
    ran = modelcache("inject", "-f", "-", stdin=POD + "x: &a\n  y: *a\n")
    assert ran.status == 2
    assert (
        ran.err
        == "modelcache: STDIN, line 16: is not YAML: an alias refers to something that contains it\n"
    )


def test_files_that_can_not_be_read_are_all_named(tmp_path: Path) -> None:
    binary, empty = tmp_path / "binary", tmp_path / "empty"
    binary.write_bytes(b"a: b\n\xff\xfe\x00")
    empty.mkdir()
    ran = modelcache(
        "inject", "-f", tmp_path / "no", "-f", "/proc/self/mem", "-f", binary, "-f", empty,
        "--cluster", tmp_path / "none",
    )  # fmt: skip
    assert ran.status == 2
    assert ran.err.splitlines() == [
        f"modelcache: {tmp_path}/none: No such file or directory",
        f"modelcache: {tmp_path}/no: No such file or directory",
        "modelcache: /proc/self/mem: Input/output error",
        f"modelcache: {binary}, line 2: is not text: must be YAML or JSON in UTF-8",
        f"modelcache: {empty}: holds no file that ends in .yaml, .yml, .json",
    ]


@pytest.mark.parametrize(
    "text", ["", "\n", "# only a comment\n", "---\n---\n...\n", "null\n", "1", "[]"]
)
def test_documents_without_an_object_are_not_a_mistake(text: str) -> None:
    ran = modelcache("inject", "-f", "-", stdin=text)
    assert (ran.status, ran.out, ran.err) == (0, text, "")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("kind: Secret\nmetadata: {name: x}\n", '"Secret" is not used here: give Namespace, '),
        ("[1]\n", "is not a Kubernetes object"),
        ("kind: Namespace\n", "namespace: metadata: is missing"),
        ("kind: Namespace\nmetadata: {name: 1}\n", "namespace: metadata.name: must be a string"),
        ("kind: Node\nmetadata: {name: n, labels: {a: true}}\n", "node: metadata.labels.a: must be"),
        ("kind: LimitRange\nmetadata: {name: n}\nspec: {limits: {}}\n", "spec.limits: must be a list"),
        (
            "kind: LimitRange\nmetadata: {name: n}\nspec: {limits: [{type: Pod, max: {memory: 8GB}}]}\n",
            'limitrange: spec.limits[0].max.memory: "8GB" is not a quantity',
        ),
        (
            "kind: ResourceQuota\nmetadata: {name: q}\nspec: {hard: {limits.memory: lots}}\n",
            'resourcequota: spec.hard.limits.memory: "lots" is not a quantity',
        ),
        ("apiVersion: modelcache.io/v1alpha1\nkind: CachedModel\nmetadata: []\n", "metadata: must be"),
        (
            "apiVersion: modelcache.io/v1alpha1\nkind: CachedModel\nmetadata: {name: m}\nspec: {}\n",
            "source",
        ),
        (
            ("apiVersion: modelcache.io/v1alpha1\nkind: CachePolicy\nmetadata: {name: p}\n"
            "spec: {rules: [{}]}\n"),
            "spec.rules: must be a mapping, not a list",
        ),
    ],
)  # fmt: skip
def test_a_file_that_does_not_describe_a_cluster_is_refused(
    document: str, expected: str, tmp_path: Path
) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text(document)
    ran = modelcache("inject", "-f", "-", "--cluster", file, stdin=POD)
    assert (ran.status, ran.out) == (2, "")
    assert f"{file}: " in ran.err
    assert expected in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("inject",),
        ("inject", "-f", "-", "-o", "xml"),
        ("inject", "-f", "-", "--kube-version", "latest"),
        ("inject", "-f", "-", "--nonsense"),
        ("nonsense",),
        ("check",),
        ("copy", "/only-one"),
        ("serve",),
        ("serve", "--dev", "--cert", "x"),
        ("serve", "--dev", "--port", "70000"),
        ("serve", "--cert", "/no", "--key", "/no"),
    ],
)
def test_wrong_usage_has_status_2(arguments: tuple[str, ...]) -> None:
    ran = modelcache(*arguments)
    assert ran.status == 2
    assert ran.err


def test_control_characters_of_the_input_never_reach_the_terminal() -> None:
    ran = modelcache(
        "check", "-f", "-", stdin=workload("Job").replace("name: llama", 'name: "\\e[2J"')
    )
    assert "\x1b" not in ran.out + ran.err
