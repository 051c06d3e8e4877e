"""Properties that hold for every pod that an API server could send.

Hypothesis generates pods with absent, null and empty lists, unknown fields at every depth,
quantities in every notation, sidecars, pod-level resources, volumes and variables.
"""

import copy
import itertools
import json
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.admission.admitting import (
    LOADER_IMAGE,
    PREFIX,
    Answer,
    Json,
    Webhook,
    cached_model,
    defaulted,
    facts_of,
    policy_of,
)
from tests.admission.qos import memory_limit, qos
from webhook.admission.codes import CODES
from webhook.admission.strategies import STRATEGIES
from webhook.objects.facts import Facts
from webhook.values.quantity import Quantity, exact

COMMIT = "0123456789abcdef0123456789abcdef01234567"
IMAGE = "example.com/coder@sha256:" + "ab" * 32
EXAMPLES = settings(max_examples=120)
POLICY = policy_of(
    cached_model("coder", "acme/coder", size="3Gi", image=IMAGE, status={"revision": COMMIT})
)
WORDS = st.text(alphabet='abcxyz~/ üß\u202e"\\<&{}$()', max_size=8)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.sampled_from([1.0, 0.5, 1e300, 2**63]), WORDS
)  # fmt: skip
UNKNOWN = st.dictionaries(
    st.sampled_from(["x-later", "a/b~c", "futureField", "schéma"]),
    st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(WORDS, SCALARS, max_size=2)),
    max_size=2,
)
MEBIBYTES = st.integers(300, 65536)
BOOLEANS = st.booleans()


NOTATIONS = st.integers(0, 6)


def quantity(draw: st.DrawFn, mebibytes: int) -> Any:
    """Draw one of the notations of the amount."""
    size = mebibytes * 2**20
    return [
        f"{mebibytes}Mi", str(size), size, f"{size // 1024}Ki", f"{size * 1000}m", f"{size}e0",
        f"{mebibytes / 1024}Gi" if mebibytes % 1024 in (0, 512) else f"{mebibytes}Mi",
    ][draw(NOTATIONS)]  # fmt: skip


def optional(strategy: st.SearchStrategy[Any], *empty: Any) -> st.SearchStrategy[Any]:
    return st.one_of(st.sampled_from([ABSENT, None, *empty]).map(own), strategy)


ABSENT: Any = object()


def own(value: Any) -> Any:
    """Return a copy of a list or a mapping: two places of a pod never hold the same one."""
    return copy.deepcopy(value) if isinstance(value, list | dict) else value


def present(fields: Json) -> Json:
    return {key: value for key, value in fields.items() if value is not ABSENT}


KINDS = st.integers(0, 5)
SURPLUS = st.integers(0, 4096)
NO_AMOUNTS = st.sampled_from([ABSENT, None, {}, {"limits": None, "requests": {}}])
GPUS = st.sampled_from([1, "1", "0"])


@st.composite
def resources(draw: st.DrawFn, *, level: bool = False) -> Any:
    kind = draw(KINDS)
    if kind == 0 and not level:
        return own(draw(NO_AMOUNTS))
    request = draw(MEBIBYTES)
    limit = request if kind in (1, 2) else request + draw(SURPLUS)
    found: Json = {}
    if kind != 4:
        found["limits"] = {"memory": quantity(draw, limit)}
    if kind != 5:
        found["requests"] = {"memory": quantity(draw, request)}
    if kind in (1, 3):
        for name in found:
            found[name]["cpu"] = "2"
    if not level and draw(BOOLEANS):
        found.setdefault("limits", {})["nvidia.com/gpu"] = draw(GPUS)
    return found | draw(UNKNOWN)


ENV = st.lists(
    st.builds(
        lambda name, rest, more: {"name": name, **rest, **more},
        st.sampled_from(["HOME", "MODELCACHE_PATH", "HF_HUB_CACHE", "MODEL_ID"]),
        st.sampled_from(
            [{"value": "x"}, {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
        ),
        UNKNOWN,
    ),
    max_size=2,
    unique_by=lambda e: e["name"],
)
MOUNTS = st.lists(
    st.builds(
        lambda path, more: {"name": "data", "mountPath": path, **more},
        st.sampled_from(["/data", "/tmp/", "/dev/shm", "//dev/shm/", "/var//cache", "etc/conf"]),
        UNKNOWN,
    ),
    max_size=2,
    unique_by=lambda m: m["mountPath"],
)
IMAGES = st.sampled_from(
    ["vllm/vllm-openai:v0.11.0", "ghcr.io/huggingface/text-generation-inference", "ollama/ollama",
     "example.com:5000/mine@sha256:" + "0" * 64, "nvcr.io/nim/meta/llama:1"]
)  # fmt: skip
WORDS_OF_SERVERS = st.lists(
    st.sampled_from(
        ["--model", "acme/coder", "--model=acme/coder", "serve", "-c", "vllm serve acme/coder"]
    ),
    max_size=4,
)


# Strategies are made once: one that is made for a draw costs more than the draw.
ANY_WORDS = optional(WORDS_OF_SERVERS, [])
ANY_ENV = optional(ENV, [])
ANY_MOUNTS = optional(MOUNTS, [])
RESOURCES = resources()
RESTARTS = st.sampled_from([ABSENT, "Always"])


@st.composite
def containers(draw: st.DrawFn, name: str, *, sidecar: bool = False) -> Json:
    fields = {
        "name": name,
        "image": draw(IMAGES),
        "command": draw(ANY_WORDS),
        "args": draw(ANY_WORDS),
        "env": draw(ANY_ENV),
        "volumeMounts": draw(ANY_MOUNTS),
        "resources": draw(RESOURCES),
    }
    if sidecar:
        fields["restartPolicy"] = draw(RESTARTS)
    return present(fields) | draw(UNKNOWN)


CONTAINERS = {name: containers(name) for name in "abc"}
NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True)
SIDECARS = {name: containers(name, sidecar=True) for name in "xy"}
INITS = {
    names: optional(st.tuples(*(SIDECARS[name] for name in names)).map(list), [])
    for length in range(3)
    for names in itertools.permutations("xy", length)
}
INIT_NAMES = st.lists(st.sampled_from("xy"), max_size=2, unique=True)

EXPRESSIONS = st.lists(
    st.just({"key": "zone", "operator": "In", "values": ["a"]}), min_size=1, max_size=1
)
TERMS = st.lists(
    st.one_of(
        st.builds(lambda e: {"matchExpressions": e}, EXPRESSIONS),
        st.just({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}),
        st.just({}),
    ),
    min_size=1,
    max_size=2,
)
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
AFFINITY = st.one_of(
    st.just({}),
    st.just({"podAntiAffinity": {}, "nodeAffinity": None}),
    st.builds(lambda t: {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": t}}}, TERMS),
    st.builds(
        lambda e: {
            "nodeAffinity": {PREFERRED: [{"weight": 1, "preference": {"matchExpressions": e}}]}
        },
        EXPRESSIONS,
    ),
    st.just({"nodeAffinity": {PREFERRED: []}}),
)


DATA = st.sampled_from([{"emptyDir": {}}, {"configMap": {"name": "c"}}])
ENDS_OF_TOKENS = st.text("abc", min_size=5, max_size=5)
VOLUMES = optional(
    st.builds(
        lambda data, more, end: [
            {"name": "data", **data, **more},
            {"name": "kube-api-access-" + end, "projected": {}},
        ],
        DATA, UNKNOWN, ENDS_OF_TOKENS,
    ),
    [],
)  # fmt: skip
SECURITY = optional(st.sampled_from([{"fsGroup": 2000, "runAsUser": 0}, {"fsGroup": None}]), {})
OF_THE_POD = st.one_of(st.just(ABSENT), resources(level=True))
ANY_AFFINITY = optional(AFFINITY)
NODE_NAMES = optional(st.just("node-1"))
HOST_IPC = optional(BOOLEANS)
FOREIGN = st.dictionaries(
    st.sampled_from(["example.com/a~b", "x~1y", "plain", PREFIX + "nosuch", "ü/é"]),
    WORDS,
    max_size=2,
)


@st.composite
def pods(draw: st.DrawFn) -> Json:
    names = draw(NAMES)
    spec = {
        "containers": [draw(CONTAINERS[name]) for name in names],
        "initContainers": draw(INITS[tuple(draw(INIT_NAMES))]),
        "volumes": draw(VOLUMES),
        "securityContext": draw(SECURITY),
        "resources": draw(OF_THE_POD),
        "affinity": draw(ANY_AFFINITY),
        "nodeName": draw(NODE_NAMES),
        "hostIPC": draw(HOST_IPC),
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "p-",
            "annotations": {**draw(FOREIGN), **draw(ANNOTATIONS)},
            **draw(UNKNOWN),
        },
        "spec": {**present(spec), **draw(UNKNOWN)},
        **draw(UNKNOWN),
    }


STRATEGY_NAMES = st.sampled_from(["auto", *STRATEGIES])
MODELS = st.sampled_from(
    ["coder", "acme/coder", "acme/coder@" + COMMIT, "coder,acme/draft@" + COMMIT]
)
CHOICES = {
    "load-from": ["claim", "node", "source"],
    "placement": ["preferred", "required", "none"],
    "layout": ["directory", "hf-cache"],
    "read-only": ["true", "false"],
    "shm-size": ["0", "1Gi", "64M"],
    "memory": ["add", "ensure", "none"],
    "verify": ["true"],
    "rewrite-args": ["true"],
    "containers": ["a", "a,x", "b"],
    "claim": ["models"],
}
CHOSEN = st.lists(st.sampled_from(sorted(CHOICES)), max_size=5, unique=True)
VALUES = {key: st.sampled_from(values) for key, values in CHOICES.items()}


@st.composite
def annotations(draw: st.DrawFn) -> dict[str, str]:
    strategy = draw(STRATEGY_NAMES)
    model = draw(MODELS)
    several = model.count(",") + 1
    asked = {
        "model": model,
        "strategy": strategy,
        "size": ",".join(["3.5Gi"] * several),
        "image": ",".join([IMAGE] * several),
    }
    for key in draw(CHOSEN):
        asked[key] = draw(VALUES[key])
    return {PREFIX + key: value for key, value in asked.items()}


ANNOTATIONS = annotations()
PODS = pods()


FACTS = st.builds(
    lambda version, level, known: facts_of(
        {
            "kube_version": version,
            "namespace_labels": {"pod-security.kubernetes.io/enforce": level} if level else None,
            "claims": {"model-store": {"access_modes": ["ReadWriteMany"], "phase": "Bound"}} if known else None,
        }
    ),
    st.sampled_from([None, "1.29", "1.33", "1.34", "1.35"]),
    st.sampled_from([None, "baseline"]),
    st.booleans(),
)  # fmt: skip


def webhook_with(facts: Facts) -> Webhook:
    return Webhook(facts=facts, policy=POLICY)


def is_acceptable(pod: Json, facts: Facts) -> bool:
    """Whether the API server accepts the amounts: requests within limits, containers within the pod."""
    spec = pod["spec"]
    asked = 0
    level = spec.get("resources") or {}
    most = (level.get("limits") or {}).get("memory")
    for container in [*spec["containers"], *(spec.get("initContainers") or ())]:
        own = container.get("resources") or {}
        limit = (own.get("limits") or {}).get("memory")
        request = (own.get("requests") or {}).get("memory")
        asked += Quantity.parse(request or limit or 0)
        if most is not None and limit is not None and exact(str(limit)) > exact(str(most)):
            return False
    least = (level.get("requests") or {}).get("memory", most)
    return least is None or Quantity.parse(least) >= asked


@st.composite
def reviewed(draw: st.DrawFn) -> tuple[Webhook, Json, Answer]:
    """A pod that was admitted and injected, with the server that did it."""
    webhook = webhook_with(draw(FACTS))
    pod = defaulted(draw(PODS))
    assume(is_acceptable(pod, webhook.facts))
    answer = webhook.admit(pod, raw=True)
    assume(answer.allowed)
    return webhook, pod, answer


def everything(pod: Json) -> list[Json]:
    return [*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())]


def without_ours(value: Any, before: Any, path: str = "") -> Any:
    """Return *value* without what was added since *before*; everything of *before* must still be there."""
    if isinstance(before, dict):
        assert isinstance(value, dict), path
        assert list(value)[: len(before)] == list(before), path
        return {k: without_ours(value[k], before[k], f"{path}/{k}") for k in before}
    if isinstance(before, list):
        assert isinstance(value, list), path
        kept = [v for v in value if not is_ours(v)]
        assert len(kept) == len(before), path
        return [
            without_ours(v, b, f"{path}/{i}")
            for i, (v, b) in enumerate(zip(kept, before, strict=True))
        ]
    if before is None and isinstance(value, dict | list):
        return None
    return value


def is_ours(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    names = (
        "modelcache-model",
        "modelcache-shm",
        "modelcache-store",
        "modelcache-no-token",
        "modelcache-loader",
        "modelcache-verify",
    )
    variables = ("MODELCACHE_PATH", "HUGGINGFACE_HUB_CACHE", "SERVED_MODEL_NAME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "MODEL_ID", "OLLAMA_MODELS",
                 "OLLAMA_NOPRUNE", "NIM_MODEL_NAME", "NIM_MODEL_PATH")  # fmt: skip
    name = str(value.get("name", ""))
    if name.startswith(names):
        return True
    if set(value) == {"name", "value"} and name.startswith(variables) and value["value"] != "x":
        return True
    text = json.dumps(value)
    return set(value) <= {"weight", "preference", "key", "operator", "values"} and '"ready"' in text


def may_be_rewritten(pod: Json) -> bool:
    asked = pod["metadata"]["annotations"]
    layout = asked.get(PREFIX + "layout", "auto").strip()
    return bool(asked.get(PREFIX + "rewrite-args") == "true" or layout == "auto")


def rewritten_only(pod: Json) -> Json:
    """Return a copy without what may be replaced: memory, and rewritten arguments."""
    pod = copy.deepcopy(pod)
    rewrite = may_be_rewritten(pod)
    for holder in [*everything(pod), pod["spec"]]:
        for field in ("limits", "requests"):
            amounts = (holder.get("resources") or {}).get(field)
            if amounts and "memory" in amounts:
                amounts["memory"] = "*"
        if rewrite:
            for field in ("command", "args"):
                if holder.get(field):
                    holder[field] = ["*"]
    return pod


ALLOWED = (
    "/metadata/annotations/modelcache.io~1injected", "/spec/volumes", "/spec/containers/",
    "/spec/initContainers", "/spec/affinity", "/spec/securityContext/fsGroupChangePolicy",
    "/spec/resources/limits/memory", "/spec/resources/requests",
)  # fmt: skip


@EXAMPLES
@given(reviewed())
def test_nothing_that_was_there_is_lost_or_moved(case: tuple[Webhook, Json, Answer]) -> None:
    # P0 5
    _, pod, answer = case
    before, after = rewritten_only(pod), rewritten_only(answer.admitted)
    assert json.dumps(without_ours(after, before)) == json.dumps(before)


@EXAMPLES
@given(reviewed())
def test_a_patch_only_adds_or_replaces_below_known_paths(
    case: tuple[Webhook, Json, Answer],
) -> None:
    _, pod, answer = case
    rewrite = may_be_rewritten(pod)
    for operation in answer.operations:
        assert operation["op"] in ("add", "replace")
        assert operation["path"].startswith(ALLOWED)
        if operation["op"] == "replace":
            is_argument = rewrite and bool(
                re.search(r"/(args|command)/\d+$|/env/\d+/value$", operation["path"])
            )
            assert operation["path"].endswith(("/limits/memory", "/requests/memory")) or is_argument


@EXAMPLES
@given(reviewed())
def test_five_reviews_change_nothing_after_the_first(case: tuple[Webhook, Json, Answer]) -> None:
    webhook, _, answer = case
    for _ in range(4):
        assert webhook.admit(answer.admitted, raw=True).adds_nothing


def interfered(pod: Json, how: str) -> Json:
    """Return *pod* after another webhook changed it."""
    pod = copy.deepcopy(pod)
    spec = pod["spec"]
    late = {"name": "late", "image": "envoy:v1", "resources": {"limits": {"memory": "64Mi"}}}
    match how:
        case "append":
            spec["containers"].append(late)
        case "prepend":
            spec["containers"].insert(0, late)
        case "reverse":
            spec["containers"].reverse()
        case "first init container":
            spec["initContainers"] = [late, *(spec.get("initContainers") or ())]
        case "volume":
            spec["volumes"] = [{"name": "late", "emptyDir": {}}, *(spec.get("volumes") or ())]
        case "mirror":
            for container in everything(pod):
                container["image"] = "mirror.example.com/" + container["image"]
        case "lower":
            for container in spec["containers"]:
                own = container.get("resources") or {}
                for field in ("limits", "requests"):
                    if (own.get(field) or {}).get("memory") is not None:
                        own[field]["memory"] = "256Mi"
        case _:
            raise ValueError(how)
    return pod


@settings(max_examples=220)
@given(
    reviewed(),
    st.sampled_from(
        ["append", "prepend", "reverse", "first init container", "volume", "mirror", "lower"]
    ),
)
def test_other_webhooks_between_two_reviews_do_no_harm(
    case: tuple[Webhook, Json, Answer], how: str
) -> None:
    webhook, before, answer = case
    changed = interfered(answer.admitted, how)
    again = webhook.admit(changed, raw=True)
    spec = again.spec
    for items in (spec.get("volumes") or [], everything(again.admitted)):
        names = [item["name"] for item in items]
        assert len(names) == len(set(names))
    for container in everything(again.admitted):
        mounts = [m["mountPath"] for m in container.get("volumeMounts") or ()]
        assert len(mounts) == len(set(mounts))
        variables = [e["name"] for e in container.get("env") or ()]
        assert len(variables) == len(set(variables))
    wanted = {c["name"]: memory_of(c) for c in answer.spec["containers"]}
    mode = before["metadata"]["annotations"].get(PREFIX + "memory")
    first = {c["name"]: memory_of(c) for c in before["spec"]["containers"]}
    for container in spec["containers"]:
        name = container["name"]
        if name == "late":
            assert memory_of(container) == (None, 64 * 2**20)
        elif how != "lower":
            assert memory_of(container) == wanted[name]
        elif wanted[name] != first[name] and mode != "none":
            assert restored_as(wanted[name], first[name], memory_of(container))
    assert webhook.admit(again.admitted, raw=True).adds_nothing


def memory_of(container: Json) -> tuple[int | None, int | None]:
    own = container.get("resources") or {}
    found = [(own.get(field) or {}).get("memory") for field in ("requests", "limits")]
    request, limit = (None if value is None else int(Quantity.parse(value)) for value in found)
    return request, limit


def restored_as(
    wanted: tuple[int | None, int | None],
    first: tuple[int | None, int | None],
    found: tuple[int | None, int | None],
) -> bool:
    """Whether each amount that the webhook had raised is as high as before."""
    return all(w == f or found[i] == w for i, (w, f) in enumerate(zip(wanted, first, strict=True)))


@EXAMPLES
@given(reviewed())
def test_quality_of_service_is_kept(case: tuple[Webhook, Json, Answer]) -> None:
    webhook, pod, answer = case
    level = not webhook.facts.older_than(34)
    before, after = qos(pod, pod_level=level), qos(answer.admitted, pod_level=level)
    assert after == before or (before, after) == ("BestEffort", "Burstable")


@EXAMPLES
@given(reviewed())
def test_memory_is_never_lowered_and_a_limit_holds_its_request(
    case: tuple[Webhook, Json, Answer],
) -> None:
    webhook, pod, answer = case
    old = {c["name"]: c for c in everything(pod)} | {"": pod["spec"]}
    new = {c["name"]: c for c in everything(answer.admitted)} | {"": answer.spec}
    for name, holder in old.items():
        for before, after in zip(memory_of(holder), memory_of(new[name]), strict=True):
            assert (before is None) == (after is None) or before is None
            assert after is None or before is None or after >= before
        assert (memory_of(holder)[1] is None) == (memory_of(new[name])[1] is None)
    for holder in new.values():
        request, limit = memory_of(holder)
        assert request is None or limit is None or request <= limit
    level = answer.spec.get("resources") or {}
    if not webhook.facts.older_than(34) and (level.get("limits") or level.get("requests")):
        assert is_acceptable({"spec": {**answer.spec, "initContainers": []}}, webhook.facts)


@EXAMPLES
@given(reviewed())
def test_pod_limit_grows_by_what_tmpfs_can_hold(case: tuple[Webhook, Json, Answer]) -> None:
    # P0 37, 38
    webhook, pod, answer = case
    assume(pod["metadata"]["annotations"].get(PREFIX + "memory", "add") == "add")
    held = sum(
        Quantity.parse(volume["emptyDir"]["sizeLimit"])
        for volume in answer.spec.get("volumes") or ()
        if volume["name"].startswith(("modelcache-model", "modelcache-shm"))
        and "emptyDir" in volume
    )
    level = not webhook.facts.older_than(34) and memory_of(pod["spec"])
    if level and level[1] is not None:
        assert memory_of(answer.spec)[1] == level[1] + held
        return
    old = {c["name"]: memory_of(c)[1] for c in everything(pod)}
    new = {c["name"]: memory_of(c)[1] for c in everything(answer.admitted) if c["name"] in old}
    grown = [(name, (new[name] or 0) - (limit or 0)) for name, limit in old.items()]
    assert [by for _, by in grown if by] in ([], [held])
    before, after = memory_limit(pod), memory_limit(answer.admitted)
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        assert after >= held


@EXAMPLES
@given(FACTS, st.lists(pods(), min_size=1, max_size=3))
def test_a_kept_answer_is_the_answer(facts: Facts, some: list[Json]) -> None:
    shared = webhook_with(facts)
    for pod in [*some, *some]:
        renamed = copy.deepcopy(pod)
        renamed["metadata"] |= {"name": "other", "labels": {"a": "b"}, "uid": "1"}
        for volume in renamed["spec"].get("volumes") or ():
            if volume["name"].startswith("kube-api-access-"):
                volume["name"] = "kube-api-access-zzzzz"
        fresh = webhook_with(facts).admit(renamed)
        kept = [shared.admit(pod), shared.admit(renamed)]
        assert [k.response for k in kept] == [fresh.response] * 2


@pytest.mark.parametrize("field", ["name", "image"])
def test_a_kept_answer_knows_containers_by_their_own_names(field: str) -> None:
    shared = webhook_with(facts_of({}))
    for end in ("aaaaa", "bbbbb"):
        container = {"name": "c", "image": "i", field: f"kube-api-access-{end}"}
        pod = {
            "metadata": {"annotations": {PREFIX + "model": "coder", PREFIX + "strategy": "pvc"}},
            "spec": {"containers": [container]},
        }
        kept, fresh = shared.admit(pod), webhook_with(facts_of({})).admit(pod)
        assert kept.response == fresh.response


@EXAMPLES
@given(reviewed())
def test_no_path_of_ours_leads_outside_the_store(case: tuple[Webhook, Json, Answer]) -> None:
    # P1 79
    _, _, answer = case
    for operation in answer.operations:
        for place in paths(operation["value"]):
            assert ".." not in place.split("/")
            assert "//" not in place
            assert "$" not in place


def paths(value: Any) -> list[str]:
    match value:
        case dict():
            own = [str(v) for k, v in value.items() if k in ("mountPath", "subPath", "path")]
            return own + [path for item in value.values() for path in paths(item)]
        case list():
            return [path for item in value for path in paths(item)]
        case _:
            return []


HOSTILE = st.one_of(
    st.text(min_size=1, max_size=40),
    st.sampled_from(
        ["../../etc", "a/../b", "acme/..", "/etc", "acme//coder", "acme/coder/../..", "acme/co\u200bder",
         "acme/c\u043eder", "$(HOME)/x", "${HOME}/x", "acme/coder\n", "acme/coder@../../x", "acme/co--der",
         "acme/.coder", "~/x", "a\x00/b", "s3://b/../c", "https://u:p@h/x", "file:///etc/passwd",
         "hf://../x", "acme/coder@refs/pr/1", "\u202ecme/coder", "\uff41cme/coder", "acme/" + "x" * 97]
    ),
)  # fmt: skip


def is_harmless(text: str) -> bool:
    """Whether a terminal and a Warning header show *text* as it is."""
    return not any(unicodedata.category(c)[0] == "C" or c in "\u2028\u2029" for c in text)


PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+/")


@settings(max_examples=300)
@given(st.sampled_from(sorted(STRATEGIES)), HOSTILE)
def test_hostile_names_are_refused_or_stay_below_the_store(strategy: str, model: str) -> None:
    webhook = webhook_with(facts_of({"kube_version": "1.35"}))
    asked = {"model": model, "strategy": strategy, "size": "1Gi", "image": IMAGE}
    pod = {
        "metadata": {"annotations": {PREFIX + key: value for key, value in asked.items()}},
        "spec": {"containers": [{"name": "a"}]},
    }
    answer = webhook.admit(pod)
    if not answer.allowed:
        assert set(answer.codes) <= set(CODES)
        assert is_harmless(answer.denial)
        return
    for operation in answer.operations:
        for place in paths(operation["value"]):
            assert set(place) <= PLAIN
            assert ".." not in place
    assert all(is_harmless(line) and len(line) <= 256 for line in answer.warnings)


@settings(max_examples=220)
@given(
    st.dictionaries(
        st.sampled_from(["model", "claim", "host-path", "directory", "mount-path", "image", "target", "containers",
                         "size", "shm-size", "injected", "nosuch\n", "memory", "layout"]),
        st.one_of(HOSTILE, st.text(max_size=2000)),
    )
)  # fmt: skip
def test_no_annotation_makes_us_fail(asked: dict[str, str]) -> None:
    asked.setdefault("model", "coder")
    pod = {
        "metadata": {"annotations": {PREFIX + key: value for key, value in asked.items()}},
        "spec": {"containers": [{"name": "a", "image": LOADER_IMAGE}]},
    }
    answer = webhook_with(facts_of({})).admit(pod)
    assert answer.result in ("injected", "denied", "skipped")
    assert all(is_harmless(line) for line in answer.warnings)
