"""What goes wrong on the way from a Hub: it is overcome or told, and nothing wrong is published."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.hub.fault import Fault
from tests.loading.loading import Loader, loader
from tests.loading.test_hub import loaded, refused
from tests.models import INDEX

SHARD = "model-00002-of-00003.safetensors"
ALL = "*.safetensors"
MiB = 2**20


def gaps(loading: Loader, path: str) -> list[float]:
    """Return the seconds between requests for the bytes of a file, by the Hub's clock."""
    at = [one.at for one in loading.hub.requests() if one.file == path and one.method == "GET"
          and one.where == "cdn"]  # fmt: skip
    return [b - a for a, b in zip(at, at[1:], strict=False)]


@pytest.mark.parametrize("percent", range(0, 100, 10))
def test_a_body_that_is_cut_goes_on_where_it_stopped(loading: Loader, percent: int) -> None:
    size = (loading.model / SHARD).stat().st_size
    loading.hub.fault(Fault(paths=SHARD, where="cdn", cut_after=size * percent // 100, times=1))
    loaded(loading, loading.run())
    # What was on the way when the connection was reset may be lost, not more.
    assert loading.fetched() <= loading.size + 2 * MiB
    ranges = [one.range for one in loading.hub.requests() if one.file == SHARD and one.range]
    assert len(ranges) <= 1
    assert percent < 50 or ranges != [], "most of it is not asked for again"


def test_a_body_that_ends_early_goes_on_where_it_stopped(loading: Loader) -> None:
    loading.hub.fault(Fault(paths=SHARD, where="cdn", end_after=700_000, times=1))
    loaded(loading, loading.run())
    assert loading.fetched() == loading.size


def test_a_server_that_knows_no_ranges_sends_it_all_again(loading: Loader) -> None:
    loading.hub.fault(Fault(paths=SHARD, where="cdn", end_after=700_000, times=1))
    loading.hub.fault(Fault(paths=SHARD, where="cdn", ignore_range=True))
    loaded(loading, loading.run())
    assert loading.fetched() == loading.size + 700_000


@pytest.mark.parametrize("where", ["api", "resolve", "cdn"])
@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_server_that_is_busy_is_asked_again(loading: Loader, where: str, status: int) -> None:
    fault = Fault(where=where, methods=("GET", "HEAD"), status=status, times=2)  # type: ignore[arg-type]  # one of them
    loading.hub.fault(fault)
    loaded(loading, loading.run())
    answers = [one.code for one in loading.hub.requests() if one.where == where]
    assert answers.count(status) == 2


def test_as_long_is_waited_as_the_server_says(loading: Loader) -> None:
    said = {"Retry-After": "3"}
    loading.hub.fault(Fault(paths=SHARD, where="cdn", status=429, headers=said, times=1))
    loaded(loading, loading.run())
    assert max(gaps(loading, SHARD)) >= 3


def test_what_goes_on_to_fail_is_told_and_what_arrived_is_kept(loading: Loader) -> None:
    loading.hub.fault(Fault(paths=SHARD, where="cdn", status=503))
    said = refused(loading, loading.run("--deadline", "4s"))
    assert f"{SHARD}: " in said
    assert "answered 503: the deadline is over (--deadline)" in said
    loading.hub.heal()
    before = loading.fetched()
    loaded(loading, loading.run())
    assert loading.fetched() - before == (loading.model / SHARD).stat().st_size


def test_an_answer_that_asks_for_more_time_than_there_is_is_not_waited_for(
    loading: Loader,
) -> None:
    loading.hub.fault(Fault(where="cdn", status=429, headers={"Retry-After": "3000"}))
    said = refused(loading, loading.run("--deadline", "1m", seconds=20))
    assert "the deadline is over" in said


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault(paths=SHARD, where="cdn", corrupt_at=1000), f"{SHARD}: its sha256 is "),
        (Fault(paths=INDEX, where="resolve", corrupt_at=10), f"{INDEX}: its git object is "),
        (Fault(paths=SHARD, where="api", claim_size=99), f"{SHARD}: "),
        (Fault(paths=SHARD, where="resolve", claim_size=99), f"{SHARD}: has 99 bytes, announced"),
        (Fault(paths=SHARD, where="resolve", etag="0" * 64), f"{SHARD}: is {'0' * 64} by now"),
    ],
    ids=["corrupt", "corrupt, without a sha256", "wrong size", "other size", "other ETag"],
)
def test_what_is_not_what_was_announced_is_never_published(
    loading: Loader, fault: Fault, told: str
) -> None:
    loading.hub.fault(fault)
    said = refused(loading, loading.run())
    assert told in said
    loading.hub.heal()
    loaded(loading, loading.run())


def test_what_was_corrupt_once_is_loaded_anew(loading: Loader) -> None:
    loading.hub.fault(Fault(paths=SHARD, where="cdn", corrupt_at=1000, times=1))
    loaded(loading, loading.run())


def test_a_file_that_is_truncated_is_never_published(loading: Loader) -> None:
    loading.hub.fault(Fault(paths=SHARD, where="cdn", truncate_to=1000))
    said = refused(loading, loading.run("--deadline", "6s"))
    assert f"{SHARD}: " in said


def test_redirects_without_end_are_told_at_once(loading: Loader) -> None:
    loading.hub.fault(Fault(paths=SHARD, where="cdn", redirect_loop=True))
    said = refused(loading, loading.run(seconds=20))
    assert "redirects without end" in said


def test_no_signature_of_an_address_is_told(loading: Loader) -> None:
    loading.hub.fault(Fault(paths=SHARD, where="cdn", status=403))
    said = refused(loading, loading.run())
    assert "answered 403" in said
    queries = {one.query for one in loading.hub.requests() if one.where == "cdn"}
    assert queries
    assert not [query for query in queries if query and query in said]


def test_a_loader_that_is_killed_leaves_its_parts_to_the_next(loading: Loader) -> None:
    loading.hub.fault(Fault(paths=ALL, where="cdn", stall_after=900_000, seconds=50))
    with subprocess.Popen(loading.command(), env=loading.environment()) as process:
        while sum(one.stat().st_size for one in loading.store.rglob("parts/*")) < 3 * 800_000:
            assert process.poll() is None
        process.kill()
    loading.hub.heal()
    there = sum(path.stat().st_size for path in loading.store.rglob("parts/*"))
    there += sum(path.stat().st_size for path in loading.store.rglob("files/*"))
    before = loading.fetched()
    loaded(loading, loading.run())
    assert loading.fetched() - before <= loading.size - there


@pytest.mark.parametrize(
    "name",
    ["../out.json", "/etc/out.json", "a/../../out.json", "a//b.json", ".modelcache.json",
     "models--x/y.json", "a\\..\\b.json", "tab\t.json", "x" * 256 + ".json"],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused_with_all_others(
    loading: Loader, name: str, tmp_path: Path
) -> None:
    loading.hub.commit("acme/evil", {"config.json": b"{}", name: b"{}", "..": b"{}"})
    before = sorted(tmp_path.rglob("*"))
    done = loading.run(source="acme/evil")
    assert done.returncode == 1
    assert '"..": is no path below the model' in done.stderr
    assert len(done.stderr.splitlines()) == 2, "both are told"
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before] == []


def test_a_header_that_lies_about_its_size_is_never_published(loading: Loader) -> None:
    lie = (2**62).to_bytes(8, "little") + b"{}"
    loading.hub.commit("acme/lie", {"config.json": b"{}", "model.safetensors": lie})
    done = loading.run(source="acme/lie")
    assert done.returncode == 1
    assert "model.safetensors: is cut short, or no safetensors file" in done.stderr
    assert not list(loading.store.glob("acme--lie"))


def test_memory_is_bounded_whatever_the_size(tmp_path: Path) -> None:
    from tests.hub.running import hub_server

    with hub_server(tmp_path / "hub") as hub:
        loading = loader(hub, tmp_path, 8, 600 * MiB)
        program = (
            "import resource, sys; from webhook.cli import app;"
            "sys.argv = ['modelcache', *sys.argv[1:]]\n"
            "try: app()\n"
            "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        command = [loading.command()[0], "-c", program, *loading.command()[3:]]
        done = subprocess.run(
            command, env=loading.environment(), capture_output=True, text=True, check=True
        )
        assert int(done.stdout.split()[-1]) * 1024 < 150 * MiB
        assert os.path.samefile(loading.place, loading.place.parent / "main")
