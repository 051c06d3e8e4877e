"""Bodies that are not reviews, and odd bodies."""

import json
import time

import pytest

from tests.server.harness import Server
from tests.server.reviews import body, inside, pod, review

MB = 2**20


def changed(**fields: object) -> bytes:
    return json.dumps(review() | fields).encode()


def without_uid(uid: object = None) -> bytes:
    sent = review()
    del sent["request"]["uid"]
    if uid is not None:
        sent["request"]["uid"] = uid
    return json.dumps(sent).encode()


NO_REVIEWS = {
    "empty": b"",
    "malformed": b'{"apiVersion": ',
    "trailing": body() + b"x",
    "null": b"null",
    "list": b"[]",
    "string": b'"x"',
    "no request": json.dumps({k: v for k, v in review().items() if k != "request"}).encode(),
    "request null": changed(request=None),
    "request list": changed(request=[]),
    "no uid": without_uid(),
    "uid empty": without_uid(""),
    "uid null": changed(request=review()["request"] | {"uid": None}),
    "uid number": without_uid(1),
    "uid 1 MiB": without_uid("x" * MB),
    "v2": changed(apiVersion="admission.k8s.io/v2"),
    "no apiVersion": changed(apiVersion=None),
    "another kind": changed(kind="AdmissionResponse"),
    "BOM": b"\xef\xbb\xbf" + body(),
    "UTF-16": body().decode().encode("utf-16"),
    "not UTF-8": body().replace(b"vllm/vllm-openai", b"vllm/\xff\xfe"),
    "not UTF-8, unread": inside(b'"\xff"'),
    "overlong UTF-8, unread": inside(b'"\xc0\xaf"'),
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep, unclosed": b"[" * 100_000,
    "NaN": inside(b"NaN"),
    "Infinity": inside(b"-Infinity"),
    "single quotes": b"{'apiVersion': 'admission.k8s.io/v1'}",
    "YAML": b"apiVersion: admission.k8s.io/v1\n",
    "NUL bytes": b"\x00" * 100,
}


@pytest.mark.parametrize("sent", NO_REVIEWS.values(), ids=NO_REVIEWS.keys())
def test_a_body_that_is_not_a_review_is_answered_400_and_the_server_continues(
    either: Server, sent: bytes
) -> None:
    # P0 34, P1 49, c1, c2, c8, c11, c14, c15
    answer = either.post(sent)
    assert answer.status == 400
    assert set(answer.json) == {"error"}
    assert len(answer.body) < 400
    assert b"Traceback" not in answer.body
    assert either.post(body()).status == 200


ODD = {
    "deep, unread": inside(b"[" * 100_000 + b"]" * 100_000),
    "deep, unread object": inside(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "deep, metadata": body().replace(
        b'"generateName"', b'"x":' + b"[" * 50_000 + b"]" * 50_000 + b',"generateName"'
    ),
    "5000 digits, unread": inside(b"9" * 5000),
    "5000 digits, read": body().replace(b'"16Gi"', b"9" * 5000),
    "1e400, read": body().replace(b'"16Gi"', b"1e400"),
    "a million digits": inside(b"9" * 1_000_000),
    "lone surrogate, unread": inside(b'"\\ud800"'),
    "lone surrogate, name": body().replace(b'"llm-7d9c5b-"', b'"\\ud800"'),
    "lone surrogate, uid": without_uid("\ud800"),
    "lone surrogate, annotation": body().replace(b'"org/name"', b'"\\udc00x"', 1),
    "reversed pair": body().replace(b'"llm-7d9c5b-"', b'"\\udc00\\ud800"'),
    "NUL": body().replace(b'"vllm"', b'"\\u0000"'),
    "NUL in namespace": body(namespace="\x00"),
    "huge namespace": body(namespace="n" * MB),
    "huge name": body(name="n" * MB),
    "many keys": inside(json.dumps({str(n): n for n in range(100_000)}).encode()),
}


@pytest.mark.parametrize("sent", ODD.values(), ids=ODD.keys())
def test_odd_content_is_answered_and_never_with_500(either: Server, sent: bytes) -> None:
    # P1 49, c8, c13
    answer = either.post(sent)
    assert answer.status in {200, 400}
    if answer.status == 200:
        assert answer.response["uid"] == review()["request"]["uid"]
    assert either.post(body()).status == 200


def test_a_pod_with_1000_containers_volumes_and_variables_is_decided_in_time(
    server: Server,
) -> None:
    # P1 50
    large = pod()
    large["spec"]["volumes"] = [{"name": f"v{n}", "emptyDir": {}} for n in range(1000)]
    large["spec"]["containers"] += [
        {"name": f"c{n}", "image": "a", "env": [{"name": f"E{n}", "value": "x"} for n in range(20)]}
        for n in range(1000)
    ]
    began = time.monotonic()
    answer = server.post(body(large))
    assert time.monotonic() - began < 2
    assert answer.response["allowed"] is True
