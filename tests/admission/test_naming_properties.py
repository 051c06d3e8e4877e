"""Properties of finding and replacing the names of models, for command lines that Hypothesis makes.

A word of a command line is a name in one of the ways in which servers are given one, or a decoy that
only looks like it, or something else.
"""

import json
import re
import shutil
import subprocess
import tracemalloc
from dataclasses import dataclass
from typing import Any, Final

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.admission.admitting import Answer, Json, Webhook, pod_of
from webhook.admission.containers import shell
from webhook.admission.containers.shell_variables import LONGEST
from webhook.admission.containers.texts import expanded, texts_of
from webhook.objects.container import Container, EnvVar

MOST_BYTES = 48 * 2**20
NAME, PATH = "acme/coder", "/models/acme--coder/main"
SERVED = f"--served-model-name={NAME}"
EXAMPLES = settings(max_examples=300)
IMAGES = (
    "vllm/vllm-openai:v0.11.0", "lmsysorg/sglang:v0.5.6", "openmmlab/lmdeploy:v0.18.0",
    "ghcr.io/huggingface/text-generation-inference:3.3.5", "example.com/mine:1",
)  # fmt: skip
TGI = "ghcr.io/huggingface/text-generation-inference:3.3.5"
DECOYS = (
    "acme/coder-large", "acme/coder2", "other/acme/coder", "./acme/coder", "/mnt/acme/coder", "acme/coder/v2",
    "acme/coder.gguf", "https://huggingface.co/acme/coder", "Acme/coder", "acme/coder:Q4_K_M", "acme/coder@v1",
    "hf.co/acme/coder", "acme-coder", "facme/coder", "acme/coder-", f"--served-model-name={NAME}",
    f'{{"name": "{NAME}"}}', f'{{"{NAME}": 1}}', f'{{"text": "serves {NAME} well"}}', f'{{"model": "{NAME}-x"}}',
)  # fmt: skip
FLAGS = (
    "--model", "--model-path", "--model_path", "--model-id", "--tokenizer", "--lora-modules", "--speculative-config",
    "--port", "--seed", "--enforce-eager", "--which",
)  # fmt: skip
WAYS = (
    NAME, f"--model={NAME}", f"--model-path={NAME}", f"--tokenizer={NAME}", f"food={NAME}", f"a=/x,b={NAME}",
    f'{{"model": "{NAME}"}}', f'{{"path":"{NAME}","name":"{NAME}"}}', f'--speculative-config={{"model":"{NAME}"}}',
    f"--which={NAME}", "$(MODEL)", "--model=$(MODEL)", "$(ORG)/coder",
)  # fmt: skip
ENV = [
    {"name": "MODEL", "value": NAME},
    {"name": "ORG", "value": "acme"},
    {"name": "CITED", "value": "it serves acme/coder"},
]
WORD = st.one_of(
    st.sampled_from(WAYS), st.sampled_from(WAYS), st.sampled_from(DECOYS), st.sampled_from(FLAGS),
    st.text(alphabet="ab/=-{}\"', $()", max_size=6),
)  # fmt: skip
COMMANDS: tuple[list[str], ...] = (
    [], ["vllm", "serve"], ["python3", "-m", "sglang.launch_server"], ["lmdeploy", "serve", "api_server"],
    ["python", "app.py"],
)  # fmt: skip


@dataclass(frozen=True)
class Reviewed:
    """A container before and after a review, and the review."""

    before: Json
    after: Json
    answer: Answer

    def words(self, container: Json) -> list[str]:
        """The words of a container, as the kubelet would expand them."""
        values = {e["name"]: e["value"] for e in container["env"]}
        raws = [*(container.get("command") or ()), *(container.get("args") or ())]
        return [kubelet(raw, values) for raw in raws]


def reviewed(container: Json, **asked: str) -> Reviewed:
    before = {"image": IMAGES[0], "env": ENV, **container}
    asked = {"strategy": "pvc", "rewrite_args": "true", **asked}
    answer = Webhook().admit(pod_of(asked, container=before))
    assert answer.allowed, answer.denial
    return Reviewed(before, answer.container(), answer)


def kubelet(text: str, values: dict[str, str]) -> str:
    """Expand *text* as expansion.go of Kubernetes does: a transcription of it."""
    out, checkpoint, cursor = "", 0, 0
    while cursor < len(text):
        if text[cursor] == "$" and cursor + 1 < len(text):
            out += text[checkpoint:cursor]
            read, is_variable, advance = _reference(text[cursor + 1 :])
            out += values.get(read, f"$({read})") if is_variable else read
            cursor += advance
            checkpoint = cursor + 1
        cursor += 1
    return out + text[checkpoint:]


def _reference(text: str) -> tuple[str, bool, int]:
    if text[0] == "$":
        return "$", False, 1
    if text[0] == "(":
        end = text.find(")")
        return (text[1:end], True, end + 1) if end > 0 else ("$(", False, 1)
    return "$" + text[0], False, 1


@settings(max_examples=1000)
@given(
    st.text(alphabet="$()AB x\n", max_size=14),
    st.fixed_dictionaries({"A": st.text(alphabet="$(B)y"), "B": st.just("b")}),
)
@example("$(A $(B))", {"A": "a", "B": "b"})
@example("$(A$(B))$$(B)$", {"A": "a", "B": "b"})
def test_variables_are_replaced_as_the_kubelet_does(raw: str, values: dict[str, str]) -> None:
    assert expanded(raw, values)[0] == kubelet(raw, values)


@EXAMPLES
@given(st.lists(st.sampled_from(["$(A)", "$(B)", "$$", "x", "y", "$x"])).map("".join), st.data())
def test_a_place_in_the_expanded_text_is_found_in_the_raw_one(
    raw: str, data: st.DataObject
) -> None:
    values = {"A": "one", "B": ""}
    env = tuple(EnvVar(name=name, value=value) for name, value in values.items())
    (text,) = texts_of(Container(args=(raw,), env=env)).words
    start = data.draw(st.integers(0, len(text.text)))
    end = data.draw(st.integers(start, len(text.text)))
    assume(start < end)
    if span := text.span(start, end):
        changed = raw[: span[0]] + "#" + raw[span[1] :]
        assert kubelet(changed, values) == text.text[:start] + "#" + text.text[end:]


@settings(max_examples=500)
@given(st.sampled_from(IMAGES), st.sampled_from(COMMANDS), st.lists(WORD, max_size=7))
def test_only_the_name_is_replaced_and_one_word_added(
    image: str, command: list[str], args: list[str]
) -> None:
    found = reviewed({"image": image, "command": command or None, "args": args})
    before, after = found.words(found.before), found.words(found.after)
    added = [
        word for word in after if word.partition("=")[0] in ("--served-model-name", "--model-name")
    ]
    if len(after) > len(before):
        (at,) = [
            i for i, word in enumerate(after) if PATH in word and after[i + 1 : i + 2] == added[-1:]
        ][:1]
        assert after.pop(at + 1).endswith(f"={NAME}")
    assert [word.replace(PATH, NAME) for word in after] == before
    for old, new in zip(before, after, strict=True):
        if old in DECOYS:
            assert new == old
        assert is_in_place(new)
    again = Webhook().admit(found.answer.admitted, raw=True)
    assert again.adds_nothing


def is_in_place(word: str) -> bool:
    """Whether each path in *word* is a whole value: nothing is joined to it but = , or quotes."""
    return all(
        word[: m.start()][-1:] in ("", "=", ",", '"', "'", " ")
        and word[m.end() :][:1] in ("", ",", '"', "'", " ")
        for m in re.finditer(re.escape(PATH), word)
    )


@EXAMPLES
@given(
    st.sampled_from(IMAGES),
    st.lists(st.tuples(st.sampled_from(FLAGS), st.sampled_from(["", *DECOYS])), max_size=5),
)
def test_what_only_looks_like_the_name_is_never_replaced(
    image: str, pairs: list[tuple[str, str]]
) -> None:
    args = [word for pair in pairs for word in pair]
    found = reviewed({"image": image, "args": args, "env": []})
    assert found.after["args"] == args


@EXAMPLES
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["MODEL_ID", "MODEL", "LORA_ADAPTERS", "WHICH"]),
            st.sampled_from([*WAYS, *DECOYS]),
        ),
        unique_by=lambda pair: pair[0],
    ),
    st.sampled_from(IMAGES),
)
@example([("MODEL", NAME), ("LORA_ADAPTERS", "$(MODEL)")], TGI)
def test_a_variable_changes_only_where_the_server_reads_the_name(
    pairs: list[tuple[str, str]], image: str
) -> None:
    env = [{"name": name, "value": value} for name, value in pairs]
    found = reviewed({"image": image, "env": env, "args": None})
    own = {name for name, _ in pairs}
    after = [(e["name"], e["value"]) for e in found.after["env"] if e["name"] in own]
    known: dict[str, str] = {}
    for (name, value), (same, old) in zip(after, pairs, strict=True):
        known[name] = kubelet(old, known)
        assert name == same
        assert value == old or value.replace(PATH, NAME) in (old, known[name])
    assert all(
        value == old or name in ("MODEL_ID", "LORA_ADAPTERS")
        for (name, value), (_, old) in zip(after, pairs, strict=True)
    )


SHELL_WORD = st.sampled_from(
    ["vllm", "serve", "exec", NAME, f"'{NAME}'", f'"{NAME}"', f"--model={NAME}", f"--model '{NAME}'",
     "acme/coder-large", f"M={NAME}", "$M", '"$M"', "&&", "||", ";", "|", "--port", "80", "'a b'", f"# {NAME}", "\\\n",
     "\n", "(", ")", f"\\{NAME}", f"x{NAME}", f"{NAME}/", f'"serve {NAME}"', f"$(echo {NAME})", f"`echo {NAME}`",
     f"{NAME};", f"{NAME}>log", f"{{{NAME},b}}", f"'{NAME}", "vllm serve", f"vllm serve {NAME}", "*"]
)  # fmt: skip
BASH: Final = shutil.which("bash") or "/bin/bash"
SAY: Final = """
command_not_found_handle() { printf '%s\\0' "$@" '<end>'; }
exec() { "$@"; }
cd /; shopt -s nullglob
"""


def as_bash_reads(text: str) -> tuple[int, list[str]]:
    """Run *text* in a bash in which every command prints its words; return them."""
    done = subprocess.run(
        [BASH, "--norc", "-r", "-c", SAY + text], env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.split("\0")


@settings(max_examples=150)
@given(st.lists(SHELL_WORD, max_size=7))
def test_bash_reads_the_same_words_but_for_the_name(words: list[str]) -> None:
    text = " ".join(["vllm serve", *words])
    found = reviewed({"command": ["sh", "-c", text], "args": None, "env": []})
    new = found.after["command"][2]
    if new == text:
        return
    (status, before), (after_status, after) = as_bash_reads(text), as_bash_reads(new)
    assert after_status == status
    if SERVED in after:
        after.remove(SERVED)
    assert [word.replace(PATH, NAME) for word in after] == before
    assert all(is_in_place(word) for word in after)
    assert Webhook().admit(found.answer.admitted, raw=True).adds_nothing


ODD = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["'", '"', "\\", "$(", "$((", "`", "<<EOF\nacme/coder\nEOF", "\x00acme/coder", "\u202eacme/coder", "{", "[" * 3000,
         '{"model":' * 1500, "acme/coder " * 3000, "'acme/coder" * 999, "$(MODEL)" * 3000, "$(" * 9000, "[" * 900 + "]" * 900,
         '{"a":' * 900 + '"acme/coder"' + "}" * 900, "{" + '"acme/coder",' * 2000 + "}", "1" * 5000, "[" + "1" * 5000 + "]",
         "--model=", "=", "--=acme/coder", "-", "--", "acme/coder=acme/coder", "acme/coder\\", "#acme/coder"]
    ),
)  # fmt: skip


@settings(max_examples=200)
@given(st.lists(ODD, max_size=5), st.lists(ODD, max_size=3), st.booleans(), st.sampled_from(IMAGES))
def test_no_text_makes_a_review_fail_or_take_long(
    words: list[str], values: list[str], by_shell: bool, image: str
) -> None:
    env = [{"name": f"V{i}", "value": value} for i, value in enumerate(values)]
    env += [{"name": "MODEL_ID", "value": values[0]}] if values else []
    container = {
        "image": image,
        "command": ["sh", "-c"] if by_shell else None,
        "args": words,
        "env": env,
    }
    before = shell.split.cache_info().misses
    asked = {"model": "acme/coder,acme/draft", "strategy": "pvc", "rewrite_args": "true"}
    answer = Webhook().admit(pod_of(asked, container=container))
    assert answer.result == "injected"
    assert shell.split.cache_info().misses - before <= 1 + 2, "once as it is, once for each model"
    assert Webhook().admit(answer.admitted, raw=True).adds_nothing


def test_variables_that_grow_without_end_are_left() -> None:
    env = [EnvVar(name="V0", value="acme/coder " * 90)]
    env += [EnvVar(name=f"V{i}", value=f"$(V{i - 1})$(V{i - 1})") for i in range(1, 400)]
    found = texts_of(Container(env=tuple(env), args=("$(V399)",)))
    assert max(len(text.text) for text in found.variables) <= LONGEST
    assert sum(len(text.text) for text in found.variables) < 3 << 20


SCRIPTS = [
    "$SERVE acme/$NAME --port ${PORT:-80}",
    'A=(--model "$ORG/$NAME" --port 80)\nvllm serve "${A[@]}" --x',
    'A=()\nA+=(serve)\nA+=("$ORG/$NAME")\nvllm "${A[@]}"',
    'A="--a b"; A="$A --c d"; A+=" --e $NAME"; vllm serve $A',
    'set -- serve $ORG/$NAME; set -- "$@" --x; vllm "$@"',
    'run() { local m=$1; vllm serve "$m" $2; }; run $ORG/$NAME --x',
    "function run { vllm serve $1; }; run $ORG/$NAME",
    "vllm serve acme/coder --name a#b \"c # d\" '#e' # f",
    'vllm serve --json "$JSON" ${NAME:?is not set}',
    ": ${A:=$NAME}; vllm serve $A ${B:=c}",
    'CMD=(vllm serve x); "${CMD[@]}" --y',
]
SCRIPT_ENV = {"SERVE": "vllm serve", "ORG": "acme", "NAME": "coder", "JSON": '{"a": "b c"}'}


@pytest.mark.parametrize("script", SCRIPTS)
def test_bash_gives_a_server_the_same_words(script: str) -> None:
    stub = "vllm() { printf '%s\\0' vllm \"$@\"; }\n"
    run = subprocess.run(
        ["bash", "-c", stub + script], check=True, capture_output=True, text=True, env=SCRIPT_ENV
    )
    given = tuple(run.stdout.split("\0")[:-1])
    env = tuple(EnvVar(name=name, value=value) for name, value in SCRIPT_ENV.items())
    found = texts_of(Container(command=("bash", "-c", script), env=env)).shell
    assert found
    assert given in found.commands


GROWING = {
    "one value in many variables": "".join(f"A{i}=$BIG;" for i in range(2500)),
    "a variable that is added to itself": "A=aa;" + "A+=$A;" * 4000,
    "an array that has itself twice": 'A=("${A[@]}" "${A[@]}" a);' * 900,
    "words that are set from themselves": "set -- a b;" + 'set -- "$@" "$@";' * 1500,
    "several values of each variable": "if x; then A=1; A=2; A=3;" + "echo $A$A$A;" * 2000,
}


@pytest.mark.parametrize("program", GROWING.values(), ids=GROWING)
def test_variables_of_a_shell_that_grow_without_end_are_left(program: str) -> None:
    container = Container(
        name="c",
        command=("sh", "-c", program),
        env=(EnvVar(name="BIG", value="x" * (LONGEST - 1)),),
    )
    tracemalloc.start()
    texts_of(container)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MOST_BYTES


def test_a_deep_document_names_its_models() -> None:
    deep = 400
    document: Any = {"model": "acme/other"}
    for _ in range(deep):
        document = [document]
    args = ["--model=acme/coder", f"--speculative-config={json.dumps(document)}"]
    answer = Webhook().admit(
        pod_of({"strategy": "pvc"}, container={"image": IMAGES[0], "args": args})
    )
    assert answer.codes == ["MC118"]
