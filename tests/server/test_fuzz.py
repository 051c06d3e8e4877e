"""Ten thousand random reviews, over one connection."""

import json
import random
from collections.abc import Iterator
from typing import Any

from tests.server.conftest import Start
from tests.server.connection import Connection, request
from tests.server.harness import Server
from tests.server.reviews import MODEL, Json, patched, pod, review
from webhook.admission.request.declared import KNOWN

REVIEWS = 10_000
VALUES = [
    "", " ", "true", "false", "0", "1", "2Gi", "16Gi", "-1", "1e3", "1e400", "0.0000001", "auto",
    "pvc", "hostPath", "emptyDir", "image", "org/name", "org/name@main", "a,b", "org/name,org/other",
    "hf://org/name", "s3://bucket/key", "oci://r.example/a@sha256:" + "0" * 64, "/models", "/dev/shm",
    "/", "..", "../..", "relative/path", "vllm", "nobody", "claim", "node", "source", "required",
    "none", "add", "ensure", "hf-cache", "directory", "\x00", "\u202e", "\U0001f600", "$(A)", "x" * 300,
]  # fmt: skip
ODD: list[Any] = [
    None, True, 0, -1, 1.5, 1e300, 2**63, "", "x", "é\u2028", [], {}, [None], [[]], {"": None},
    [{"name": "a"}, {"name": "a"}], {"name": 1}, "2Gi", ["--model", "org/name"],
]  # fmt: skip


def valid(source: random.Random) -> Json:
    """Return a review of a pod with annotations and fields of many kinds."""
    names = source.sample(sorted(KNOWN), source.randrange(6))
    annotations = MODEL | {f"modelcache.io/{name}": source.choice(VALUES) for name in names}
    found = pod(annotations)
    spec = found["spec"]
    container = spec["containers"][0]
    if source.random() < 0.4:
        spec["volumes"] = [
            {"name": f"v{n}", source.choice(["emptyDir", "hostPath", "image", "secret"]): {}}
            for n in range(source.randrange(4))
        ]
        container["volumeMounts"] = [
            {"name": "v0", "mountPath": source.choice(["/models", "/dev/shm", "/m", "/models/a/"])}
        ]
    if source.random() < 0.4:
        spec["initContainers"] = [
            {"name": f"i{n}", "image": "a", "restartPolicy": "Always"}
            for n in range(source.randrange(3))
        ]
    if source.random() < 0.3:
        spec["containers"].append({"name": "side", "image": source.choice(["sglang", "tgi", "x"])})
    if source.random() < 0.3:
        container["resources"] = {
            "limits": {"memory": source.choice(VALUES)}, "requests": {"memory": "1Gi"}
        }  # fmt: skip
    if source.random() < 0.3:
        spec["securityContext"] = {"fsGroup": 1000, "runAsUser": source.choice([0, 1000])}
    return review(found, namespace=source.choice(["inference", "other", "kube-system"]))


def disordered(source: random.Random, value: Any, depth: int = 0) -> Any:
    """Return *value* with a part replaced, dropped, doubled or moved."""
    if not isinstance(value, dict | list) or not value or source.random() < 0.15 + depth * 0.02:
        return source.choice(ODD)
    if isinstance(value, dict):
        key = source.choice(list(value))
        changed = dict(value)
        match source.randrange(8):
            case 0:
                del changed[key]
            case 1:
                changed[source.choice(list(value))] = value[key]
            case 2:
                changed[key + source.choice(["", "x", "\x00"])] = source.choice(ODD)
            case _:
                changed[key] = disordered(source, value[key], depth + 1)
        return changed
    at = source.randrange(len(value))
    if source.random() < 0.2:
        return [*value, value[at]] * source.choice([1, 1, 30])
    return [*value[:at], disordered(source, value[at], depth + 1), *value[at + 1 :]]


def broken(source: random.Random, content: bytes) -> bytes:
    """Return *content* with some of its bytes changed."""
    changed = bytearray(content)
    for _ in range(source.randint(1, 4)):
        at = source.randrange(len(changed))
        match source.randrange(4):
            case 0:
                changed[at] = source.randrange(256)
            case 1:
                del changed[at : at + source.randint(1, 40)]
            case 2:
                changed[at:at] = changed[: source.randrange(60)]
            case _:
                changed[at:at] = source.choice(
                    [b'"', b"\\", b"{", b"]", b"\xf0", b"\\ud800", b"9" * 30]
                )
    return bytes(changed)


def reviews(source: random.Random) -> Iterator[tuple[Json | None, bytes]]:
    """Yield reviews as sent, and as meant if they are valid."""
    while True:
        whole = valid(source)
        content = json.dumps(whole).encode()
        chance = source.random()
        if chance < 0.4:
            yield whole, content
        elif chance < 0.8:
            yield None, json.dumps(disordered(source, whole)).encode()
        else:
            yield None, broken(source, content)


def ask(server: Server, connection: Connection, whole: Json | None, content: bytes) -> int:
    """Send one review and check its answer; return the status."""
    connection.send(request(content))
    answer = connection.answer()
    assert answer.status in {200, 400}, content
    if whole:
        assert answer.status == 200, content
    if answer.status == 200:
        response = answer.response
        assert set(response) <= {
            "uid", "allowed", "patch", "patchType", "status", "warnings", "auditAnnotations"
        }  # fmt: skip
        assert ("patch" in response) is ("patchType" in response)
        if whole and "patch" in response:
            patched(response, whole["request"]["object"])
        for line in response.get("warnings", ()):
            assert line.isprintable(), content
    return answer.status


def test_no_review_is_answered_500_or_leaves_anything_behind(start: Start) -> None:
    # P2 95, P2 93, P1 49: the server applies each patch itself, --self-check
    server = start("--shutdown-delay", "0", "--self-check", "--connection-age", "1h")
    statuses = {200: 0, 400: 0}
    memory = 0
    with server.connect() as connection:
        for number, (whole, content) in enumerate(reviews(random.Random(2026))):
            statuses[ask(server, connection, whole, content)] += 1
            if number == REVIEWS // 5:
                memory = server.memory()
            if number == REVIEWS:
                break
    assert server.memory() < memory + 8 * 2**20
    # Many reviews of each kind were sent.
    assert min(statuses.values()) > REVIEWS // 10
    assert server.metric("modelcache_admission_panics_total") == 0
    name = "modelcache_admission_requests_total"
    for result in ("injected", "denied", "skipped"):
        assert server.metric(name, result=result) > REVIEWS // 50
