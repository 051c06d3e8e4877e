"""Call the real client of the Hub, in a process whose environment names no other Hub."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SCRIPT: Final = """\
import dataclasses, json, sys
import huggingface_hub
call, words = json.load(sys.stdin)
try:
    found = getattr(huggingface_hub, call)(**words)
    if not isinstance(found, (str, type(None))):
        found = repr(found)
    print(json.dumps({"found": found}))
except Exception as error:
    kinds = [kind.__name__ for kind in type(error).__mro__]
    print(json.dumps({"kinds": kinds, "text": str(error)}))
"""


@dataclass(frozen=True, slots=True)
class Refused:
    """An exception of the client."""

    kinds: tuple[str, ...]
    """The names of its class and the base classes."""
    text: str


@dataclass(frozen=True, slots=True)
class Client:
    """Calls functions of huggingface_hub; its cache is below *home*."""

    url: str
    home: Path

    def snapshot(self, repo: str, **words: Any) -> dict[str, bytes]:
        """Return name → content of a downloaded snapshot; an exception fails the test."""
        found = self.call("snapshot_download", repo_id=repo, **words)
        assert isinstance(found, str), found
        root = Path(found)
        files = (path for path in root.rglob("*") if path.is_file())
        return {str(path.relative_to(root)): path.read_bytes() for path in files}

    def refused(self, call: str, **words: Any) -> Refused:
        """Return the exception of a call; without one, the test fails."""
        found = self.call(call, **words)
        assert isinstance(found, Refused), found
        return found

    def call(self, call: str, **words: Any) -> str | Refused | None:
        """Return what a function returns, as text, or its exception."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        settings = {"HF_ENDPOINT": self.url, "HF_HOME": str(self.home)}
        quiet = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            input=json.dumps([call, words]),
            env=kept | settings | quiet,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        if "kinds" in answer:
            return Refused(tuple(answer["kinds"]), answer["text"])
        found: str | None = answer["found"]
        return found
