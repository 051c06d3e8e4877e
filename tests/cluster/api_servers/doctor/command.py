"""Run `modelcache doctor`, and compare what it prints with golden/.

--update writes the golden files anew.
"""

import re
from pathlib import Path

from tests.cli.command import Ran, modelcache

GOLDEN = Path(__file__).parent / "golden"
VARYING = {
    r"CN=[^,\n]*?(?=, signed by|, until| until| expired at| expires at)": "SUBJECT",
    r"https://[\d.]+:\d+": "https://SERVER",
    r"v1\.\d+\.\d+": "VERSION",
    r"20\d\d-\d\d-\d\d \d\d:\d\d UTC": "TIME",
    r"modelcache-webhook-[a-z0-9]+-[a-z0-9]{5}\b": "REPLICA",
    r"\btest-\d+-\d+\b": "NAMESPACE",
    r" +$": "",
}


def masked(ran: Ran) -> str:
    """Return the output, with placeholders for what differs from run to run."""
    text = f"{ran.err}{ran.out}exit status {ran.status}\n"
    for pattern, word in VARYING.items():
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return text


def assert_golden(name: str, ran: Ran, update: bool) -> None:
    """Compare the output with a golden file."""
    expected = GOLDEN / f"{name}.txt"
    if update:
        expected.write_text(masked(ran))
    assert masked(ran) == expected.read_text()


def doctor(kubeconfig: Path, *options: str, columns: int = 200) -> Ran:
    """Run the command with *kubeconfig*."""
    env = {"KUBECONFIG": str(kubeconfig), "COLUMNS": str(columns)}
    return modelcache("doctor", *options, env=env)
