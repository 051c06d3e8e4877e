"""Two Jobs load one model into one claim, and take turns by a Lease."""

from typing import Final

from tests.cluster.two_nodes.shop import BUSY, Shop
from tests.kubernetes.ends import ends
from tests.kubernetes.registration import wait_until

KINDS: Final = ("--kind=lease", "--kind=job")


def test_a_loader_waits_for_the_lease_until_its_holder_ends(
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
        return f"Lease {shop.namespace}/{name}: {pod} holds it; waiting" in shop.logs(model)

    wait_until(lambda: bool(holder()) and waits(holder()), "one waits", 60)
    held = holder()
    shop.end([{"metadata": {"name": held, "namespace": shop.namespace}}])
    # Without a release of the Lease it would take a minute.
    wait_until(lambda: holder() not in ("", held), "another holds it", 30)
    shop.hub.heal()
    fetched = sorted(
        int(ends(shop.completed(job), "load")[0]["message"].split()[2]) for job in (first, second)
    )
    assert fetched[0] == 0
    # What the first loaded is not requested again.
    assert 0 < fetched[1] <= shop.size(model)
    assert shop.arrived(model) == shop.size(model)
    wait_until(lambda: not holder(), "nobody holds it")
