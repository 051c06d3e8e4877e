"""Pods of an odd shape or with hostile values: answered, and never with 500."""

import json
from typing import Any

import pytest

from tests.server.harness import Server
from tests.server.reviews import OPT_IN, body, patch, patched, pod, review


def shaped(change: Any) -> Any:
    found = pod()
    if callable(change):
        change(found)
        return found
    return change


OBJECTS: dict[str, tuple[Any, int, str]] = {
    # A list, a scalar, or null in place of a container is not a pod: 400.
    "object null": (lambda _: None, 400, ""),
    "object a list": ([pod()], 400, ""),
    "object a string": ("pod", 400, ""),
    "containers of null": (lambda p: p["spec"].update(containers=[None]), 400, ""),
    "containers a string": (lambda p: p["spec"].update(containers="vllm"), 400, ""),
    "annotation a number": (lambda p: p["metadata"]["annotations"].update(a=1), 400, ""),
    # A pod without containers is allowed unchanged: the API server validates it.
    "metadata null": (lambda p: p.update(metadata=None), 200, "not_requested"),
    "no metadata": (lambda p: p.pop("metadata"), 200, "not_requested"),
    "annotations null": (lambda p: p["metadata"].update(annotations=None), 200, "not_requested"),
    "spec null": (lambda p: p.update(spec=None), 200, "no_containers"),
    "no spec": (lambda p: p.pop("spec"), 200, "no_containers"),
    "containers null": (lambda p: p["spec"].update(containers=None), 200, "no_containers"),
    "no containers": (lambda p: p["spec"].update(containers=[]), 200, "no_containers"),
}


@pytest.mark.parametrize("shape", OBJECTS)
def test_an_object_that_is_not_a_pod_is_refused_and_one_without_containers_passes(
    server: Server, shape: str
) -> None:
    # c16
    change, status, reason = OBJECTS[shape]
    sent = review(shaped(change))
    if shape == "object null":
        sent["request"]["object"] = None
    before = server.metric("modelcache_admission_requests_total", reason=reason)
    answer = server.post(json.dumps(sent))
    assert answer.status == status
    if status == 200:
        assert set(answer.response) == {"uid", "allowed"}
        assert server.metric("modelcache_admission_requests_total", reason=reason) == before + 1
    else:
        assert "not a pod" in answer.json["error"]


@pytest.mark.parametrize(
    "absent",
    [
        lambda p: p["spec"].update(volumes=None),
        lambda p: p["spec"]["containers"][0].update(volumeMounts=None, resources=None, env=None),
        lambda p: p["spec"]["containers"][0].pop("resources"),
        lambda p: p["spec"].update(initContainers=None, securityContext=None, affinity=None),
    ],
)
def test_null_and_absent_parents_are_created(server: Server, absent: Any) -> None:
    # P0 8
    changed = shaped(absent)
    found = patched(server.post(body(changed)).response, changed)
    assert found["spec"]["containers"][0]["volumeMounts"]


HOSTILE = [
    "../../etc", "/", "a" * 262144, "", "   ", "${VAR}", "$(VAR)", "a: {b: [c]}", '{"a": 1}',
    "; rm -rf /", "`id`", "$(id)", "a/b/../c", "org/na\x00me", "org/\u202ename", "\ud7ff/\uffff",
]  # fmt: skip


@pytest.mark.parametrize("name", ["model", "mount-path", "claim", "host-path", "directory"])
@pytest.mark.parametrize("value", HOSTILE, ids=lambda v: ascii(v)[:20])
def test_hostile_annotation_values_are_refused_with_a_code_or_kept_out_of_paths(
    server: Server, name: str, value: str
) -> None:
    # c13, c19
    answer = server.post(body(pod(OPT_IN | {f"modelcache.io/{name}": value})))
    assert answer.status == 200
    assert all(0x20 <= byte < 0x7F or byte > 0x7F for byte in answer.body)
    if answer.response["allowed"]:
        text = json.dumps(patch(answer.response))
        assert "$(" not in text
        assert ".." not in text
    else:
        message = answer.response["status"]["message"]
        assert message.startswith("MC")
        assert message.isprintable()
        assert len(message) < 1000


def test_control_characters_of_a_value_reach_no_message_and_no_warning(server: Server) -> None:
    # c13, P1 51
    evil = "x\x1b[31m\r\n\x00\u202e"
    denied = server.post(body(pod(OPT_IN | {"modelcache.io/memory": evil})))
    assert denied.response["status"]["message"].isprintable()
    warned = server.post(body(pod(OPT_IN | {f"modelcache.io/{evil}": evil})))
    assert warned.response["warnings"]
    for line in warned.response["warnings"]:
        assert line.isprintable()
        assert len(line) <= 256


LONG = f"organisation/{'a-name-that-goes-on-' * 4}end"


def naming_it(containers: int) -> Any:
    names = [f"server-with-a-long-name-{n}" for n in range(containers)]
    found = pod({"modelcache.io/model": LONG, "modelcache.io/containers": ",".join(names)})
    one = {"image": "example.com/mine:1", "args": ["--model", LONG]}
    found["spec"]["containers"] = [one | {"name": name} for name in names]
    return found


def test_a_warning_with_a_long_name_still_ends_with_what_to_write(server: Server) -> None:
    (line,) = server.post(body(naming_it(1))).response["warnings"]
    assert len(line) > 250
    assert line.endswith("write --model=$(MODELCACHE_PATH)")


def test_many_long_warnings_are_cut_rather_than_dropped(server: Server) -> None:
    lines = server.post(body(naming_it(15))).response["warnings"]
    assert len(lines) == 15
    assert {len(line) for line in lines} == {250}


def test_warnings_stay_within_what_the_api_server_passes_on(server: Server) -> None:
    # P1 52
    many = {f"modelcache.io/unknown-{n}-{'x' * 40}": "" for n in range(200)}
    lines = server.post(body(pod(OPT_IN | many))).response["warnings"]
    assert sum(map(len, lines)) <= 4096
    assert "more" in lines[-1]


@pytest.mark.parametrize(
    "containers",
    [
        pytest.param([{"name": "modelcache", "image": "a"}], id="named like ours"),
        pytest.param([{"name": "modelcache-loader", "image": "a"}], id="named like our loader"),
        pytest.param([{"name": f"c{n}", "image": "a"} for n in range(300)], id="300"),
        pytest.param([{}], id="without a name"),
    ],
)
def test_odd_containers_are_answered(server: Server, containers: list[Any]) -> None:
    # c24
    odd = pod()
    odd["spec"]["containers"] = containers
    answer = server.post(body(odd))
    assert answer.status == 200
    if answer.response["allowed"]:
        assert patched(answer.response, odd)


def test_a_model_that_is_requested_twice_is_one_volume(server: Server) -> None:
    # c25
    twice = pod(OPT_IN | {"modelcache.io/model": "org/name,org/name"})
    answer = server.post(body(twice))
    if answer.response["allowed"]:
        volumes = patched(answer.response, twice)["spec"]["volumes"]
        assert len({v["name"] for v in volumes}) == len(volumes)
        assert len([v for v in volumes if "persistentVolumeClaim" in v]) == 1
    else:
        assert answer.response["status"]["message"].startswith("MC")


def test_duplicate_keys_are_read_as_by_the_api_server(server: Server) -> None:
    # c10
    text = (
        body().decode().replace('"annotations": {', '"annotations": {"a": "b"}, "annotations": {')
    )
    assert "patch" in server.post(text).response
    text = body(pod({"a": "b"})).decode()
    text = text.replace(
        '"annotations": {', f'"annotations": {json.dumps(OPT_IN)}, "annotations": {{'
    )
    assert "patch" not in server.post(text).response


def test_a_forged_ledger_proves_nothing(server: Server) -> None:
    # P0 16, c23
    forged = pod(OPT_IN | {"modelcache.io/injected": '{"version":"0.1.0"}'})
    assert "patch" in server.post(body(forged)).response


def test_a_volume_with_our_name_and_another_source_is_refused(server: Server) -> None:
    # P0 14, c21
    made = patched(server.post(body()).response, pod())
    name = next(v["name"] for v in made["spec"]["volumes"] if "persistentVolumeClaim" in v)
    taken = pod()
    taken["spec"]["volumes"] = [{"name": name, "hostPath": {"path": "/"}}]
    assert server.post(body(taken)).response["allowed"] is False
