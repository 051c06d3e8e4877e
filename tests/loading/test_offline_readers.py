"""Servers read what they name by its hub name, from the environment that admission gives them.

Each different environment among the rows of tests/admission/corpus.yaml whose outcome is `cache` is
laid out: a store that `modelcache load` filled from the tests' Hub, bound read-only where the pod
mounts it, as the kubelet binds a subPath; the variables of the container; and no network.
"""

import hashlib
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.admission.admitting import Json, Webhook
from tests.admission.corpus import Row, rows
from tests.admission.test_naming_properties import kubelet
from tests.forking.process import ENVIRONMENT, ROOT
from tests.hub.running import Hub, hub_server
from tests.loading.loading import Loader
from tests.store.models import sharded

pytestmark = pytest.mark.programs
REPOSITORIES: Final = ("acme/coder", "acme/draft")
LLAMA: Final = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 3}
VOCABULARY: Final = {"<unk>": 0, "a": 1, "b": 2}
TOKENIZER: Final = {
    "version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "Whitespace"},
    "model": {"type": "WordLevel", "vocab": VOCABULARY, "unk_token": "<unk>"},
}  # fmt: skip
LIBRARIES: Final = ("hub", "transformers", "safetensors")
READERS: Final[dict[str, tuple[str, ...]]] = {
    "vLLM": (*LIBRARIES, "vllm"),
    "vLLM-Neuron": (*LIBRARIES, "vllm"),
    "Optimum-Neuron": (*LIBRARIES, "vllm"),
    "Aphrodite": (*LIBRARIES, "vllm"),
    "SGLang": (*LIBRARIES, "sglang"),
    "LMDeploy": (*LIBRARIES, "lmdeploy"),
    "TensorRT-LLM": LIBRARIES,
    "Dynamo": (*LIBRARIES, "dynamo"),
    "Dynamo-frontend": ("dynamo",),
    "KServe": LIBRARIES,
    "TGI": (*LIBRARIES, "tgi", "rust"),
    "TGI-SageMaker": (*LIBRARIES, "tgi", "rust", "rust_home"),
    "LoRAX": (*LIBRARIES, "tgi", "rust", "rust_home"),
    "TEI": ("rust",),
    "Infinity": LIBRARIES,
    "llama.cpp": ("llama_cpp",),
    "Triton": LIBRARIES,
    "Ray": (*LIBRARIES, "vllm"),
    "LocalAI": LIBRARIES,
    "Xinference": LIBRARIES,
    "": LIBRARIES,
}
"""Server → what reads its models: the libraries in it, or the rule of its own code."""


@dataclass(frozen=True)
class Surroundings:
    """What a server sees of the models: mounts and variables. *rows* are those that get them."""

    server: str
    asked: Json
    """Readers, models and roots, for tests/loading/offline_readers.py."""
    mounts: list[tuple[str, str]]
    """Place in the store, and where the container has it."""
    own: list[str]
    """The author's mounts."""
    env: dict[str, str]
    rows: list[str]


def surroundings() -> Iterator[Surroundings]:
    """Yield the different surroundings of all rows that are served from the cache."""
    found: dict[str, Surroundings] = {}
    for row in rows():
        if "cache" in row.outcomes and row.server in READERS and _is_offline(row):
            one = _surroundings(row)
            key = json.dumps([one.server, one.asked, one.mounts, one.own, one.env])
            found.setdefault(key, one).rows.append(row.how)
    yield from found.values()


def _is_offline(row: Row) -> bool:
    """Whether it is offline by its variables alone.

    What a ConfigMap gives is not known. Where the author says 0, a shell decides.
    """
    return not any(
        "OFFLINE" in one["name"] and one.get("value", "0") == "0" for one in row.container["env"]
    )


def _surroundings(row: Row) -> Surroundings:
    container = Webhook().admit(row.pod).container()
    values: dict[str, str] = {}
    for entry in container["env"]:
        if "value" in entry:
            values[entry["name"]] = kubelet(entry["value"], values)
    cached = [m for m, outcome in zip(row.models, row.outcomes, strict=True) if outcome == "cache"]
    models = [(m.partition("@")[0], m.partition("@")[2] or "main") for m in cached]
    mounts = container["volumeMounts"]
    return Surroundings(
        server=row.server,
        asked={"readers": READERS[row.server], "models": models, "roots": row.roots},
        mounts=[
            (m["subPath"], m["mountPath"]) for m in mounts if m["name"].startswith("modelcache-")
        ],
        own=[m["mountPath"] for m in mounts if m["name"].startswith("own-")],
        # Others don't matter to those that read models.
        env={k: v for k, v in values.items() if k.startswith(("HF_", "HUGGING", "TRANSFORMERS_"))},
        rows=[],
    )


SURROUNDINGS: Final = list(surroundings())


@dataclass(frozen=True)
class Store:
    """A store that has the models of the corpus."""

    hub: Hub
    path: Path
    files: dict[str, dict[str, str]]
    """Repository → file → sha256 of what was committed."""
    commits: dict[str, str]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Load both models into a new store, with the command."""
    folder = tmp_path_factory.mktemp("offline")
    path = folder / "store"
    path.mkdir()
    files: dict[str, dict[str, str]] = {}
    commits = {}
    with hub_server(folder / "hub") as hub:
        for i, repository in enumerate(REPOSITORIES):
            model = sharded(folder / str(i), 2, 4096 + i)
            (model / "config.json").write_text(json.dumps(LLAMA | {"hidden_size": 64 * (i + 1)}))
            (model / "tokenizer.json").write_text(json.dumps(TOKENIZER))
            (model / "tokenizer_config.json").write_text(
                json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>"})
            )
            committed: dict[str, bytes | Path] = {p.name: p for p in model.iterdir()}
            commits[repository] = hub.commit(repository, committed)
            hub.tag(repository, "v1", commits[repository])
            files[repository] = {
                p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in model.iterdir()
            }
            loading = Loader(hub, path, model, commits[repository])
            for source in (repository, f"{repository}@v1", f"{repository}@{commits[repository]}"):
                done = loading.run(source=source)
                assert done.returncode == 0, done.stderr
        yield Store(hub, path, files, commits)


def run(seen: Surroundings, store: Store, folder: Path, *, network: bool) -> dict[str, Any]:
    """Return what the readers of *seen* find in a root of their own, where nothing is but the mounts.

    The root is a new directory in memory. It has the directories of this machine in it, except those
    where a pod mounts something.
    """
    new = shlex.quote(str(folder))
    own = {f"/{path.split('/')[1]}" for _, path in seen.mounts} | set(seen.own)
    script = [f"mount -t tmpfs tmpfs {new}"]
    for entry in Path("/").iterdir():
        there = shlex.quote(str(folder) + str(entry))
        if entry.is_symlink():
            script.append(f"cp -a {entry} {there}")
        elif entry.is_dir() and str(entry) not in own:
            script.append(f"mkdir {there} && mount --rbind {entry} {there}")
    for needed in (sys.base_prefix, sys.prefix, str(ROOT)):  # Python and the tests
        if f"/{needed.split('/')[1]}" in own:
            script.append(f"mkdir -p {new}{needed} && mount --rbind {needed} {new}{needed}")
    for path in seen.own:
        script.append(f"mkdir -p {new}{path} && mount -t tmpfs tmpfs {new}{path}")
    for place, path in sorted(seen.mounts, key=lambda mount: len(mount[1])):
        script += [
            f"mkdir -p {new}{path}",
            f"mount --bind {shlex.quote(str(store.path / place))} {new}{path}",
            f"mount -o remount,bind,ro {new}{path}",
        ]
    script.append(f'exec chroot {new} env --chdir={shlex.quote(str(ROOT))} -i "$@"')
    home = {"HOME": "/modelcache/home", "PATH": "/usr/bin:/bin", "HF_ENDPOINT": store.hub.url}
    variables = [f"{k}={v}" for k, v in {**ENVIRONMENT, **home, **seen.env}.items()]
    python = [sys.executable, "-m", "tests.loading.offline_readers"]
    apart = ["unshare", "--mount", "--propagation=private", *([] if network else ["--net"])]
    done = subprocess.run(
        [*apart, "sh", "-ec", "\n".join(script), "sh", *variables, *python],
        input=json.dumps(seen.asked), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, f"{seen.rows}: {done.stderr}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def expected(seen: Surroundings, store: Store) -> dict[str, Any]:
    wanted = {}
    for repository, _ in seen.asked["models"]:
        for reader in seen.asked["readers"]:
            ends = {"transformers": ".json", "safetensors": ".safetensors"}
            ends |= {"tgi": ".safetensors", "sglang": ".safetensors"}
            wanted[f"{reader} {repository}"] = {
                name: digest
                for name, digest in store.files[repository].items()
                if name.endswith(ends.get(reader, ""))
            }
    return wanted


def named(seen: Surroundings) -> str:
    return f"{seen.server or 'unknown'}: {seen.rows[0]}"


@pytest.mark.parametrize("seen", SURROUNDINGS, ids=named)
def test_a_server_reads_its_models_without_a_network(
    seen: Surroundings, store: Store, tmp_path: Path
) -> None:
    before = len(store.hub.requests())
    assert run(seen, store, tmp_path, network=False) == expected(seen, store)
    assert len(store.hub.requests()) == before


@pytest.mark.parametrize(
    "seen", [seen for seen in SURROUNDINGS if "HF_HUB_OFFLINE" in seen.env][::12], ids=named
)
def test_a_server_that_could_ask_the_hub_does_not(
    seen: Surroundings, store: Store, tmp_path: Path
) -> None:
    before = len(store.hub.requests())
    assert run(seen, store, tmp_path, network=True) == expected(seen, store)
    assert len(store.hub.requests()) == before


def test_every_server_with_a_cache_is_read_here() -> None:
    assert {row.server for row in rows() if "cache" in row.outcomes} == set(READERS)
