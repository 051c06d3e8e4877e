"""The log: what it must say, and what it must not."""

import json
import time

import pytest

from tests.server.conftest import Start
from tests.server.connection import request
from tests.server.harness import Server, eventually
from tests.server.reviews import MODEL, OPT_IN, body, pod

SECRET = "hunter2-s3cr3t"


def test_each_decision_is_one_line_with_the_result_and_the_reason(server: Server) -> None:
    # P1 86, P1 54
    sent = pod(OPT_IN | {"modelcache.io/no-such-thing": "x"})
    server.post(body(sent, uid="line 1", dryRun=True))
    line = server.decision("line 1")
    milliseconds = line.pop("ms")
    assert 0 < milliseconds < 1000
    assert line.pop("time").endswith("Z")
    assert line.pop("operations") > 0
    assert "MC" in line["codes"][0]
    line.pop("codes")
    assert line == {
        "event": "decision",
        "uid": "line 1",
        "namespace": "inference",
        "name": "llm-7d9c5b-",
        "owner": "ReplicaSet/llm-7d9c5b",
        "operation": "CREATE",
        "result": "injected",
        "reason": "pvc",
        "models": {"vllm": ["cache"]},
        "findings": [],
        "dry_run": True,
    }


@pytest.mark.parametrize("form", ["json", "text"])
def test_each_review_is_one_line_in_either_form(start: Start, form: str) -> None:
    # P1 86
    server = start("--shutdown-delay", "0", "--log-format", form)
    sent = [
        body(uid="injected"),
        body(pod({}), uid="skipped"),
        body(pod(OPT_IN | {"modelcache.io/memory": "?"}), uid="denied"),
    ]
    for one in sent:
        server.post(one)
    server.post(b"no review")
    server.stop()
    lines = [line.decode() for line in server.lines]
    for uid in ("injected", "skipped", "denied"):
        (line,) = [line for line in lines if uid in line]
        assert f'"uid":"{uid}"' in line or f" uid='{uid}' " in line
        assert (" decision " in line) is (form == "text")
        assert line.count(uid) == 2  # as its uid, and as its result
    assert len(lines) == len(sent) + 3  # serving, draining, stopped


def test_the_name_of_the_request_is_logged_before_the_generated_one(server: Server) -> None:
    # P1 54
    server.post(body(uid="named", name="given"))
    server.post(body(pod({}, name="plain", generateName=None, ownerReferences=None), uid="plain"))
    assert server.decision("named")["name"] == "given"
    line = server.decision("plain")
    assert (line["name"], line["owner"], line["reason"]) == ("plain", "", "not_requested")


def test_a_denial_is_logged_with_its_codes_only(server: Server) -> None:
    # P1 86
    server.post(body(pod(OPT_IN | {"modelcache.io/memory": SECRET}), uid="denied"))
    line = server.decision("denied")
    assert (line["result"], line["reason"]) == ("denied", "invalid")
    assert all(code.startswith("MC") and code[2:].isdigit() for code in line["codes"])
    assert SECRET not in json.dumps(line)


def everything_secret() -> list[bytes]:
    """Return reviews with SECRET in every place where a person might have put a secret."""
    secret = pod(OPT_IN | {"example.org/token": SECRET})
    container = secret["spec"]["containers"][0]
    container["env"] = [{"name": "HF_TOKEN", "value": SECRET}]
    container["args"] = ["--api-key", SECRET]
    container["command"] = ["vllm", SECRET]
    container["image"] = f"registry.example/{SECRET}"
    secret["metadata"]["labels"] = {"a": SECRET}
    valid = body(secret, userInfo={"username": SECRET, "extra": {"a": [SECRET]}})
    name = json.dumps(SECRET).encode()
    return [
        name,
        SECRET.encode(),
        b'{"apiVersion": ' + name + b"}",
        b'{"request": {"uid": [' + name + b"]}}",
        b'{"request": {"uid": "\xff' + SECRET.encode() + b'"}}',
        valid,
        valid.replace(b'"pvc"', b'"nothing"'),
        valid.replace(b'"CREATE"', b'"DELETE"'),
        valid.replace(b'"vllm"', b"[" + name + b"]"),
        valid.replace(b'"16Gi"', b"[" + name + b"]"),
        valid[:-20],
        valid[:-20] + name + valid[-20:],
        valid.replace(name, name[:-1] + b"\xff" + name[-1:]),
        valid.replace(b'"uid"', b'"Uid"'),
        valid.replace(b'"namespace"', name + b': {"a": 1}, "namespace"'),
    ]


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize(
    "changes",
    [None, {"webhook.server.reviews.kept_answers.admit": {"raises": SECRET}}],
    ids=["", "with a fault"],
)
def test_no_secret_reaches_the_log_or_an_answer(
    start: Start, form: str, changes: dict[str, object] | None
) -> None:
    # P1 86, c50, c52
    server = start("--shutdown-delay", "0", "--log-format", form, "--self-check", changes=changes)
    for sent in everything_secret():
        answer = server.post(sent)
        assert SECRET.encode() not in answer.body
        assert SECRET not in str(answer.headers)
    for raw in (request(everything_secret()[0], path=f"/{SECRET}"), SECRET.encode() * 100):
        with server.connect() as connection:
            connection.send(raw)
            assert connection.answer().status in {400, 404}
    assert SECRET.encode() not in server.health("/metrics").body
    server.stop()
    assert len(server.lines) >= 5
    assert SECRET.encode() not in b"".join(server.lines)


def test_a_refused_value_is_quoted_in_short_and_only_to_its_author(server: Server) -> None:
    # P1 86
    answer = server.post(body(pod(OPT_IN | {"modelcache.io/memory": SECRET + "x" * 500}), uid="q"))
    assert len(answer.response["status"]["message"]) < 250
    assert SECRET not in json.dumps(server.decision("q"))


@pytest.mark.parametrize("form", ["json", "text"])
def test_control_characters_stay_on_their_line(start: Start, form: str) -> None:
    # c13
    server = start("--shutdown-delay", "0", "--log-format", form)
    evil = '\x1b[31m\r\n{"event":"decision"}\x00\u202e\x9b'
    owner = {"apiVersion": "v1", "kind": evil, "name": evil, "uid": "1"}
    server.post(body(pod(MODEL, ownerReferences=[owner]), uid=evil, name=evil, namespace=evil))
    server.stop()
    (line,) = [line for line in server.lines if b" decision " in line or b'"decision"' in line]
    assert all(byte == 0x0A or 0x20 <= byte < 0x7F or byte > 0xA0 for byte in line[:-1])
    if form == "json":
        assert json.loads(line)["uid"] == evil


def test_every_line_is_json(start: Start) -> None:
    # P1 86, c33
    server = start("--shutdown-delay", "0")
    for sent in (b"no http\r\n\r\n", request(body())[:50], b""):
        for connection in (server.connect(), server.plain()):
            with connection:
                connection.send(sent)
                time.sleep(0.05)
    server.post(body())
    server.stop()
    assert [json.loads(line)["event"] for line in server.lines] == [
        "serving", "decision", "draining", "stopped"
    ]  # fmt: skip


def test_a_log_that_is_not_read_delays_neither_reviews_nor_the_exit(start: Start) -> None:
    # P1 86: a pipe holds 64 KB, which 300 lines of a decision fill
    server = start("--shutdown-delay", "0", read_log=False)
    began = time.monotonic()
    for number in range(800):
        assert server.post(body(uid=f"{number}" * 40)).status == 200
    with server.connect() as connection:
        connection.send(b"no http\r\n\r\n")
        assert connection.answer().status == 400
    assert server.post(body()).status == 200
    assert time.monotonic() - began < 20
    assert server.health("/livez").status == 200
    server.signal()
    assert server.ended(6) == 0


def test_a_log_whose_reader_has_gone_does_not_end_the_server(start: Start) -> None:
    # P1 86
    server = start("--shutdown-delay", "0", read_log=False)
    assert server.process.stderr
    eventually(lambda: not server.reads)
    server.process.stderr.close()
    server.process.stderr = None
    for _ in range(3):
        assert server.post(body()).status == 200
        time.sleep(0.1)
    assert server.stop() == 0
