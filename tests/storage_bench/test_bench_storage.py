"""What `modelcache bench-storage` measures and prints, and what it leaves in the store."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.cli.command import ROOT, Ran, modelcache, peak
from tests.store.models import COMMIT, publish, safetensors

MIB = 2**20
SMALL = ("--limit", "4Mi", "--rounds", "1", "--readers", "2")
NAMES = [
    f"{kind}, {cache}" for kind in ("sequential", "parallel", "mmap") for cache in ("cold", "warm")
]
SVG = "{http://www.w3.org/2000/svg}"
WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
COMMAND = [sys.executable, "-m", "webhook", "bench-storage"]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with one model of a little more than 6Mi."""
    place = tmp_path / "store"
    place.mkdir()
    publish(place, "org/name", 6 * MIB, shards=1)
    return place


def bench(*arguments: str | Path) -> Ran:
    return modelcache("bench-storage", *arguments)


def measured(*arguments: str | Path) -> dict[str, Any]:
    ran = bench(*arguments, "-o", "json")
    assert ran.status == 0, ran.err
    result: dict[str, Any] = json.loads(ran.out)
    return result


def started_by(words: tuple[str, ...], *arguments: str | Path) -> Ran:
    """Run the command through *words*, which give it its own mounts or rights."""
    done = subprocess.run(
        [*words, *COMMAND, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr, b"")


def after(script: str) -> tuple[str, ...]:
    """Return words that run a command after *script*, with its own mounts."""
    shell = ("sh", "-ec", f'{script}; exec "$@"', "sh")
    return ("unshare", "--mount", "--propagation=private", *shell)


def read_only(place: Path) -> tuple[str, ...]:
    return after(f"mount --bind {place} {place}; mount -o remount,bind,ro {place}")


def state(place: Path) -> dict[Path, tuple[int, int, bytes]]:
    return {
        p: (p.lstat().st_mtime_ns, p.lstat().st_ino, p.read_bytes() if p.is_file() else b"")
        for p in (place, *place.rglob("*"))
    }


def test_a_store_is_read_in_three_ways_cold_and_warm(store: Path) -> None:
    result = measured(store, "--limit", "4Mi", "--rounds", "3", "--readers", "2")
    rows = result.pop("rows")
    published = store / "org--name" / COMMIT / "model.safetensors"
    size = published.stat().st_size
    assert result.pop("fileSystem")
    assert isinstance(result.pop("hint"), str)
    assert result == {
        "directory": str(store), "scratch": False, "rounds": 3, "readers": 2, "modelBytes": size,
        "files": [{"path": str(published), "bytes": 4 * MIB}], "bytes": 4 * MIB,
    }  # fmt: skip
    assert [f"{row['kind']}, {row['cache']}" for row in rows] == NAMES
    for row in rows:
        rates = row["bytesPerSecond"]
        assert 0 < rates["min"] <= rates["median"] <= rates["max"]
        assert row["loadSeconds"] == pytest.approx(size / rates["median"])
        assert row["notes"] == []
    assert [row["method"] for row in rows] == ["O_DIRECT", "read", "read", "read", "mmap", "mmap"]


def test_the_load_time_of_the_named_model_is_shown(store: Path) -> None:
    result = measured(store, *SMALL, "--model-size", "3Gi")
    assert result["modelBytes"] == 3 * 2**30
    for row in result["rows"]:
        assert row["loadSeconds"] * row["bytesPerSecond"]["median"] == pytest.approx(3 * 2**30)
    assert "LOAD OF 3Gi" in bench(store, *SMALL, "--model-size", "3Gi").out


def test_the_files_of_a_store_are_never_written_to(store: Path) -> None:
    before = state(store)
    assert bench(store, *SMALL).status == 0
    assert state(store) == before


def test_a_table_holds_a_line_for_each_kind_of_read(store: Path) -> None:
    ran = bench(store, *SMALL)
    lines = ran.out.splitlines()
    assert lines[0].startswith(f"{store} (")
    assert lines[0].endswith("): 4Mi of model.safetensors, 1 round")
    assert [line[:16].strip() for line in lines[2:8]] == NAMES
    assert all(" MiB/s " in line and " s  " in line for line in lines[2:8])
    assert max(map(len, lines[1:8])) <= 80


def test_memory_can_not_be_read_cold_and_no_rate_is_shown_for_it(memory: Path) -> None:
    safetensors(memory / "model.safetensors", 5 * MIB)
    result = measured(memory, *SMALL)
    assert result["fileSystem"] == "tmpfs"
    assert result["hint"] == ""
    for row in result["rows"]:
        cold = row["cache"] == "cold"
        assert (row["bytesPerSecond"] is None) == (row["loadSeconds"] is None) == cold
        assert bool(row["notes"]) == cold
    lines = bench(memory, *SMALL).out.splitlines()
    assert [line.split()[2:] for line in lines[2:8:2]] == [["-"] * 3] * 3
    [line] = lines[8:]
    assert line.startswith(
        "sequential, cold; parallel, cold; mmap, cold: not measured: 100% of the pages stay"
    )


@pytest.mark.programs
def test_another_users_file_is_reported_with_what_storage_delivered(store: Path) -> None:
    published = store / "org--name" / COMMIT / "model.safetensors"
    os.chown(published, 65534, 65534)
    published.chmod(0o444)
    ran = started_by(WITHOUT_RIGHTS, store, *SMALL, "-o", "json")
    assert ran.status == 0, ran.err
    for row in json.loads(ran.out)["rows"]:
        assert row["bytesPerSecond"]
        share = "100%" if row["cache"] == "cold" else "0%"
        [note] = row["notes"]
        assert note.startswith("only the owner of a file can see")
        assert note.endswith(f"; storage delivered {share} of the bytes")


@pytest.mark.programs
def test_a_read_only_store_is_only_read(store: Path) -> None:
    before = state(store)
    ran = started_by(read_only(store), store, *SMALL, "-o", "json")
    assert ran.status == 0, ran.err
    assert all(row["bytesPerSecond"] for row in json.loads(ran.out)["rows"])
    assert ran.err == ""
    assert state(store) == before


@pytest.mark.programs
def test_a_read_only_store_without_a_large_file_has_nothing_to_read(store: Path) -> None:
    ran = started_by(read_only(store), store)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == (
        f"modelcache: {store}: holds no file of 16Mi or more and is read-only: there is nothing "
        "to read: publish a model there, or measure a directory that is writable\n"
    )
    ran = started_by(read_only(store), store, "--write")
    assert (ran.status, ran.out) == (1, "")
    assert f"{store}: is read-only: leave out --write to read the files that it holds" in ran.err


@pytest.mark.parametrize("option", [(), ("--write",)], ids=["no large file", "--write"])
def test_a_scratch_file_is_read_and_removed(tmp_path: Path, option: tuple[str, ...]) -> None:
    (tmp_path / ("large" if option else "small")).write_bytes(bytes(5 * MIB if option else 100))
    before = state(tmp_path).keys()
    result = measured(tmp_path, *SMALL, *option)
    assert result["scratch"]
    assert (result["bytes"], result["modelBytes"]) == (4 * MIB, 16 * 2**30)
    [read] = result["files"]
    assert Path(read["path"]).parents[1] == tmp_path / ".incoming"
    assert state(tmp_path).keys() == before
    assert all(row["bytesPerSecond"] for row in result["rows"])


def test_the_files_of_a_loader_in_incoming_stay(tmp_path: Path) -> None:
    safetensors(tmp_path / ".incoming" / "abc" / "model.safetensors", 5 * MIB)
    before = state(tmp_path).keys()
    assert measured(tmp_path, *SMALL)["scratch"]
    assert state(tmp_path).keys() == before


def scratch_of(place: Path, size: int) -> None:
    """Wait until a scratch file in *place* has *size* bytes."""
    deadline = time.monotonic() + 50
    while not [p for p in place.glob(".incoming/*/*") if p.stat().st_size >= size]:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
@pytest.mark.parametrize(("limit", "when"), [(1024, 1), (8, 8)], ids=["written", "read"])
def test_a_signal_ends_it_and_removes_its_scratch_file(
    tmp_path: Path, number: signal.Signals, limit: int, when: int
) -> None:
    with subprocess.Popen(
        [*COMMAND, tmp_path, "--write", "--limit", f"{limit}Mi", "--rounds", "1000"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        scratch_of(tmp_path, when * MIB)
        process.send_signal(number)
        out, err = process.communicate(timeout=50)
    assert (process.returncode, out) == (128 + number, "")
    assert err == f"modelcache: ended by {number.name}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.programs
def test_space_is_checked_before_the_first_byte(tmp_path: Path) -> None:
    mount = after(f"mount -t tmpfs -o size=2m modelcache-test {tmp_path}")
    ran = started_by(mount, tmp_path, "--write", "--limit", "4Mi")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == (
        f"modelcache: {tmp_path}: the scratch file needs 4194304 bytes, and 2097152 are free "
        "(4Mi of 2Mi): give a smaller --limit\n"
    )


def test_a_write_that_no_longer_fits_is_named_with_the_bytes_written(tmp_path: Path) -> None:
    # A limit on file sizes fails a write as a full file system does, here after 5Mi.
    ran = started_by(("prlimit", f"--fsize={5 * MIB}"), tmp_path, "--write", "--limit", "8Mi")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith(f"modelcache: {tmp_path}/.incoming/bench-storage-")
    assert ran.err.endswith(
        ": File too large after 5242880 of 8388608 bytes: give a smaller --limit\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_becomes_shorter_while_it_is_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    safetensors(file, 8 * MIB)
    with subprocess.Popen(
        [*COMMAND, tmp_path, "--limit", "8Mi", "--rounds", "1000"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        descriptors = Path(f"/proc/{process.pid}/fd")
        deadline = time.monotonic() + 50
        while not any(str(file) == target(link) for link in descriptors.iterdir()):
            assert time.monotonic() < deadline
        os.truncate(file, 5000)
        out, err = process.communicate(timeout=50)
    assert (process.returncode, out) == (1, "")
    assert err.startswith(f"modelcache: {file}: became shorter while it was read, it had 8388608")


def target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""


@pytest.mark.programs
def test_a_page_that_can_not_be_read_is_an_error_but_not_a_crash(tmp_path: Path) -> None:
    # A page fault in a hole of a tmpfs allocates a page. If none is left, the kernel sends SIGBUS.
    mount = after(
        f"mount -t tmpfs -o size=1m modelcache-test {tmp_path}; "
        f"truncate -s 8M {tmp_path}/model.safetensors"
    )
    ran = started_by(mount, tmp_path, "--limit", "8Mi", "--rounds", "1")
    assert (ran.status, ran.out) == (1, "")
    assert f"{tmp_path}/model.safetensors: a page of it could not be read (SIGBUS)" in ran.err


def test_a_place_that_is_not_a_directory_or_is_closed_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    for place, fault in (("none", "No such file or directory"), ("file", "is not a directory")):
        ran = bench(tmp_path / place)
        assert (ran.status, ran.out) == (1, "")
        assert ran.err == f"modelcache: {tmp_path / place}: {fault}\n"
    ran = started_by(WITHOUT_RIGHTS, closed)
    assert (ran.status, ran.out) == (1, "")
    assert f"modelcache: {closed}: Permission denied\n" in ran.err
    assert f"{closed}: holds no file of 16Mi or more and is not writable" in ran.err


def test_every_option_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    ran = bench(tmp_path, "--limit", "10", "--model-size", "big", "--plot", "plot.png")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines() == [
        'modelcache: --limit: "10" is less than 1Mi',
        'modelcache: --model-size: "big" is not a quantity such as 512Mi or 16Gi',
        "modelcache: --plot plot.png: would be an SVG file: give a name that ends in .svg",
    ]
    assert list(tmp_path.iterdir()) == []


def texts(file: Path) -> list[str]:
    return [text.text or "" for text in ET.parse(file).iter(f"{SVG}text")]


def test_a_plot_holds_a_labelled_bar_for_each_row(store: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a <b> & \x1b c"
    store.rename(odd)
    ran = bench(odd, *SMALL, "--plot", tmp_path / "plot.svg")
    assert ran.status == 0, ran.err
    found = texts(tmp_path / "plot.svg")
    assert [text for text in found if text in NAMES] == NAMES
    assert len([text for text in found if text.endswith(" MiB/s")]) == len(NAMES)
    assert any("a <b> & \\u001b c" in text for text in found)
    bars = [r for r in ET.parse(tmp_path / "plot.svg").iter(f"{SVG}rect") if r.get("x")]
    assert len(bars) == len(NAMES)
    assert max(int(bar.get("width", "")) for bar in bars) == 400
    assert sorted(p.name for p in tmp_path.iterdir()) == [odd.name, "plot.svg"]


def test_a_plot_says_what_was_not_measured(memory: Path) -> None:
    safetensors(memory / "model.safetensors", 5 * MIB)
    assert bench(memory, *SMALL, "--plot", memory / "plot.svg").status == 0
    found = texts(memory / "plot.svg")
    assert [text for text in found if text in NAMES] == NAMES
    assert len([text for text in found if text.startswith("not measured: ")]) == 3


def test_a_plot_that_can_not_be_written_leaves_the_old_one_and_the_table(
    store: Path, tmp_path: Path
) -> None:
    plot = tmp_path / "plot.svg"
    plot.write_text("old")
    ran = started_by(("prlimit", "--fsize=100"), store, *SMALL, "--plot", plot)
    assert ran.status == 1
    assert ran.err == f"modelcache: {plot}: File too large\n"
    assert "sequential, cold" in ran.out
    assert plot.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["plot.svg", "store"]


def test_memory_does_not_grow_with_the_bytes_read(tmp_path: Path) -> None:
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.truncate(256 * MIB)
    # The larger of the command's and of the process's that touches pages.
    assert peak(*COMMAND, tmp_path, "--rounds", "1", "--readers", "2") < 128 * MIB


def test_the_median_of_the_rounds_counts(store: Path) -> None:
    rates = measured(store, *SMALL[:2], "--rounds", "2")["rows"][1]["bytesPerSecond"]
    assert rates["median"] == pytest.approx(median([rates["min"], rates["max"]]))


def test_a_terminal_shows_a_bar_while_it_measures(store: Path) -> None:
    leader, follower = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color"}
    subprocess.run(
        [*COMMAND, store, *SMALL], stdout=subprocess.DEVNULL, stderr=follower, cwd=ROOT, env=env,
        timeout=60, check=True,
    )  # fmt: skip
    os.close(follower)
    text = os.read(leader, 2**16).decode()
    os.close(leader)
    assert str(store) in text
    assert "\x1b[" in text
