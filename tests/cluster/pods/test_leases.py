"""Two Jobs that load one model into one claim, and hand a Lease to each other."""

from typing import Final

from tests.cluster.pods.ends import ends
from tests.cluster.pods.shop import Shop
from tests.cluster.registration import wait_until
from tests.hub.fault import Fault

BUSY: Final = Fault(where="cdn", status=503, headers={"Retry-After": "1"})
KINDS: Final = ("--kind=lease", "--kind=job")


def test_a_loader_waits_for_the_lease_and_gets_it_as_soon_as_its_holder_is_ended(
    shop: Shop,
) -> None:
    model = "leased/m"
    commit = shop.commit(model)
    shop.hub.fault(BUSY)
    lease, *_, first = shop.render(model, *KINDS)
    _, *_, second = shop.render(f"{model}@{commit}", *KINDS)
    name = lease["metadata"]["name"]

    def holder() -> str:
        now = shop.cluster.api.get(lease["apiVersion"], "Lease", name, shop.namespace).expect()
        return str(now.body.get("spec", {}).get("holderIdentity", ""))

    def waits(pod: str) -> bool:
        said = shop.cluster.kubectl(
            "logs", "-n", shop.namespace, "-l", "loader.modelcache.io/model=leased--m"
        )
        return f"Lease {shop.namespace}/{name}: {pod} holds it; waiting" in said.stdout

    wait_until(lambda: bool(holder()) and waits(holder()), "one waits", 60)
    held = holder()
    shop.end([{"metadata": {"name": held, "namespace": shop.namespace}}])
    # In silence it would last a minute.
    wait_until(lambda: holder() not in ("", held), "another holds it", 30)
    shop.hub.heal()
    fetched = sorted(
        int(ends(shop.completed(job), "load")[0]["message"].split()[2]) for job in (first, second)
    )
    assert fetched[0] == 0
    # What the first had is not asked for again.
    assert 0 < fetched[1] <= shop.size(model)
    assert shop.arrived(model) == shop.size(model)
    wait_until(lambda: not holder(), "nobody holds it")
