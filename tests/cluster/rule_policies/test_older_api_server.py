"""The policies on an API server that emulates 1.31: it compiles only expressions that 1.31 knows."""

from collections.abc import Iterator

import pytest

from tests.admission.judging import told
from tests.admission.rules import MODES
from tests.cluster.rule_policies.enforced import Enforced, enforcing, said
from tests.cluster.rule_policies.test_golden_table import ROWS
from tests.kubernetes import binaries
from tests.kubernetes.control_plane import ControlPlane, Options


@pytest.fixture(scope="module")
def older() -> Iterator[Enforced]:
    flags = ["--emulated-version=1.31"]
    options = Options(api_server=binaries.OLD_API_SERVER, controller_manager=False, flags=flags)
    plane = ControlPlane(options)
    with enforcing(plane) as found:
        yield found
    plane.stop()


@pytest.mark.parametrize("mode", MODES)
def test_it_finds_what_python_finds(older: Enforced, mode: str) -> None:
    compared = 0
    for row in ROWS:
        if row.ephemeral:
            continue
        older.policies(row.documents(mode))
        for kind in row.all_kinds:
            text = told(row, mode, kind)
            refused = mode == "enforce" and kind == "Pod"
            wanted = (text, "") if refused else ("", text if mode != "audit" else "")
            assert said(older.dry_run(row.object(kind))) == wanted, (row.row, kind)
            compared += 1
    assert compared > 180
