"""Use a model as inference servers do, and report what was found.

The program understands the command lines and variables of the known servers. It finds the model,
maps and reads every file, takes the requested memory and shared memory, and then listens. /report
answers with what happened until then. Its image contains only this folder of the repository. It
needs nothing but the standard library. If huggingface_hub and safetensors are installed, it also
finds models by name and reads their headers.
"""

import argparse
import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final, NoReturn

from tests.images.inference_server.answers import Server
from tests.images.inference_server.memory import allocate, fill_shared_memory, memory_limit
from tests.images.inference_server.model import CannotServeError, Json, directory, read

MODEL_FLAGS: Final = ("--model", "--model-path", "--model-id")
VERBS: Final = ("serve", "api_server")
"""Words after which vLLM and LMDeploy expect a model."""
MODEL_VARIABLES: Final = ("MODEL_PATH", "MODELCACHE_PATH", "MODEL_ID")


def arguments(words: list[str]) -> argparse.Namespace:
    """Parse the options of a server's command line that matter here, and ignore the others."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument(*MODEL_FLAGS, dest="model", help="directory, or org/name")
    parser.add_argument("--served-model-name", "--model-name", dest="names", nargs="+")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
    parser.add_argument("--allocate", type=int, default=int(os.environ.get("ALLOCATE", "0")),
                        metavar="BYTES", help="hold so much memory")  # fmt: skip
    parser.add_argument("--write-shared-memory", dest="shared", type=int, metavar="BYTES",
                        default=int(os.environ.get("WRITE_SHARED_MEMORY", "0")))  # fmt: skip
    parser.add_argument("--termination-log", type=Path, default=Path("/dev/termination-log"))
    if len(words) > 1 and words[0] in VERBS and not words[1].startswith("-"):
        words = ["--model", *words[1:]]
    return parser.parse_known_args(words)[0]


def models(given: argparse.Namespace) -> list[str]:
    """Return the names or paths of the models: the one to serve first."""
    variables = (os.environ.get(name) for name in MODEL_VARIABLES)
    named = given.model or next(filter(None, variables), None)
    if not named:
        raise CannotServeError(f"no model: none of {MODEL_FLAGS}, none of {MODEL_VARIABLES}")
    others = sorted(name for name in os.environ if name.startswith("MODELCACHE_PATH_"))
    return [named, *(os.environ[name] for name in others)]


def load(given: argparse.Namespace) -> Server:
    """Do everything that comes before the first request."""
    began = time.monotonic()
    named = models(given)
    report: Json = {"models": [read(directory(model)) for model in named]}
    report["sharedMemory"] = fill_shared_memory(given.shared)
    server = Server(given.port, given.names or named[:1], report)
    if memory := allocate(given.allocate):
        server.held.append(memory)
    report["allocated"] = given.allocate
    report["memoryLimit"] = memory_limit()
    report["environment"] = sorted(os.environ)
    report["seconds"] = round(time.monotonic() - began, 3)
    return server


def end(reason: str, log: Path) -> NoReturn:
    """Write the reason into the pod's status, and exit."""
    with contextlib.suppress(OSError):
        log.write_text(reason)
    sys.exit(reason)


def main() -> None:
    """Serve until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # process 1 has no default for it
    given = arguments(sys.argv[1:])
    try:
        server = load(given)
    except CannotServeError as error:
        end(str(error), given.termination_log)
    except (OSError, MemoryError) as error:
        end(repr(error), given.termination_log)
    names, port = ", ".join(server.names), server.server_address[1]
    sys.stdout.write(f"serving {names} on port {port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
