"""Each row of corpus.yaml, through the webhook: outcome, places, changes and warnings.

The table of docs/naming-a-model.md is made from the same rows.
"""

import json
import re
from itertools import groupby
from typing import Final

import msgspec
import pytest

from tests.admission.admitting import Json, Webhook, facts_of
from tests.admission.corpus import PATHS, ROOT, Row, rows
from tests.docs.manual import hold, table
from webhook.admission.containers.mentions import mentions
from webhook.admission.containers.servers import SERVERS
from webhook.admission.containers.servers.recognition import server_of
from webhook.admission.containers.texts import texts_of
from webhook.objects.container import Container

CORPUS: Final = list(rows())
LEAST: Final = 150
FIELDS: Final = ("command", "args", "env")


def named(row: Row) -> str:
    return f"{row.server or 'unknown'}: {row.how}"


@pytest.fixture(params=CORPUS, ids=named)
def row(request: pytest.FixtureRequest) -> Row:
    found: Row = request.param
    return found


@pytest.fixture
def webhook() -> Webhook:
    return Webhook(facts=facts_of({"kube_version": "1.35"}))


def test_the_corpus_is_large_and_has_no_row_twice() -> None:
    names = [named(row) for row in CORPUS]
    assert len(names) >= LEAST
    assert len(set(names)) == len(names)
    inputs = [json.dumps(row.pod, sort_keys=True) for row in CORPUS]
    assert len(set(inputs)) == len(inputs)


def test_every_server_has_rows() -> None:
    assert {server.name for server in SERVERS} <= {row.server for row in CORPUS}


def test_the_server_is_recognised(row: Row) -> None:
    assert server_of(container_of(row)).name == row.server


def test_the_outcome_is_right(row: Row, webhook: Webhook) -> None:
    answer = webhook.admit(row.pod)
    assert answer.allowed, answer.denial
    (outcomes,) = webhook.lines[-1]["models"].values()
    assert list(outcomes) == row.outcomes
    assert answer.codes == row.warns


def test_the_places_are_found(row: Row) -> None:
    container = container_of(row)
    found = [
        mention.text.place
        for model in row.models
        for mention in mentions(texts_of(container), server_of(container), model.partition("@")[0])
    ]
    assert found == row.at


def test_nothing_changes_but_what_the_row_says(row: Row, webhook: Webhook) -> None:
    answer = webhook.admit(row.pod)
    container = answer.container()
    wanted = {field: row.container.get(field) for field in FIELDS} | row.after
    assert container.get("command") == wanted["command"]
    assert container.get("args") == wanted["args"]
    own = {entry["name"] for entry in row.container["env"]}
    assert [entry for entry in container["env"] if entry["name"] in own] == wanted["env"]
    ours = {e["name"]: e["value"] for e in container["env"] if e["name"] not in own}
    paths = {k: v for k, v in ours.items() if k.startswith("MODELCACHE_PATH")}
    assert {k: v for k, v in ours.items() if k not in paths} == row.sets
    if row.asked.get("layout") != "hf-cache":
        assert list(ours)[: len(paths)] == list(paths), "they come first"


def test_the_caches_are_where_the_server_looks(row: Row, webhook: Webhook) -> None:
    folders = ["models--" + model.partition("@")[0].replace("/", "--") for model in row.models]
    cached = [f for f, outcome in zip(folders, row.outcomes, strict=True) if outcome == "cache"]
    wanted = {f"{root}/{folder}" for root in row.roots for folder in cached}
    mounts = webhook.admit(row.pod).container()["volumeMounts"]
    assert {m["mountPath"] for m in mounts if "/models--" in m["mountPath"]} == wanted
    assert all(m["readOnly"] for m in mounts if m["name"].startswith("modelcache-"))


def test_a_second_review_adds_nothing(row: Row, webhook: Webhook) -> None:
    answer = webhook.admit(row.pod)
    again = webhook.admit(answer.admitted, raw=True)
    assert again.adds_nothing, again.operations


def test_a_message_says_where_the_name_is(row: Row, webhook: Webhook) -> None:
    messages = [w for w in webhook.admit(row.pod).warnings if w.startswith("MC116")]
    assert len(messages) == row.outcomes.count("downloads")
    for message in messages:
        assert any(place in message for place in row.at)
        assert "$(MODELCACHE_PATH)" in message or "$MODELCACHE_PATH" in message


def container_of(row: Row) -> Container:
    container: Json = row.pod["spec"]["containers"][0]
    return msgspec.convert(container, Container)


def test_the_page_shows_the_corpus(update: bool) -> None:
    parts = []
    for server, group in groupby(CORPUS, key=lambda row: row.server):
        parts += [f"## {server or 'Other programs'}\n", shown(list(group)), ""]
    hold("corpus", "\n".join(parts).rstrip(), update=update)


def shown(group: list[Row]) -> str:
    head = ("the model is named by", "for example", "outcome", "then")
    return table(head, *((row.how, example(row), outcome(row), then(row)) for row in group))


def example(row: Row) -> str:
    """Return what the author writes that matters."""
    asked = [f"`{name}: {value}`" for name, value in row.asked.items() if name != "image"]
    variables = [f"`{e['name']}={e.get('value', '…')}`" for e in row.container["env"]]
    words = [*(row.container.get("command") or ()), *(row.container.get("args") or ())]
    command = [f"`{marked(joined(words))}`"] if words else []
    return ", ".join((*map(marked, variables), *command, *asked)) or "-"


def outcome(row: Row) -> str:
    return ", ".join(f"`{found}`" for found in row.outcomes)


def then(row: Row) -> str:
    """Return what changes, and which warnings there are."""
    found = []
    if row.roots != [ROOT]:
        found += [f"cache in `{root}`" for root in row.roots]
    for field in ("command", "args"):
        if field in row.after:
            found.append(f"`{marked(joined(row.after[field]))}`")
    found += [f"`{e['name']}={marked(e['value'])}`" for e in row.after.get("env", ())]
    if "cache" not in row.outcomes:
        found += [f"`{name}={marked(value)}`" for name, value in row.sets.items()]
    found += [f"[{code}](codes/{code}.md)" for code in row.warns]
    return ", ".join(found) or "-"


def joined(words: list[str]) -> str:
    return " ".join(re.sub(r"\\?\n *", "", word) if word else "''" for word in words)


def marked(text: str) -> str:
    """Return *text* with short names for the paths of the models."""
    for mark, path in zip(("<path>", "<path 2>"), PATHS.values(), strict=True):
        text = text.replace(path, mark)
    return text
