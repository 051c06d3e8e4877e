"""The Lease that loaders take in turn, with the rights that `render --kind lease` grants."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import yaml

from tests.background import in_background
from tests.cli.command import modelcache
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NamespaceFactory, wait_until
from webhook.api_server.connection import Connection
from webhook.loading.in_cluster import lease as lease_module
from webhook.loading.in_cluster.lease import Lease
from webhook.loading.in_cluster.service_account import PodApi
from webhook.loading.origins.origin import Unavailable

LEASE = "coordination.k8s.io/v1"


@dataclass
class Leased:
    """A rendered Lease, and loaders with its ServiceAccount."""

    plane: ControlPlane
    objects: list[Object]
    said: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.objects[0]["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.objects[0]["metadata"]["namespace"])

    def loader(self, pod: str, seconds: float = 30, user: str | None = None) -> Lease:
        """Return the Lease as the loader in *pod* sees it, with *seconds* for everything it does."""
        who = f"system:serviceaccount:{self.namespace}:{user or self.name}"
        path = self.plane.write_kubeconfig(f"{self.name}-{pod}", self.plane.authority.sign(who))
        api = PodApi("lease", Connection.by_kubeconfig(path))
        deadline = time.monotonic() + seconds
        name = f"{self.namespace}/{self.name}"
        return Lease(name, pod, deadline, self.said.append, self.lost.append, api)

    def now(self) -> Object:
        return self.plane.api.get(LEASE, "Lease", self.name, self.namespace).expect().body

    def spec(self) -> Object:
        found: Object = self.now().get("spec", {})
        return found

    def write(self, **spec: object) -> None:
        """Write the Lease as another program would."""
        self.plane.api.apply(
            {"apiVersion": LEASE, "kind": "Lease",
             "metadata": {"name": self.name, "namespace": self.namespace}, "spec": spec}
        ).expect()  # fmt: skip

    def right(self, kind: str) -> Object:
        (found,) = [obj for obj in self.objects if obj["kind"] == kind]
        return found


@pytest.fixture
def leased(
    cluster: ControlPlane, namespace: NamespaceFactory, monkeypatch: pytest.MonkeyPatch
) -> Leased:
    monkeypatch.setattr(lease_module, "_RENEW_SECONDS", 0.3)
    monkeypatch.setattr(lease_module, "_LOOK_SECONDS", 0.2)
    ran = modelcache("render", "acme/m", "--kind=lease", "--kind=job", f"--namespace={namespace()}")
    assert not ran.status, ran.err
    objects = [*yaml.safe_load_all(ran.out)][:-1]
    for obj in objects:
        cluster.api.create(obj, fieldValidation="Strict").expect(201)
    found = Leased(cluster, objects)
    user = f"system:serviceaccount:{found.namespace}:{found.name}"
    where = f"/apis/{LEASE}/namespaces/{found.namespace}/leases/{found.name}"
    wait_until(lambda: cluster.api.request("GET", where, user=user).ok, "its role is known")
    return found


@contextlib.contextmanager
def waiting(lease: Lease) -> Iterator[threading.Event]:
    """Let a loader request the Lease; the event is set while it holds it."""
    holds = threading.Event()

    def hold(over: threading.Event) -> None:
        with contextlib.suppress(Unavailable), lease.held():
            holds.set()
            over.wait(60)

    with in_background(hold):
        yield holds


def test_one_of_two_loaders_holds_the_lease_until_it_is_done(leased: Leased) -> None:
    with waiting(leased.loader("second")) as second:
        assert second.wait(30)
        with waiting(leased.loader("first", seconds=3)) as first:
            wait_until(lambda: bool(leased.said), "the other says what it waits for")
            name = f"{leased.namespace}/{leased.name}"
            assert leased.said == [f"Lease {name}: second holds it; waiting"]
            assert leased.spec()["holderIdentity"] == "second"
            assert not first.is_set()
    assert not leased.spec().get("holderIdentity")
    with waiting(leased.loader("third")) as third:
        assert third.wait(30)
        assert leased.spec()["holderIdentity"] == "third"
        assert leased.spec()["leaseTransitions"] == 2


def test_a_holder_keeps_the_lease_only_while_it_renews_it(leased: Leased) -> None:
    leased.write(holderIdentity="gone", leaseDurationSeconds=3, leaseTransitions=7)
    with waiting(leased.loader("next")) as holds:
        for second in range(5):
            leased.write(
                holderIdentity="gone", leaseDurationSeconds=3, leaseTransitions=7,
                renewTime=f"2020-01-01T00:00:0{second}.000000Z",  # with a clock that is years behind
            )  # fmt: skip
            assert not holds.wait(1)
        assert holds.wait(30)
        assert leased.spec()["leaseTransitions"] == 8
        assert leased.spec()["leaseDurationSeconds"] == 60
    assert leased.lost == []


def test_a_container_that_is_started_again_in_its_pod_does_not_wait(leased: Leased) -> None:
    leased.write(holderIdentity="pod", leaseDurationSeconds=3600)
    with waiting(leased.loader("pod")) as holds:
        assert holds.wait(30)


def test_annotations_and_owners_that_others_wrote_stay(leased: Leased) -> None:
    path = f"/apis/{LEASE}/namespaces/{leased.namespace}/leases/{leased.name}"
    account = leased.plane.api.get("v1", "ServiceAccount", leased.name, leased.namespace).body
    owner = {"apiVersion": "v1", "kind": "ServiceAccount", "name": leased.name}
    owner["uid"] = account["metadata"]["uid"]
    change = {"metadata": {"annotations": {"a": "b"}, "ownerReferences": [owner]}}
    media_type = "application/merge-patch+json"
    leased.plane.api.request("PATCH", path, change, media_type=media_type).expect()
    with waiting(leased.loader("pod")) as holds:
        assert holds.wait(30)
        again = {"metadata": {"annotations": {"a": "c"}}}
        leased.plane.api.request("PATCH", path, again, media_type=media_type).expect()
        before = leased.spec()["renewTime"]
        wait_until(lambda: leased.spec()["renewTime"] != before, "it is renewed")
    now = leased.now()
    assert now["metadata"]["annotations"]["a"] == "c"
    assert len(now["metadata"]["ownerReferences"]) == 1
    assert leased.lost == []


def test_a_holder_notices_that_another_has_taken_the_lease(leased: Leased) -> None:
    with waiting(leased.loader("first")) as holds:
        assert holds.wait(30)
        leased.write(holderIdentity="second", leaseDurationSeconds=60)
        wait_until(lambda: bool(leased.lost), "the holder notices")
    name = f"{leased.namespace}/{leased.name}"
    assert leased.lost == [f"Lease {name}: second has taken it, and loads the same model"]
    assert leased.spec()["holderIdentity"] == "second"


def test_a_holder_that_can_not_renew_continues(leased: Leased) -> None:
    binding = leased.right("RoleBinding")
    with waiting(leased.loader("pod")) as holds:
        assert holds.wait(30)
        leased.plane.api.delete(binding).expect()
        wait_until(lambda: bool(leased.said), "it says so")
        assert leased.said[0].endswith("; continuing")
        assert "403" in leased.said[0]
        before = leased.spec()["renewTime"]
        leased.plane.api.create(binding).expect(201)
        wait_until(lambda: leased.spec()["renewTime"] != before, "it renews again")
    assert leased.lost == []


def test_a_missing_right_is_reported_with_its_remedy(leased: Leased) -> None:
    said = "403 .*: modelcache render --kind lease prints what permits it"
    with pytest.raises(Unavailable, match=said), leased.loader("pod", user="default").held():
        pass
    leased.plane.api.delete(leased.right("Lease")).expect()
    with pytest.raises(Unavailable, match=said.replace("403", "404")), leased.loader("pod").held():
        pass


def test_a_loader_that_waits_beyond_its_deadline_names_the_holder(leased: Leased) -> None:
    leased.write(holderIdentity="first", leaseDurationSeconds=3600)
    said = "first held it until the deadline"
    with pytest.raises(Unavailable, match=said), leased.loader("second", seconds=1).held():
        pass


@pytest.mark.parametrize("verb", ["create", "delete", "list", "watch", "patch"])
def test_a_loader_may_read_and_update_its_lease_and_nothing_else(leased: Leased, verb: str) -> None:
    user = f"system:serviceaccount:{leased.namespace}:{leased.name}"
    asked = ("auth", "can-i", verb, f"leases/{leased.name}", "-n", leased.namespace)
    assert leased.plane.kubectl(*asked, user=user).stdout == "no\n"
    another = ("auth", "can-i", "update", "leases/another", "-n", leased.namespace)
    assert leased.plane.kubectl(*another, user=user).stdout == "no\n"
