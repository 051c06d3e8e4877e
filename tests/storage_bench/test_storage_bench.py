"""The parts of `modelcache bench-storage`: pages that leave memory, readers, rows, advice.

Claims about reads are checked with the kernel's counters, never with a clock.
"""

import os
import subprocess
from pathlib import Path

import pytest

from tests.store.models import publish, safetensors
from webhook.storage_bench import hint as advice
from webhook.storage_bench.found import SMALLEST, found
from webhook.storage_bench.hint import hint
from webhook.storage_bench.interruption import Interruption
from webhook.storage_bench.mapped import touch
from webhook.storage_bench.measurement import Measurement, _unfit
from webhook.storage_bench.page_cache import drop, resident
from webhook.storage_bench.readers import Readers, takes_direct
from webhook.storage_bench.result import binary, rate, seconds
from webhook.storage_bench.row import Cache, Kind, Method, Row
from webhook.storage_bench.span import BLOCK, Shrunk, Span, blocks, shares, total
from webhook.store.file_system import file_system

SIZE = 3 * BLOCK + 12_345
MIB = 2**20


def nothing(_done: int) -> None:
    pass


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(os.urandom(SIZE))
    return path


def readers(spans: list[Span], number: int = 1, *, direct: bool = False) -> Readers:
    return Readers(spans, number, Interruption(), nothing, direct=direct)


def counted(name: str) -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)[name])


@pytest.mark.parametrize("direct", [True, False], ids=["O_DIRECT", "read"])
def test_dropped_pages_are_gone_and_the_next_read_comes_from_storage(
    file: Path, direct: bool
) -> None:
    spans = [Span(file, 0, SIZE)]
    drop([file])
    assert resident(spans) == 0
    storage = readers(spans, direct=direct).read().storage
    assert storage is not None
    assert storage >= SIZE
    assert resident(spans) == (0 if direct else 1)


def test_a_warm_read_does_not_come_from_storage(file: Path) -> None:
    spans = [Span(file, 0, SIZE)]
    readers(spans).read()
    assert resident(spans) == 1
    assert readers(spans, 3).read().storage == 0
    assert touch(spans, Interruption(), nothing).storage == 0


def test_page_faults_bring_every_page_into_memory(file: Path) -> None:
    spans = [Span(file, 0, SIZE)]
    drop([file])
    reported: list[int] = []
    storage = touch(spans, Interruption(), reported.append).storage
    assert storage is not None
    assert storage >= SIZE
    assert resident(spans) == 1
    assert reported == [SIZE]


def test_the_pages_of_a_tmpfs_stay(memory: Path) -> None:
    (memory / "file").write_bytes(bytes(BLOCK))
    drop([memory / "file"])
    assert resident([Span(memory / "file", 0, BLOCK)]) == 1


def test_pages_are_loaded_before_a_warm_read_and_dropped_before_a_cold_one(
    file: Path,
) -> None:
    measurement = Measurement([Span(file, 0, SIZE)], 1, Interruption(), nothing)
    for _ in range(2):
        assert measurement._cool() == 0
        assert measurement._warm() == 1


@pytest.mark.parametrize(
    ("cache", "share", "expected"),
    [
        (Cache.COLD, 0.01, ""), (Cache.COLD, 0.5, "not measured: 50% of the pages stay"),
        (Cache.WARM, 0.99, ""), (Cache.WARM, 0.5, "not measured: only 50% of the pages stay"),
        (Cache.COLD, None, ""), (Cache.WARM, None, ""),
    ],
)  # fmt: skip
def test_a_row_without_rate_says_how_many_pages_were_in_memory(
    cache: Cache, share: float | None, expected: str
) -> None:
    said = _unfit(cache, share)
    assert said.startswith(expected)
    assert bool(said) == bool(expected)


def test_a_part_of_a_file_that_is_in_memory_is_counted_as_a_part(file: Path) -> None:
    drop([file])
    subprocess.run(["dd", f"if={file}", "of=/dev/null", "bs=1M", "count=2"], check=True,
                   stderr=subprocess.DEVNULL)  # fmt: skip
    share = resident([Span(file, 0, SIZE)])
    assert share is not None
    assert 0.16 <= share < 1


@pytest.mark.parametrize("number", [1, 2, 5])
def test_readers_read_every_byte_once_by_a_call_for_each_block(file: Path, number: int) -> None:
    spans = [Span(file, 0, SIZE)]
    before = counted("syscr"), counted("rchar")
    readers(spans, number).read()
    calls, read = counted("syscr") - before[0], counted("rchar") - before[1]
    files_in_proc = 8
    assert len(blocks(spans)) <= calls <= len(blocks(spans)) + files_in_proc
    assert SIZE <= read <= SIZE + files_in_proc * 1000


@pytest.mark.parametrize("number", [1, 2, 3, 7, 100])
def test_shares_hold_every_block_once_and_in_order(number: int) -> None:
    spans = [Span(Path("a"), 0, 3 * BLOCK + 1), Span(Path("b"), 0, BLOCK), Span(Path("c"), 0, 5)]
    found_shares = shares(spans, number)
    assert [block for share in found_shares for block in share] == blocks(spans)
    assert len(found_shares) == min(number, 6)
    assert max(map(len, found_shares)) - min(map(len, found_shares)) <= 1
    assert total(blocks(spans)) == total(spans)


def test_several_files_are_read_to_their_ends(tmp_path: Path) -> None:
    for name, size in (("a", 100), ("b", BLOCK + 1), ("c", 4096)):
        (tmp_path / name).write_bytes(bytes(size))
    spans = [Span(tmp_path / n, 0, (tmp_path / n).stat().st_size) for n in "abc"]
    done: list[int] = []
    for direct in (False, True):
        Readers(spans, 2, Interruption(), done.append, direct=direct).read()
        assert done[-1] == total(spans)


@pytest.mark.parametrize("direct", [True, False], ids=["O_DIRECT", "read"])
@pytest.mark.parametrize("left", [0, BLOCK, BLOCK + 5000])
def test_a_file_that_became_shorter_is_named_by_readers(
    file: Path, direct: bool, left: int
) -> None:
    os.truncate(file, left)
    with pytest.raises(Shrunk, match=f"{file}: became shorter while it was read"):
        readers([Span(file, 0, SIZE)], 2, direct=direct).read()


@pytest.mark.parametrize("cut", [1, SIZE])
def test_a_file_that_became_shorter_is_named_by_page_faults_and_by_mincore(
    file: Path, cut: int
) -> None:
    os.truncate(file, SIZE - cut)
    with pytest.raises(Shrunk, match=str(file)):
        touch([Span(file, 0, SIZE)], Interruption(), nothing)
    with pytest.raises(Shrunk, match=str(file)):
        resident([Span(file, 0, SIZE)])


def test_the_second_of_two_files_is_named_if_it_became_shorter(file: Path, tmp_path: Path) -> None:
    (tmp_path / "second").write_bytes(b"x")
    spans = [Span(file, 0, SIZE), Span(tmp_path / "second", 0, 2)]
    with pytest.raises(Shrunk, match=f"{tmp_path}/second: "):
        touch(spans, Interruption(), nothing)


def test_an_error_of_a_read_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        readers([Span(tmp_path, 0, BLOCK)]).read()


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    spans = [Span(tmp_path / "gone", 0, BLOCK)]
    with pytest.raises(FileNotFoundError, match="gone"):
        readers(spans).read()
    with pytest.raises(ValueError, match=f"{tmp_path}/gone: No such file or directory"):
        touch(spans, Interruption(), nothing)


def test_a_file_system_without_o_direct_is_recognised(file: Path) -> None:
    assert takes_direct(file)
    assert not takes_direct(Path("/proc/version"))


def test_the_largest_files_are_read_and_safetensors_first(tmp_path: Path) -> None:
    for name, size in (("a.bin", 9), ("b.safetensors", 3), ("c.safetensors", 5), ("d.txt", 1)):
        os.truncate(os.open(tmp_path / name, os.O_CREAT | os.O_WRONLY), size * MIB)
    got = found(tmp_path, 3 * MIB, Interruption())
    assert [(s.file.name, s.length) for s in got.spans] == [("c.safetensors", 3 * MIB)]
    assert got.model == 8 * MIB
    got = found(tmp_path, 8 * SMALLEST, Interruption())
    assert got.spans == []


def test_files_of_the_store_are_read_once_under_whatever_name(tmp_path: Path) -> None:
    published = publish(tmp_path, "org/name", 8 * MIB, hub_cache=True)
    safetensors(tmp_path / ".incoming" / "x" / "model.safetensors", 9 * MIB)
    got = found(tmp_path, 4 * MIB, Interruption())
    assert [s.file.suffix for s in got.spans] == [".safetensors"]
    assert got.model == sum(f.stat().st_size for f in published.glob("*.safetensors"))
    assert not [s for s in got.spans if ".incoming" in s.file.parts]


def test_a_file_with_two_names_is_read_once(tmp_path: Path) -> None:
    os.truncate(os.open(tmp_path / "blob", os.O_CREAT | os.O_WRONLY), SMALLEST)
    os.link(tmp_path / "blob", tmp_path / "model.safetensors")
    (tmp_path / "link.safetensors").symlink_to("blob")
    [span] = found(tmp_path, 8 * SMALLEST, Interruption()).spans
    assert (span.file.suffix, span.length) == (".safetensors", SMALLEST)


def test_a_link_that_leads_out_of_the_store_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(bytes(MIB))
    store = tmp_path / "store"
    store.mkdir()
    (store / "model.safetensors").symlink_to("../outside")
    (store / "nowhere.safetensors").symlink_to("gone")
    (store / "circle.safetensors").symlink_to("circle.safetensors")
    got = found(store, MIB, Interruption())
    assert got.spans == []


def row(kind: Kind, *rates: float, cache: Cache = Cache.COLD) -> Row:
    return Row(kind, cache, Method.READ, list(rates))


def test_the_load_time_is_the_size_of_the_model_divided_by_the_median() -> None:
    assert row(Kind.MMAP, 100, 400, 200).load_seconds(1000) == 5
    assert row(Kind.MMAP, 100, 300).load_seconds(1000) == 5
    assert row(Kind.MMAP).load_seconds(1000) is None


SLOW, FAST = advice.SLOW_PAGE_FAULTS, advice.FAST_READERS


MAPPED = "page faults read {} times as fast as one reader"
SEVERAL = "8 readers are {} times as fast as one"
EAGER, PREFETCH = (f": --safetensors-load-strategy {word} " for word in ("eager", "prefetch"))


@pytest.mark.parametrize(
    ("many", "faults", "expected"),
    [
        (FAST * 100, SLOW * 100, ""),
        (100, SLOW * 100 - 1, MAPPED.format("0.69") + EAGER),
        (FAST * 100 + 10, 100, SEVERAL.format("1.6") + PREFETCH),
        (400, 10, MAPPED.format("0.10") + " and " + SEVERAL.format("4.0") + PREFETCH),
        (400, 500, ""),
        (None, None, ""),
    ],
)
def test_the_hint_names_the_setting_that_helps(
    many: float | None, faults: float | None, expected: str
) -> None:
    rows = [
        row(Kind.SEQUENTIAL, 100),
        row(Kind.PARALLEL, *filter(None, [many])),
        row(Kind.MMAP, *filter(None, [faults])),
        row(Kind.MMAP, 1, cache=Cache.WARM),
    ]
    said = hint(rows, 8)
    assert said.startswith(expected)
    assert bool(said) == bool(expected)
    assert "\n" not in said


def test_without_a_cold_rate_of_one_reader_there_is_no_hint() -> None:
    assert hint([row(Kind.SEQUENTIAL), row(Kind.PARALLEL, 100), row(Kind.MMAP, 1)], 8) == ""


def test_numbers_are_written_for_people() -> None:
    assert [rate(v * MIB) for v in (0.5, 9.99, 1204.4)] == [
        "0.50 MiB/s", "9.99 MiB/s", "1,204 MiB/s"]  # fmt: skip
    assert [seconds(v) for v in (0.0104, 13.44, 1312.2)] == ["0.010 s", "13.4 s", "1,312 s"]
    assert [binary(v) for v in (16 * 2**30, 16_060_522_496, 5000, 80 * MIB)] == [
        "16Gi", "15.0Gi", "4.9Ki", "80Mi"]  # fmt: skip


def test_the_file_system_is_named_as_mounts_name_it(memory: Path) -> None:
    assert file_system(memory) == "tmpfs"
    assert file_system(Path("/proc/self")) == "proc"
