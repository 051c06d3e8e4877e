"""Faults between Hub and loader: they are overcome or reported, and nothing wrong is published."""

import itertools
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.command import peak
from tests.forking.process import Forked
from tests.hub.fault import Fault
from tests.hub.running import hub_server
from tests.loading.loading import Loader, loader
from tests.store.models import INDEX
from webhook.loading.origins.origin import Unavailable
from webhook.rendering.loader import PEAK

SHARD = "model-00002-of-00003.safetensors"
ALL = "*.safetensors"
MiB = 2**20


def whole(loading: Loader) -> None:
    """Load, and check that the whole model is published, and nothing else."""
    loading.load()
    loading.see_whole()


def failed(loading: Loader, deadline: float = 60) -> str:
    """Load, check that nothing is published, and return the message."""
    with pytest.raises(Unavailable) as refused:
        loading.load(deadline=deadline)
    assert not list(loading.store.glob("acme--tiny/*"))
    return str(refused.value)


def gaps(loading: Loader, path: str) -> list[float]:
    """Return the seconds between requests for the bytes of a file, by the Hub's clock."""
    at = [one.at for one in loading.hub.requests() if one.file == path and one.method == "GET"
          and one.where == "cdn"]  # fmt: skip
    return [b - a for a, b in itertools.pairwise(at)]


@pytest.mark.parametrize("percent", [1, *range(10, 100, 10)])
def test_a_body_that_is_cut_continues_where_it_stopped(loading: Loader, percent: int) -> None:
    size = (loading.model / SHARD).stat().st_size
    loading.hub.fault(Fault(paths=SHARD, where="cdn", cut_after=size * percent // 100, times=1))
    whole(loading)
    # Only bytes in flight may be lost when the connection is reset.
    assert loading.fetched() <= loading.size + 2 * MiB
    ranges = [one.range for one in loading.hub.requests() if one.file == SHARD and one.range]
    assert len(ranges) <= 1
    assert percent < 50 or ranges != [], "most of it is not requested again"


def test_a_body_that_ends_early_continues_where_it_stopped(loading: Loader) -> None:
    loading.hub.fault(Fault(paths=SHARD, where="cdn", end_after=700_000, times=1))
    whole(loading)
    assert loading.fetched() == loading.size


def test_a_server_without_ranges_sends_everything_again(loading: Loader) -> None:
    loading.hub.fault(Fault(paths=SHARD, where="cdn", end_after=700_000, times=1))
    loading.hub.fault(Fault(paths=SHARD, where="cdn", ignore_range=True))
    whole(loading)
    assert loading.fetched() == loading.size + 700_000


@pytest.mark.parametrize("where", ["api", "resolve", "cdn"])
@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_server_that_is_busy_is_asked_again(loading: Loader, where: str, status: int) -> None:
    fault = Fault(where=where, methods=("GET", "HEAD"), status=status, times=2)  # type: ignore[arg-type]  # one of them
    loading.hub.fault(fault)
    whole(loading)
    answers = [one.code for one in loading.hub.requests() if one.where == where]
    assert answers.count(status) == 2


def test_the_wait_is_as_long_as_the_server_asks_for(loading: Loader) -> None:
    said = {"Retry-After": "3"}
    loading.hub.fault(Fault(paths=SHARD, where="cdn", status=429, headers=said, times=1))
    whole(loading)
    assert max(gaps(loading, SHARD)) >= 3


def test_a_lasting_failure_is_reported_and_the_bytes_so_far_are_kept(loading: Loader) -> None:
    loading.hub.fault(Fault(paths=SHARD, where="cdn", status=503))
    said = failed(loading, 4)
    assert f"{SHARD}: " in said
    assert "answered 503: the deadline has passed (--deadline)" in said
    loading.hub.heal()
    before = loading.fetched()
    whole(loading)
    assert loading.fetched() - before == (loading.model / SHARD).stat().st_size


def test_a_server_that_asks_for_more_time_than_there_is_is_not_waited_for(
    loading: Loader,
) -> None:
    loading.hub.fault(Fault(where="cdn", status=429, headers={"Retry-After": "3000"}))
    said = failed(loading)
    assert "the deadline has passed" in said


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(paths=SHARD, where="cdn", corrupt_at=1000), f"{SHARD}: its sha256 is "),
        (Fault(paths=INDEX, where="resolve", corrupt_at=10), f"{INDEX}: its git object is "),
        (Fault(paths=SHARD, where="api", claim_size=99), f"{SHARD}: "),
        (Fault(paths=SHARD, where="resolve", claim_size=99), f"{SHARD}: has 99 bytes, but"),
    ],
    ids=["corrupt", "corrupt, without a sha256", "wrong size", "other size"],
)
def test_a_file_that_differs_from_what_was_announced_is_never_published(
    loading: Loader, fault: Fault, expected: str
) -> None:
    loading.hub.fault(fault)
    said = failed(loading)
    assert expected in said
    assert said.endswith(": 3 times")
    loading.hub.heal()
    whole(loading)


def test_a_file_that_was_corrupt_once_is_loaded_again(loading: Loader) -> None:
    loading.hub.fault(Fault(paths=SHARD, where="cdn", corrupt_at=1000, times=1))
    whole(loading)


def test_a_file_that_is_truncated_is_never_published(loading: Loader) -> None:
    loading.hub.fault(Fault(paths=SHARD, where="cdn", truncate_to=1000))
    said = failed(loading, 6)
    assert f"{SHARD}: " in said


def test_redirects_without_end_are_reported_at_once(loading: Loader) -> None:
    loading.hub.fault(Fault(paths=SHARD, where="cdn", redirect_loop=True))
    said = failed(loading)
    assert "redirects without end" in said


def test_the_signature_of_an_address_is_never_shown(loading: Loader) -> None:
    loading.hub.fault(Fault(paths=SHARD, where="cdn", status=403))
    said = failed(loading)
    assert "answered 403" in said
    queries = {one.query for one in loading.hub.requests() if one.where == "cdn"}
    assert queries
    assert not [query for query in queries if query and query in said]


def test_a_loader_that_is_killed_leaves_its_parts_to_the_next(loading: Loader) -> None:
    process = stalled(loading)
    process.kill()
    process.wait()
    loading.hub.heal()
    there, before = there_is(loading), loading.fetched()
    whole(loading)
    assert loading.fetched() - before <= loading.size - there


@pytest.mark.programs
def test_a_loader_ends_at_once_on_sigterm_even_as_process_1(loading: Loader) -> None:
    process = stalled(loading, "unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(child), signal.SIGTERM)
    assert process.wait(10) == 143
    loading.hub.heal()
    there, before = there_is(loading), loading.fetched()
    whole(loading)  # in another PID namespace, where the number of the process means nothing
    assert not [text for text in loading.said if "waiting" in text]
    assert loading.fetched() - before <= loading.size - there


def stalled(loading: Loader, *words: str) -> subprocess.Popen[bytes]:
    """Return a loader, started by *words*, that has two thirds of each shard and then gets nothing."""
    loading.hub.fault(Fault(paths=ALL, where="cdn", stall_after=900_000, seconds=50))
    process = Forked([*words, *loading.command()], env=loading.environment())
    while there_is(loading) < 3 * 800_000:
        assert process.poll() is None
        time.sleep(0.02)
    return process


def there_is(loading: Loader) -> int:
    """Return how many unpublished bytes of the model the store has."""
    return sum(
        path.stat().st_size
        for kind in ("files", "parts")
        for path in loading.store.glob(f".incoming/*/{kind}/*")
        if path.exists()
    )


def test_a_header_that_lies_about_its_size_is_never_published(loading: Loader) -> None:
    lie = (2**62).to_bytes(8, "little") + b"{}"
    loading.hub.commit("acme/lie", {"config.json": b"{}", "model.safetensors": lie})
    with pytest.raises(ValueError, match=r"model\.safetensors: is cut short, or not a safetensors"):
        loading.load("acme/lie")
    assert not list(loading.store.glob("acme--lie"))


def test_memory_is_bounded_whatever_the_size(tmp_path: Path) -> None:
    with hub_server(tmp_path / "hub") as hub:
        loading = loader(hub, tmp_path, 8, 2 * int(PEAK))
        assert peak(*loading.command(), env=loading.environment()) < PEAK
        assert loading.place.samefile(loading.place.parent / "main")
