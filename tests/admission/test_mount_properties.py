"""Properties of mounts, wherever the author has volumes, caches and models."""

import posixpath
import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.admission.admitting import PREFIX, Answer, Json, Webhook, facts_of, pod_of

IMAGE = "example.com/coder@sha256:" + "ab" * 32
PLACES = st.sampled_from(
    ["/data", "/data/hub", "/data//hub/", "//data", "/data/hub/models--acme--coder", "/models", "/models/acme--coder",
     "/models/acme--coder/main", "/models/dl", "/modelcache", "/modelcache/hub", "/modelcache/hub/models--acme--coder",
     "/modelcache/hub/models--acme--coder/blobs", "/modelcache/models", "/modelcache-hub", "/modelcache/data",
     "/root/.cache/huggingface", "/cache", "/cache/hub/../hub"]
)  # fmt: skip
CLEAN = PLACES.filter(lambda path: "//" not in path and ".." not in path)
SERVERS = st.sampled_from(
    [("vllm/vllm-openai:v0.11.0", "--model"), ("lmsysorg/sglang:v0.5.6", "--model-path"),
     ("ghcr.io/huggingface/text-generation-inference:3.3.4", "--model-id"), ("openmmlab/lmdeploy:v0.18.0", "--model-path"),
     ("ghcr.io/huggingface/text-embeddings-inference:1.8", "--model-id"), ("example.com/mine:1", "--model"),
     ("ghcr.io/predibase/lorax:main", "--model-id"), ("nvcr.io/nvidia/tritonserver:25.01", "--tokenizer")]
)  # fmt: skip
SOURCES: st.SearchStrategy[Json] = st.sampled_from(
    [{"emptyDir": {}}, {"configMap": {"name": "c"}}, {"secret": {"secretName": "s"}}, {"downwardAPI": {}},
     {"persistentVolumeClaim": {"claimName": "c"}}, {"persistentVolumeClaim": {"claimName": "c", "readOnly": True}},
     {"csi": {"driver": "d", "readOnly": True}}, {"nfs": {"server": "s", "path": "/"}}, {"image": {"reference": "r"}},
     {"nfs": {"server": "s", "path": "/", "readOnly": True}}, {"projected": {"sources": []}},
     {"azureFile": {"secretName": "s", "shareName": "n", "readOnly": True}}, {"hostPath": {"path": "/x"}}]
)  # fmt: skip
READ_ONLY = {"configMap", "secret", "downwardAPI", "projected", "image"}
VARIABLES = st.dictionaries(
    st.sampled_from(["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE", "HF_HOME"]),
    PLACES,
    max_size=2,
)
MODELS = st.sampled_from(
    ["acme/coder", "acme/coder@v1", "acme/coder,acme/draft", "acme/coder,acme/coder@v1",
     "acme/coder@v1,acme/draft,acme/coder"]
)  # fmt: skip
MOUNTS = st.lists(
    st.tuples(PLACES, SOURCES, st.booleans()),
    max_size=3,
    unique_by=lambda m: posixpath.normpath("/" + m[0].lstrip("/")),
)
WORDS = st.lists(
    st.one_of(
        st.tuples(st.just("--download-dir"), PLACES),
        st.sampled_from(
            [("--revision", "v1"), ("--tokenizer", "acme/draft"), ("--x", "$(MODELCACHE_PATH_2)")]
        ),
    ),
    max_size=2,
    unique_by=lambda words: words[0],
)


@st.composite
def pods(draw: st.DrawFn) -> Json:
    image, flag = draw(SERVERS)
    models = draw(MODELS)
    asked = {
        "model": models,
        "strategy": draw(st.sampled_from(["pvc", "hostPath", "emptyDir", "image"])),
        "layout": draw(st.sampled_from(["auto", "auto", "hf-cache", "directory"])),
        "shm_size": draw(st.sampled_from(["0", "1Gi"])),
    }
    several = 1 if asked["layout"] == "hf-cache" else models.count(",") + 1
    if draw(st.booleans()):
        asked["mount_path"] = ",".join(
            draw(st.lists(CLEAN, min_size=several, max_size=several, unique=True))
        )
    if draw(st.booleans()):
        asked["rewrite_args"] = "true"
    if asked["strategy"] in ("emptyDir", "image"):
        key, value = {"emptyDir": ("size", "1Gi"), "image": ("image", IMAGE)}[asked["strategy"]]
        asked[key] = ",".join([value] * (models.count(",") + 1))
    mounts = draw(MOUNTS)
    return pod_of(
        asked,
        container={
            "image": image,
            "args": [flag, "acme/coder", *(word for pair in draw(WORDS) for word in pair)],
            "env": [{"name": name, "value": value} for name, value in draw(VARIABLES).items()],
            "volumeMounts": [
                {"name": f"own-{i}", "mountPath": path, "readOnly": read_only}
                for i, (path, _, read_only) in enumerate(mounts)
            ],
        },
        volumes=[{"name": f"own-{i}", **source} for i, (_, source, _) in enumerate(mounts)],
    )


def simple(asked: Json, *words: str, image: str = "vllm/vllm-openai:v0.11.0", **env: str) -> Json:
    container = {
        "image": image,
        "args": list(words),
        "env": [{"name": name, "value": value} for name, value in env.items()],
    }
    return pod_of({"strategy": "pvc", **asked}, container=container)


def admitted(pod: Json) -> Answer:
    """Return the answer to *pod*, from a server that keeps image volumes."""
    return Webhook(facts=facts_of({"kube_version": "1.35"})).admit(pod)


@settings(max_examples=1000)
@given(pods())
@example(simple({"mount_path": "/data"}, "--model", "acme/coder", HF_HUB_CACHE="/data/hub"))
@example(simple({"mount_path": "/modelcache"}, "--model", "acme/coder"))
@example(simple({"mount_path": "/modelcache/hub/models--acme--coder"}, "--model", "acme/coder"))
@example(simple({"model": "acme/coder,acme/coder@v1"}, "--model", "acme/coder"))
@example(simple({}, "--model=acme/coder", "--download-dir=/c/models--x", HF_HUB_CACHE="/c"))
def test_every_mount_of_ours_can_be_made_and_a_second_review_adds_nothing(pod: Json) -> None:
    answer = admitted(pod)
    if not answer.allowed:
        assert set(answer.codes) <= {"MC009", "MC016"}, answer.denial
        return
    volumes = {volume["name"]: volume for volume in answer.spec["volumes"]}
    mounts = {}
    for mount in answer.container()["volumeMounts"]:
        path = posixpath.normpath("/" + mount["mountPath"].lstrip("/"))
        assert path not in mounts, "two mounts at one place"
        mounts[path] = mount
    for path, mount in mounts.items():
        above = [other for other in mounts if path.startswith(f"{other}/")]
        if not above or not (is_ours(mount) or any(is_ours(mounts[other]) for other in above)):
            continue
        holder = mounts[max(above, key=len)]
        assert not holder.get("readOnly"), f"{path} is in {holder}"
        assert not is_read_only(volumes[holder["name"]]), f"{path} is in {holder}"
    again = Webhook(facts=facts_of({"kube_version": "1.35"})).admit(answer.admitted, raw=True)
    assert again.adds_nothing, again.response
    assert again.codes == [code for code in answer.codes if code in again.codes]


def is_ours(mount: Json) -> bool:
    return bool(mount["name"].startswith("modelcache-model"))


def is_read_only(volume: Json) -> bool:
    """Whether the kubelet mounts a volume read-only, whatever its mounts say."""
    ((kind, source),) = ((key, value) for key, value in volume.items() if key != "name")
    return kind in READ_ONLY or bool(source.get("readOnly"))


@settings(max_examples=500)
@given(pods())
def test_the_mount_path_that_a_refusal_names_is_free(pod: Json) -> None:
    answer = admitted(pod)
    if answer.allowed or not (
        advice := re.search(r"write (modelcache\.io/mount-path): (\S+),", answer.denial)
    ):
        return
    pod["metadata"]["annotations"][advice[1]] = advice[2]
    again = admitted(pod)
    assert again.allowed or advice[0] not in again.denial, again.denial
    assert again.allowed or f"write {advice[1]}" not in again.denial, again.denial


@settings(max_examples=500)
@given(pods())
def test_a_container_that_is_said_to_read_the_cache_has_it_where_it_looks(pod: Json) -> None:
    webhook = Webhook(facts=facts_of({"kube_version": "1.35"}))
    answer = webhook.admit(pod)
    if not answer.allowed:
        return
    (outcomes,) = webhook.lines[-1]["models"].values()
    names = pod["metadata"]["annotations"][PREFIX + "model"].split(",")
    cached = [name for name, outcome in zip(names, outcomes, strict=True) if outcome == "cache"]
    folders = ["models--" + name.partition("@")[0].replace("/", "--") for name in cached]
    assert len(set(folders)) == len(folders), "a folder has one revision"
    mounts = [m["mountPath"] for m in answer.container()["volumeMounts"]]
    is_tei = "embeddings" in answer.container()["image"]
    variable = "HUGGINGFACE_HUB_CACHE" if is_tei else "HF_HUB_CACHE"
    for folder in folders:
        root = posixpath.normpath(answer.env()[variable])
        assert f"/{root.lstrip('/')}/{folder}" in mounts
