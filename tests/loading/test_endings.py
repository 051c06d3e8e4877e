"""How `modelcache load` ends: at the deadline, when interrupted, and at the first lasting fault."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]

from tests.forking.process import Forked
from tests.hub.fault import Fault
from tests.hub.running import hub_server
from tests.loading.disks import run
from tests.loading.loading import Loader, loader
from tests.store.models import INDEX
from webhook.loading.origins.http_status import wait_asked
from webhook.loading.origins.origin import Unavailable

SHARD = "model-00002-of-00003.safetensors"
ALL = "*.safetensors"
ENDED = 5.0
"""Seconds within which a process ends that was interrupted. Its waits are 20 times as long."""
LATER = {"Retry-After": "100"}
LATE = ": the deadline has passed (--deadline)"


def failed(loading: Loader, deadline: float = 60) -> str:
    """Load, check that nothing is published, and return the message."""
    with pytest.raises(Unavailable) as refused:
        loading.load(deadline=deadline)
    assert not list(loading.store.glob("acme--tiny/*"))
    return str(refused.value)


def test_the_deadline_holds_while_bytes_trickle(loading: Loader) -> None:
    loading.hub.fault(Fault(paths=ALL, where="cdn", rate=60_000))
    said = failed(loading, 3)
    assert said.endswith(f" bytes have arrived{LATE}")
    assert loading.fetched() < loading.size / 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(where="api", before_headers_seconds=50), "hf://acme/tiny@main: there is no answer"),
        (
            Fault(paths=SHARD, where="resolve", methods=("HEAD",), before_headers_seconds=50),
            f"{SHARD}: there is no answer",
        ),
        (Fault(paths=SHARD, where="cdn", before_headers_seconds=50), f"{SHARD}: there is no answer"),
        (Fault(paths=SHARD, where="cdn", stall_after=500_000, seconds=50), " bytes have arrived"),
    ],
    ids=["list", "address", "headers", "body"],
)  # fmt: skip
def test_the_deadline_holds_while_a_server_is_silent(
    loading: Loader, fault: Fault, said: str
) -> None:
    loading.hub.fault(fault)
    assert failed(loading, 3).endswith(f"{said}{LATE}")


def test_a_file_that_is_gone_ends_the_load_though_another_waits(loading: Loader) -> None:
    both = ("HEAD", "GET")
    loading.hub.fault(Fault(paths=SHARD, where="resolve", methods=both, status=429, headers=LATER))
    gone = Fault(paths="model-00003*", where="resolve", methods=both, status=404)
    loading.hub.fault(gone)
    said = failed(loading, 300)
    assert said.startswith("model-00003-of-00003.safetensors: ")
    assert said.endswith("answered 404")
    asked = [one for one in loading.hub.requests() if one.file == SHARD]
    assert len(asked) == 1, "the wait of the other file was not over"


WAITS = {
    "a busy server": Fault(paths=SHARD, where="resolve", methods=("HEAD",), status=503, headers=LATER),
    "a silent list": Fault(where="api", before_headers_seconds=60),
    "a silent server": Fault(paths=SHARD, where="cdn", before_headers_seconds=60),
    "a body that stalls": Fault(paths=SHARD, where="cdn", stall_after=500_000),
    "a slow body": Fault(paths=SHARD, where="cdn", rate=10_000),
}  # fmt: skip


def started(loading: Loader, *flags: str) -> "subprocess.Popen[str]":
    return Forked(
        loading.command(*flags), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=loading.environment(),
    )  # fmt: skip


def ended(process: "subprocess.Popen[str]", number: signal.Signals) -> str:
    """Interrupt a process, check how it ends, and return its messages."""
    process.send_signal(number)
    try:
        out, err = process.communicate(timeout=ENDED)
    finally:
        process.kill()
    assert (process.returncode, out) == (128 + number, "")
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("wait", WAITS)
def test_a_load_that_waits_for_a_server_can_be_interrupted(
    loading: Loader, wait: str, number: signal.Signals
) -> None:
    fault = WAITS[wait]
    loading.hub.fault(fault)
    process = started(loading)
    until = time.monotonic() + 60
    while not [
        one for one in loading.hub.requests()
        if one.where == fault.where and (one.where == "api" or one.file == SHARD)
    ]:  # fmt: skip
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    assert "interrupted: the next load continues" in ended(process, number)
    loading.hub.heal()
    loading.load()
    loading.see_whole()
    assert not [text for text in loading.said if "waiting" in text], "it left nothing to wait for"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_load_that_waits_for_its_start_or_for_another_can_be_interrupted(
    loading: Loader, number: signal.Signals
) -> None:
    loading.hub.fault(Fault(paths=SHARD, where="cdn", stall_after=500_000))
    first = started(loading)
    loading.until(first, 1_000_000)
    second = started(loading)
    assert second.stderr
    assert "is loading it; waiting" in second.stderr.readline()
    late = started(loading, "--stagger=5000s")
    assert late.stderr
    assert " s (--stagger)" in late.stderr.readline()
    for process in (late, second, first):
        ended(process, number)


LOCKED = """
import ctypes, time
from webhook.cli.interruption import end_when_interrupted
end_when_interrupted(lambda: {leave})
print("ready", flush=True)
mutex = ctypes.create_string_buffer(64)
for _ in range(2):
    ctypes.CDLL(None).pthread_mutex_lock(mutex)
"""


@pytest.mark.parametrize("leave", ["None", "time.sleep(60)"])
def test_a_main_thread_in_c_code_does_not_keep_a_process_alive(leave: str) -> None:
    # Like the look-up of a name, this wait goes on after a signal, and runs no handler of Python.
    program = LOCKED.format(leave=leave)
    with Forked([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(ENDED) == 143
        finally:
            process.kill()


def test_a_background_job_that_ignores_sigint_goes_on(loading: Loader) -> None:
    script = 'trap "" INT; exec "$@" --stagger=5000s'
    words = ["bash", "-c", script, "load", *loading.command()]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=loading.environment())
    assert process.stderr
    assert " s (--stagger)" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143


def read() -> int:
    """Return how many bytes this process has read from files; recv(2) does not count (proc(5))."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(lines[0].removeprefix("rchar: "))


@pytest.mark.parametrize("cut", [200_000, 450_000, 1_000_000])
def test_what_has_arrived_is_not_read_again_however_often_the_link_breaks(
    loading: Loader, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.loading.patience.random.uniform", lambda low, high: 0.0)
    loading.hub.fault(Fault(paths=ALL, where="cdn", cut_after=cut))
    before = read()
    loading.load()
    asked = [one for one in loading.hub.requests() if one.where == "cdn"]
    assert len(asked) >= loading.size // cut
    assert read() - before <= 1.1 * loading.size
    loading.see_whole()


GONE = "model-00001-of-00013.safetensors"
REMEDY = (
    f"{INDEX}: names {GONE}, which the source does not have: if its other files are whole, leave "
    f'the index out with --ignore "{INDEX}"'
)


def index(*names: str) -> bytes:
    return json.dumps({"weight_map": {str(n): name for n, name in enumerate(names)}}).encode()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (INDEX, index(GONE, SHARD), REMEDY),
        (
            f"sub/{INDEX}", index(SHARD),
            f"sub/{INDEX}: names sub/{SHARD}, which the source does not have",
        ),
        (
            INDEX, index(SHARD, "original/m.safetensors"),
            f"{INDEX}: names original/m.safetensors, which --allow and --ignore leave out",
        ),
        (INDEX, b"[]", f"{INDEX}: is not an index of shards: it can't be read"),
    ],
    ids=["gone", "in a folder", "left out", "not an index"],
)  # fmt: skip
def test_an_index_that_names_what_is_not_loaded_is_found_before_the_weights(
    loading: Loader, name: str, content: bytes, said: str
) -> None:
    files: dict[str, bytes | Path] = {path.name: path for path in loading.model.iterdir()}
    loading.hub.commit("acme/stale", {**files, "original/m.safetensors": b"x", name: content})
    before = len(loading.hub.requests())
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"names|is not an index") as refused:
            loading.load("acme/stale")
        assert said in str(refused.value)
    later = loading.hub.requests()[before:]
    assert {one.file for one in later if one.where != "api"} <= {INDEX, name}


def test_the_index_of_a_format_that_is_not_loaded_is_no_fault(loading: Loader) -> None:
    files: dict[str, bytes | Path] = {path.name: path for path in loading.model.iterdir()}
    pickled = {"pytorch_model.bin": b"x", "pytorch_model.bin.index.json": index("gone.bin")}
    loading.hub.commit("acme/both", {**files, **pickled})
    place = loading.load("acme/both").place
    assert (place / "pytorch_model.bin.index.json").exists()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Loader]:
    """A model of 4 MB, for a store in memory of 20."""
    store = tmp_path / "small"
    store.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", store)
    try:
        with hub_server(tmp_path / "hub") as hub:
            yield loader(hub, tmp_path, 3, 4_000_000, store)
    finally:
        run("umount", store)


def test_a_store_that_another_writer_fills_is_named_with_what_it_has_and_needs(
    small: Loader,
) -> None:
    small.hub.fault(Fault(paths=SHARD, where="cdn", stall_after=300_000, seconds=6))
    process = started(small)
    small.until(process, 2_900_000)
    with (small.store / "other").open("wb", buffering=0) as other, contextlib.suppress(OSError):
        while other.write(bytes(100_000)):
            pass
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert f"modelcache: {SHARD}: {small.store}/.incoming/" in err
    assert " bytes more are needed, 0 of 25165824 bytes are free: make room" in err


@pytest.mark.parametrize("files", [1, 2, 3])
def test_a_store_that_may_have_no_more_files_is_named_with_their_number(
    small: Loader, files: int
) -> None:
    run("mount", "-o", f"remount,nr_inodes={files}", small.store)
    done = small.run()
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{small.store}" in done.stderr
    assert f"No space left on device: 25165824 of 25165824 bytes are free, and none of {files}" in (
        done.stderr
    )


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"ratelimit": '"api";r=0;t=200'}, 201),
        ({"ratelimit": '"resolvers";r=0;t=7', "retry-after": "3"}, 8),
        ({"ratelimit": '"api" ; r = 0 ; t = 5'}, 6),
        ({"ratelimit": '"api";r=12;t=200', "retry-after": "3"}, 3),
        ({"ratelimit": '"api";r=12;t=200'}, 0),
        ({"ratelimit": "nonsense", "retry-after": "3"}, 3),
        ({"ratelimit": '"api";r=0;t=999999'}, 3600),
    ],
)
def test_the_rate_limit_of_the_hub_is_read_as_its_library_reads_it(
    headers: dict[str, str], seconds: int
) -> None:
    assert wait_asked(429, headers) == seconds
    theirs = parse_ratelimit_headers(headers)
    if theirs and not theirs.remaining:
        assert min(theirs.reset_in_seconds + 1, 3600) == seconds
    assert wait_asked(503, headers) == int(headers.get("retry-after", 0))


def test_the_hub_is_asked_again_when_its_rate_limit_is_over(loading: Loader) -> None:
    said = {"RateLimit": '"api";r=0;t=2'}
    loading.hub.fault(Fault(where="api", status=429, headers=said, times=1))
    loading.load()
    first, second = (one.at for one in loading.hub.requests() if one.where == "api")
    assert second - first >= 3
