"""CachedModel and CachePolicy in a real API server: what it accepts, says, explains and lets change."""

import copy
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.custom_resources.documents import DIFFERENT, ROWS, Row
from tests.docs.manual import ROOT
from tests.kubernetes import binaries
from tests.kubernetes.api import Answer, Object
from tests.kubernetes.control_plane import ControlPlane, Options
from tests.kubernetes.custom_resources import served
from tests.kubernetes.registration import wait_until
from webhook.admission.policy.documents import load_policy
from webhook.custom_resources.definitions import definitions

EXAMPLES = ("policy.yaml", "strict.yaml", "lenient.yaml")


@pytest.fixture(scope="module", params=["newest", "oldest"])
def plane(request: pytest.FixtureRequest, cluster: ControlPlane) -> Iterator[ControlPlane]:
    """An API server that knows both kinds: the current Kubernetes, and the oldest of the chart."""
    found = cluster
    if request.param == "oldest":
        options = Options(api_server=binaries.OLDEST_API_SERVER, controller_manager=False)
        found = ControlPlane(options)
    with served(found, definitions()):
        yield found
    if found is not cluster:
        found.stop()


@pytest.fixture(scope="module")
def newest(cluster: ControlPlane) -> Iterator[ControlPlane]:
    """The same, only the current Kubernetes."""
    with served(cluster, definitions()):
        yield cluster


def tried(plane: ControlPlane, document: Object) -> Answer:
    """Return what the API server would answer to kubectl."""
    return plane.api.create(document, dry_run=True, fieldValidation="Strict")


def test_the_api_server_has_nothing_to_say_about_the_definitions(plane: ControlPlane) -> None:
    for definition in definitions():
        answer = plane.api.apply(definition).expect()
        assert not answer.warnings
        conditions = plane.api.get(
            "apiextensions.k8s.io/v1", "CustomResourceDefinition", definition["metadata"]["name"]
        ).body["status"]["conditions"]
        holds = {one["type"]: one["status"] for one in conditions}
        assert holds["Established"] == "True"
        assert "NonStructuralSchema" not in holds


def test_it_keeps_every_word_of_the_schemas(plane: ControlPlane) -> None:
    for definition in definitions():
        name = definition["metadata"]["name"]
        kept = plane.api.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", name).body
        (there,), (ours,) = kept["spec"]["versions"], definition["spec"]["versions"]
        assert there["schema"] == ours["schema"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_api_server_judges_as_the_reader_of_files(plane: ControlPlane, row: Row) -> None:
    answer = tried(plane, row.document)
    assert answer.ok is not bool(row.field), answer.message
    assert row.field in answer.message


@pytest.mark.parametrize("row", DIFFERENT, ids=lambda row: row.id)
def test_it_judges_what_differs_as_the_table_says(plane: ControlPlane, row: Row) -> None:
    answer = tried(plane, row.document)
    assert answer.ok is (row.accepts == "server"), answer.message
    if not answer.ok:
        assert row.field in answer.message


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_accepts_the_examples(plane: ControlPlane, name: str) -> None:
    documents = list(yaml.safe_load_all((ROOT / "examples" / name).read_text()))
    for document in documents:
        answer = tried(plane, document).expect(201)
        assert not answer.warnings
    assert documents


SAMPLES: dict[str, tuple[str, ...]] = {
    "spec.source": (
        "org/name@v1.0", "hf://org/name", "s3://bucket/a/b=c@d/", "https://example.com:8443/m.gguf",
        "oci://example.com/x:v1@sha256:" + "a" * 64, "ollama://library/llama3.2:3b", "gs://b",
    ),
    "spec.directory": ("teams/coder", "a/./b", "../x", "models/.hidden/v1.2/"),
    "spec.file": ("q4/m-00001-of-00003.gguf", "a..b"),
    "spec.size": ("16Gi", "1.5e9", ".5Mi", "+3G", "0.0", "100m"),
    "spec.image": ("example.com:5000/a/b:v1@sha256:" + "b" * 64, "a@sha256:" + "0" * 64),
    "spec.defaults.claim": ("team-models", "a.b-c", "a..b"),
    "spec.defaults.host-path": ("/var/lib/model-cache", "//models//x/", "/sys", "/developer/.x"),
    "spec.defaults.shm-size": ("8Gi", "0", "1e3", ".5Gi"),
    "spec.defaults.loader-user": ("65532", "0", "2147483647"),
    "spec.defaults.loader-pull-secrets": ("a, b.c", "registry", "a,,b"),
}  # fmt: skip
"""Field → texts that random ones are made of."""


def changed(text: str, chance: random.Random) -> str:
    """Return *text* with one or two characters more, fewer or other ones."""
    for _ in range(chance.randint(0, 2)):
        at = chance.randint(0, len(text))
        text = text[:at] + chance.choice(["", *"aA0-._/@:+~ é"]) + text[at + chance.randint(0, 1) :]
    return text


def document_with(field: str, text: str) -> Object:
    *path, name = field.split(".")[1:]
    if path:
        return {**model(), "kind": "CachePolicy", "spec": {path[0]: {name: text}}}
    return model(**{"source": "org/n", name: text})


@pytest.mark.parametrize("field", SAMPLES)
def test_random_texts_are_judged_alike(newest: ControlPlane, field: str) -> None:
    chance = random.Random(field)
    judged = set()
    for _ in range(40):
        text = changed(chance.choice(SAMPLES[field]), chance)
        if field.startswith("spec.defaults") and text != text.strip():
            continue  # of an annotation, spaces around it mean nothing
        document = document_with(field, text)
        try:
            load_policy([("it", document)])
            accepted = True
        except ValueError:
            accepted = False
        assert tried(newest, document).ok is accepted, text
        judged.add(accepted)
    assert judged == {True, False}


def model(name: str = "m", **spec: Any) -> Object:
    return {
        "apiVersion": "modelcache.io/v1alpha1",
        "kind": "CachedModel",
        "metadata": {"name": name},
        "spec": spec,
    }


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("org/name", "org/name@v2", True),
        ("org/name@v1", "hf://org/name@v2", True),
        ("org/name", "org/other", False),
        ("s3://bucket/a@1", "s3://bucket/a@2", False),
        ("oci://r.example/x:v1", "oci://r.example/x:v1@sha256:" + "a" * 64, True),
        ("oci://r.example/x:v1", "oci://r.example/x:v2", False),
        ("ollama://library/a:3b", "ollama://library/a:7b", False),
    ],
)
def test_a_model_can_not_become_another_one(
    plane: ControlPlane, before: str, after: str, same: bool
) -> None:
    obj = model(source=before)
    plane.api.create(obj).expect(201)
    try:
        answer = plane.api.merge(obj, {"spec": {"source": after}})
        assert answer.ok is same, answer.message
        if not same:
            assert "spec.source: Invalid value" in answer.message
            assert "the model can't become another one" in answer.message
    finally:
        plane.api.delete(obj).expect()


def test_the_message_of_a_refusal_says_what_is_wanted(plane: ControlPlane) -> None:
    answer = tried(plane, model(source="org/n", size="8 GB", image="example.com/m:v1"))
    for said in (
        "must be a quantity above 0, such as 512Mi or 16Gi",
        "must be an image by digest, such as example.com/model@sha256:",
    ):
        assert said in answer.message


def test_status_is_written_apart_and_with_conditions(plane: ControlPlane) -> None:
    obj = model(source="org/n")
    plane.api.create({**obj, "status": {"revision": "dropped"}}).expect(201)
    try:
        path = "/apis/modelcache.io/v1alpha1/cachedmodels/m/status"
        condition = {
            "type": "Accepted", "status": "False", "reason": "Invalid", "message": "too large",
            "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z",
        }  # fmt: skip
        status = {"revision": "a" * 40, "bytes": 5, "conditions": [condition]}
        kind = "application/merge-patch+json"
        done = plane.api.request("PATCH", path, {"status": status}, media_type=kind).expect(200)
        assert done.body["status"] == status
        wrong = {"status": {"conditions": [{**condition, "status": "Maybe"}]}}
        refused = plane.api.request("PATCH", path, wrong, media_type=kind)
        assert "conditions[0].status" in refused.message
    finally:
        plane.api.delete(obj).expect()


@pytest.mark.parametrize(
    ("words", "heads"),
    [
        (("cmodel",), ["NAME SOURCE SIZE ACCEPTED AGE"]),
        (("cachedmodels", "-o", "wide"), ["NAME SOURCE SIZE ACCEPTED STRATEGIES DIRECTORY MESSAGE AGE"]),
        (("cpolicy",), ["NAME PRIORITY ACCEPTED AGE"]),
        (("modelcache",), ["NAME PRIORITY ACCEPTED AGE", "NAME SOURCE SIZE ACCEPTED AGE"]),
    ],
)  # fmt: skip
def test_kubectl_shows_columns(
    plane: ControlPlane, words: tuple[str, ...], heads: list[str]
) -> None:
    objects = [
        model(source="org/n", size="5Gi", directory="n", strategies=["pvc"]),
        {**model(), "kind": "CachePolicy", "spec": {}},
    ]
    for obj in objects:
        plane.api.create(obj).expect(201)
    try:
        done = plane.kubectl("get", *words)
        assert done.returncode == 0, done.stderr
        lines = [line for line in done.stdout.splitlines() if "NAME" in line]
        # A category names its kinds in any order.
        assert sorted(" ".join(line.split()) for line in lines) == heads
        assert "<none>" not in done.stdout
    finally:
        for obj in objects:
            plane.api.delete(obj).expect()


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("cachedmodel", "A model that the platform offers under a name"),
        (
            "cachedmodel.spec.source",
            "Where the model comes from: org/name[:quantisation][@revision]",
        ),
        ("cachedmodel.spec.tokenSecretRef", "admission never reads it"),
        ("cachepolicy.spec.defaults.shm-size", "Size of /dev/shm, in memory. Default: 2Gi."),
        ("cpolicy.spec.rules.hostPathRoots", "Refuses node caches outside the roots"),
        ("cpolicy.spec.rules.hostPathRoots.mode", "enforce refuses pods."),
        ("cpolicy.spec.namespaceSelector", "The namespaces that it is for"),
    ],
)
def test_kubectl_explain_reads_as_the_manual(plane: ControlPlane, field: str, said: str) -> None:
    done = plane.kubectl("explain", field)
    assert done.returncode == 0, done.stderr
    assert said in " ".join(done.stdout.split())


def described(schema: Object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each field of a published schema with its description."""
    for name, one in schema.get("properties", {}).items():
        place = f"{path}.{name}"
        yield place, one.get("description", "")
        if place != ".metadata":
            yield from described(one, place)
    if "items" in schema:
        yield from described(schema["items"], f"{path}[]")


def test_the_published_schema_describes_every_field(plane: ControlPlane) -> None:
    path = "/openapi/v3/apis/modelcache.io/v1alpha1"
    schemas: Object = {}

    def published() -> bool:
        schemas.update(plane.api.request("GET", path).body.get("components", {}).get("schemas", {}))
        return len([name for name in schemas if name.startswith("io.modelcache.")]) >= 4

    wait_until(published, "the schemas are published")
    for kind in ("CachedModel", "CachePolicy"):
        fields = dict(described(schemas[f"io.modelcache.v1alpha1.{kind}"]))
        assert len(fields) > 20
        assert [place for place, text in fields.items() if not text] == []


def loose(definition: Object) -> Object:
    """Return the definition of CachedModel of an earlier version, that knew no strategies yet."""
    earlier = copy.deepcopy(definition)
    (version,) = earlier["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    spec["strategies"] = {"type": "array", "items": {"type": "string"}}
    return earlier


@pytest.fixture
def stranger(plane: ControlPlane) -> Iterator[Object]:
    """An object of an earlier, looser definition that the current one would refuse."""
    definition = definitions()[0]
    old = model("old", source="org/n", strategies=["nfs"])
    plane.api.apply(loose(definition)).expect()
    try:
        wait_until(lambda: tried(plane, old).ok, "the loose schema is in force")
        plane.api.create(old).expect(201)
        plane.api.apply(definition).expect()
        fresh = {**old, "metadata": {"name": "new"}}
        wait_until(lambda: not tried(plane, fresh).ok, "the strict one is")
        yield old
    finally:
        plane.api.apply(definition).expect()
        plane.api.delete(old).expect(200, 404)


# Ratcheting: on by default since 1.30. https://kep.k8s.io/4008
def test_a_tighter_schema_lets_an_old_object_change_elsewhere_since_1_30(
    plane: ControlPlane, stranger: Object
) -> None:
    ratchets = int(plane.version().split(".")[1]) >= 30
    for spec in ({"size": "5Gi"}, {"source": "org/n@v2"}):
        answer = plane.api.merge(stranger, {"spec": spec})
        assert answer.ok is ratchets, answer.message
    status = "/apis/modelcache.io/v1alpha1/cachedmodels/old/status"
    found = {"status": {"revision": "a" * 40}}
    kind = "application/merge-patch+json"
    plane.api.request("PATCH", status, found, media_type=kind).expect(200)
    refused = plane.api.merge(stranger, {"spec": {"strategies": ["nfs", "pvc"]}})
    assert "spec.strategies" in refused.message
    plane.api.merge(stranger, {"spec": {"strategies": ["pvc"]}}).expect(200)
    plane.api.merge(stranger, {"spec": {"size": "6Gi"}}).expect(200)


def test_whoever_may_view_the_cluster_reads_both_kinds(newest: ControlPlane) -> None:
    role = yaml.safe_load((ROOT / "deploy" / "view.yaml").read_text())
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "viewers"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "User", "name": "ada", "apiGroup": "rbac.authorization.k8s.io"}],
    }

    def may(verb: str, resource: str) -> bool:
        words = ("auth", "can-i", verb, f"{resource}.modelcache.io")
        return newest.kubectl(*words, user="ada").stdout.strip() == "yes"

    for obj in (role, binding):
        newest.api.apply(obj).expect()
    try:
        wait_until(lambda: may("list", "cachepolicies"), "the role is aggregated")
        assert may("watch", "cachedmodels")
        assert not may("create", "cachedmodels")
        assert not may("patch", "cachepolicies")
    finally:
        for obj in (binding, role):
            newest.api.delete(obj).expect()


def test_every_refusal_of_the_tables_names_its_field() -> None:
    assert all(re.match(r"(spec|metadata)\.", row.field) for row in ROWS if row.field)
