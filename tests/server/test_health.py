"""The health port: probes and metrics."""

import re
import time

import pytest

from tests.server.conftest import Start
from tests.server.harness import ROOT, Server, samples
from tests.server.reviews import MODEL, OPT_IN, body, pod
from webhook.admission.policy.documents import load_policy
from webhook.documents.contents import read_objects

NAMES: dict[str, set[str]] = {
    "modelcache_admission_models_total": {"outcome"},
    "modelcache_admission_requests_total": {"operation", "result", "reason", "dry_run"},
    "modelcache_admission_duration_seconds_bucket": {"le"},
    "modelcache_admission_in_flight": set(),
    "modelcache_admission_shed_total": set(),
    "modelcache_http_requests_total": {"code"},
    "modelcache_admission_request_bytes_bucket": {"le"},
    "modelcache_admission_patch_operations_bucket": {"le"},
    "modelcache_admission_panics_total": set(),
    "modelcache_self_check_failures_total": set(),
    "modelcache_http_read_timeouts_total": set(),
    "modelcache_policy_info": {"generation"},
    "modelcache_policy_last_success_timestamp_seconds": set(),
    "modelcache_build_info": {"version", "python"},
}


def test_probes_are_answered_on_the_plain_port(server: Server) -> None:
    # P1 87, P1 88, P0 36
    live = server.health("/livez")
    assert (live.status, live.body) == (200, b"ok")
    ready = server.health("/readyz")
    assert (ready.status, ready.json) == (200, {"ready": True, "missing": {}, "concerns": {}})
    for path in ("/docs", "/openapi.json", "/redoc", "/mutate", "/"):
        answer = server.health(path)
        assert answer.status == 404
        assert "server" not in answer.headers


def test_every_metric_has_its_labels_and_no_other(server: Server) -> None:
    # P1 85
    server.post(body())
    page = server.health("/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=")
    found: dict[str, set[str]] = {}
    for name, labels, _ in samples(page.body.decode()):
        found.setdefault(name, set()).update(labels)
    assert {name: found[name] for name in NAMES} == NAMES


def test_the_process_is_measured_under_the_usual_names(server: Server) -> None:
    # P1 85
    assert server.metric("process_resident_memory_bytes") == pytest.approx(server.memory(), rel=0.2)
    assert server.metric("process_open_fds") == pytest.approx(server.descriptors(), abs=2)
    assert 0 < time.time() - server.metric("process_start_time_seconds") < 3600
    assert server.metric("process_cpu_seconds_total") > 0
    assert server.metric("modelcache_controller_process_open_fds") == 0, "it has no controller"


def test_a_metric_shows_the_generation_of_the_policy(server: Server, start: Start) -> None:
    # P1 85
    policies = [ROOT / "examples" / "policy.yaml"]
    with_policy = start("--shutdown-delay", "0", "--policy", str(policies[0]))
    generation = load_policy(read_objects(policies)).generation
    assert server.metric("modelcache_policy_info", generation="none") == 1
    assert with_policy.metric("modelcache_policy_info", generation=generation) == 1


def test_the_buckets_of_the_duration_go_from_half_a_millisecond_to_5_s(server: Server) -> None:
    # P1 85
    server.post(body())
    bounds = [
        labels["le"]
        for name, labels, _ in samples(server.health("/metrics").body.decode())
        if name == "modelcache_admission_duration_seconds_bucket"
    ]
    assert [float(b) for b in bounds[:-1]] == [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5
    ]  # fmt: skip
    assert bounds[-1] == "+Inf"


def test_callers_cannot_create_labels(start: Start) -> None:
    # P1 85
    server = start("--shutdown-delay", "0")

    def ask(number: int) -> None:
        evil = f"evil{number}"
        server.post(body(operation=evil, uid=evil, name=evil, namespace=evil))
        server.post(body(pod(OPT_IN | {"modelcache.io/strategy": evil}), namespace=evil))
        server.post(body(pod({f"modelcache.io/{evil}": evil} | MODEL), dryRun=True))
        server.post(body(kind={"kind": evil}, resource={"resource": evil}, subResource=evil))
        server.post(body(), f"/{evil}")
        server.post(body(), "/mutate", "PUT")
        server.post(evil)

    ask(1)
    before = [sample[:2] for sample in samples(server.health("/metrics").body.decode())]
    for number in range(2, 50):
        ask(number)
    after = [sample[:2] for sample in samples(server.health("/metrics").body.decode())]
    assert after == before
    assert not re.search("evil", str(after))


@pytest.mark.parametrize(
    ("sent", "result", "reason"),
    [
        (body(), "injected", "pvc"),
        (body(pod({})), "skipped", "not_requested"),
        (body(pod(OPT_IN | {"modelcache.io/inject": "false"})), "skipped", "opted_out"),
        (body(pod(OPT_IN | {"modelcache.io/memory": "?"})), "denied", "invalid"),
    ],
)
def test_each_outcome_is_counted_once(
    server: Server, sent: bytes, result: str, reason: str
) -> None:
    # P1 85
    name, size = "modelcache_admission_requests_total", "modelcache_admission_request_bytes_count"
    before = server.metric(name), server.metric(name, result=result, reason=reason)
    sized, codes = server.metric(size), server.metric("modelcache_http_requests_total", code="200")
    server.post(sent)
    assert server.metric(name) == before[0] + 1
    assert server.metric(name, result=result, reason=reason, operation="CREATE") == before[1] + 1
    assert server.metric(size) == sized + 1
    assert server.metric("modelcache_http_requests_total", code="200") == codes + 1


def test_a_late_connection_is_counted(slow_server: Server) -> None:
    # P1 85, P1 48
    before = slow_server.metric("modelcache_http_read_timeouts_total")
    with slow_server.connect() as connection:
        connection.send(b"POST /mutate HTTP/1.1\r\n")
        assert connection.answer().status == 408
        assert connection.ended(5)
    assert slow_server.metric("modelcache_http_read_timeouts_total") == before + 1
