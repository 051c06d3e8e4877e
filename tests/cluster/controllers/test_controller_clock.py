"""What a controller does when the clock is set."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.controllers.place import Place, assert_trusted
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.controllers import Controller
from tests.kubernetes.packages import FAKETIME
from tests.kubernetes.registration import wait_until

WEEK = dt.timedelta(days=7)


class Clock:
    """The time that a program sees."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "time"
        self.set(dt.timedelta(0))
        self.environment = {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, ahead: dt.timedelta) -> None:
        """Set it *ahead* of the machine's clock, in one step."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead.total_seconds():+.0f}\n")
        new.rename(self._file)


@pytest.mark.parametrize(
    "ahead",
    [dt.timedelta(days=-1), dt.timedelta(days=30), dt.timedelta(days=400)],
    ids=["a day back", "30 days forward", "400 days forward"],
)
def test_the_next_leaf_is_valid_by_the_clock_that_was_set_and_by_the_api_servers(
    place: Place, tmp_path: Path, ahead: dt.timedelta
) -> None:
    # c35, P2 97
    place.register()
    clock = Clock(tmp_path)
    with Controller(place.plane, place.options(), env=clock.environment) as controller:
        wait_until(controller.ready, "ready", 60)
        first = controller.leaf
        clock.set(ahead)
        wait_until(lambda: controller.leaf != first, "another leaf", 30)
        leaf = controller.leaf
        for now in (dt.datetime.now(dt.UTC), dt.datetime.now(dt.UTC) + ahead):
            assert leaf.not_valid_before_utc < now < leaf.not_valid_after_utc
        assert_trusted(place, [controller])
        assert len(place.trusted()) == 1, "the authority is valid by the API server's clock"


def test_the_clock_of_the_tests_is_set_while_a_program_runs(
    cluster: ControlPlane, tmp_path: Path
) -> None:
    """Without this, the tests above would test nothing."""
    clock = Clock(tmp_path)
    program = "import time; print(time.time(), flush=True); input(); print(time.time())"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=clock.environment,
    ) as running:
        assert running.stdout
        before = float(running.stdout.readline())
        clock.set(WEEK)
        after = float(running.communicate("\n")[0])
    assert after - before >= WEEK.total_seconds()
