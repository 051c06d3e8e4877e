"""`modelcache load --xet`: files from the hub's Xet storage, with the hub's library."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import peak
from tests.hub.running import hub_server
from tests.hub.xet import TOKEN
from tests.loading.loading import REPOSITORY, Loader, loader
from webhook.loading.origins.hub import Hub
from webhook.loading.origins.origin import Access, RemoteFile
from webhook.models.source import parse_source
from webhook.rendering.loader import PEAK


@pytest.fixture
def offering(tmp_path: Path) -> Iterator[Loader]:
    """A hub that offers its large files by Xet."""
    with hub_server(tmp_path / "hub", "--xet") as hub:
        yield loader(hub, tmp_path, 3, 4_000_000)


def from_cdn(loading: Loader) -> list[str]:
    return [one.file for one in loading.hub.requests() if one.where == "cdn"]


def test_with_xet_files_come_by_xet_and_their_digests_are_compared(
    offering: Loader,
) -> None:
    done = offering.run("--xet")
    assert done.returncode == 0, done.stderr
    offering.see_whole()
    assert from_cdn(offering) == []
    tokens = [one for one in offering.hub.requests() if "xet-read-token" in one.path]
    assert tokens
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize("flags", [[], ["--xet"]])
def test_plain_http_serves_files_up_to_its_limit(offering: Loader, flags: list[str]) -> None:
    done = offering.run(*flags, HF_HUB_DISABLE_XET="1" if flags else "0")
    assert done.returncode == 0, done.stderr
    offering.see_whole()
    assert len(from_cdn(offering)) == 3


def test_a_part_continues_where_it_stopped(offering: Loader) -> None:
    (shard, *_) = sorted(offering.model.glob("*.safetensors"))
    hub = Hub(parse_source(REPOSITORY), Access(endpoint=offering.hub.url, xet=True))
    hub.snapshot()
    size = shard.stat().st_size
    with hub.open(RemoteFile(shard.name, size), 1_000_001) as body:
        assert body.start == 1_000_001
        assert b"".join(body.blocks) == shard.read_bytes()[1_000_001:]
    hub.close()


def test_memory_with_xet_does_not_grow_with_the_model(tmp_path: Path) -> None:
    with hub_server(tmp_path / "hub", "--xet") as hub:
        large = loader(hub, tmp_path, 2, 300_000_000)
        # Its client keeps more parts in memory while processors are busy, but far from 600 MB.
        assert peak(*large.command("--xet"), env=large.environment()) < int(PEAK) + 100 * 2**20
        assert from_cdn(large) == []
