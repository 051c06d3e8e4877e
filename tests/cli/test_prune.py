"""`modelcache prune` without a cluster: what it removes from a store, and what it leaves."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Ran, as_another_user, modelcache
from tests.store.stores import aged, at, loaded, tree
from webhook.store.incoming import Incoming
from webhook.store.verify import faults_of

FIRST, SECOND, THIRD = "1" * 40, "2" * 40, "3" * 40


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with three revisions of a model; the third is the current one."""
    path = tmp_path_factory.mktemp("filled") / "store"
    for commit, days, used in ((FIRST, 60, 50), (SECOND, 40, 20), (THIRD, 30, 10)):
        aged(loaded(path, commit=commit), days=days, used=used)
    return path


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> Path:
    """A copy of that store for one test, with its times and hard links."""
    subprocess.run(["cp", "-a", filled, tmp_path / "store"], check=True)
    return tmp_path / "store"


def prune(store: Path, *flags: str | Path, **env: str) -> Ran:
    return modelcache("prune", store, "--no-cluster", *flags, env=env)


def verdicts(ran: Ran) -> dict[str, tuple[str, str]]:
    """Return verdict and reason of each model, by the first character of its commit."""
    return {one["commit"][0]: (one["verdict"], one["reason"]) for one in content(ran)["models"]}


def content(ran: Ran) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ran.out)
    return found


def there(store: Path) -> str:
    """Return the first characters of the commits in the store; each must be complete."""
    places = [path for path in store.glob("[!.]*/*") if path.is_dir() and not path.is_symlink()]
    assert not [fault for place in places for fault in faults_of(place, full=True)]
    return "".join(sorted(place.name[0] for place in places))


@pytest.mark.parametrize(
    ("flags", "stays"),
    [
        ((), "123"),
        (("--older-than", "35d"), "3"),
        (("--older-than", "50d"), "23"),
        (("--unused-for", "30d"), "23"),
        (("--unused-for", "15d"), "3"),
        (("--unused-for", "5d"), "3"),
        (("--unused-for", "5d", "--include-current"), ""),
        (("--older-than", "35d", "--unused-for", "30d"), "23"),
        (("--older-than", "1000h"), "23"),
        (("--model", "acme/tiny"), "3"),
        (("--model", f"acme/tiny@{SECOND}"), "13"),
        (("--model", "acme--tiny"), "3"),
        (("--model", "acme/tiny@main", "--include-current"), "12"),
        (("--model", "acme/tiny", "--include-current"), ""),
        (("--model", "acme/tiny", "--unused-for", "30d"), "23"),
    ],
)  # fmt: skip
def test_models_that_every_option_selects_are_removed_except_current_ones(
    store: Path, flags: tuple[str, ...], stays: str
) -> None:
    ran = prune(store, *flags)
    assert (ran.status, ran.err) == (0, "")
    assert there(store) == stays
    main = store / "acme--tiny" / "main"
    assert main.is_symlink() == main.is_dir() == ("3" in stays), "it never leads nowhere"
    names = {path.name for path in main.parent.iterdir()} - {"main"}
    whole = {place for place in names if not place.startswith(".")}
    assert names - whole == {f".{name}.used" for name in whole}
    assert not list((store / ".incoming").iterdir())


def test_the_least_recently_used_are_removed_until_the_store_is_small_enough(store: Path) -> None:
    before = content(prune(store, "-o", "json"))
    size = before["models"][0]["bytes"]
    assert before["bytesBefore"] == 3 * size
    ran = prune(store, "--keep-bytes", str(3 * size), "-o", "json")
    assert {one[0] for one in verdicts(ran).values()} == {"keep"}
    ran = prune(store, "--keep-bytes", str(3 * size - 1), "-o", "json")
    assert verdicts(ran)["1"][0] == "removed"
    assert verdicts(ran)["2"] == (
        "keep",
        f"the store holds at most {3 * size - 1} without the models that are removed",
    )
    assert content(ran)["bytesAfter"] == 2 * size
    aged(store / "acme--tiny" / SECOND, days=40, used=1)
    aged(loaded(store, "acme/other", commit="4" * 40, ref="v1"), days=1, used=0.5)
    (store / "acme--other" / "v1").unlink()
    # Its cache has one more name, v1, in a file with the 40 digits of the commit.
    assert prune(store, "--keep-bytes", str(2 * size + 40)).status == 0
    assert there(store) == "34"


def test_a_store_that_stays_too_large_is_reported(store: Path) -> None:
    ran = prune(store, "--keep-bytes", "1")
    assert ran.status == 1
    assert "more than --keep-bytes: the reasons are above" in ran.out
    assert there(store) == "3"


def test_a_dry_run_changes_nothing_and_shows_what_would_be_done(store: Path) -> None:
    before = tree(store)
    flags = ("--unused-for", "15d", "-o", "json")
    dry = content(prune(store, *flags, "--dry-run"))
    assert tree(store) == before
    done = content(prune(store, *flags))
    assert dry.pop("dryRun") is True
    assert done.pop("dryRun") is False
    assert json.dumps(dry).replace('"remove"', '"removed"') == json.dumps(done)
    assert {one["verdict"] for one in done["models"]} == {"removed", "keep"}


def test_people_read_a_table(store: Path) -> None:
    ran = prune(store, "--unused-for", "30d", "--dry-run")
    assert [line.rstrip().split(maxsplit=6) for line in ran.out.splitlines()[:-1]] == [
        ["VERDICT", "MODEL", "COMMIT", "SIZE", "AGE", "USED", "REASON"],
        ["remove", "acme/tiny", "11111111", "1.9Ki", "60d", "50d", "published 60d ago, last used 50d ago"],
        ["keep", "acme/tiny", "22222222", "1.9Ki", "40d", "20d", "used 20d ago"],
        ["keep", "acme/tiny", "33333333", "1.9Ki", "30d", "10d", "used 10d ago"],
    ]  # fmt: skip
    assert ran.out.endswith(f"{store}: 3.9Ki of 5.8Ki of models would stay\n")


def test_each_load_counts_as_a_use(store: Path) -> None:
    assert (
        verdicts(prune(store, "--unused-for", "30d", "--dry-run", "-o", "json"))["1"][0] == "remove"
    )
    loaded(store, commit=FIRST)
    ran = prune(store, "--unused-for", "30d", "--dry-run", "-o", "json")
    verdict, reason = verdicts(ran)["1"]
    assert (verdict, reason.startswith("used ")) == ("keep", True)
    assert modelcache("verify", "--full", store / "acme--tiny" / FIRST).status == 0


def test_a_model_that_a_loader_asked_for_just_now_stays(store: Path) -> None:
    loaded(store, commit=FIRST)
    assert (store / "acme--tiny" / "main").readlink() == Path(FIRST)
    loaded(store, commit=THIRD)
    ran = prune(store, "--model", "acme/tiny", "-o", "json")
    verdict, reason = verdicts(ran)["1"]
    assert (verdict, reason.startswith("a loader requested it ")) == ("keep", True)


@pytest.mark.programs
def test_a_store_that_is_read_only_here_can_be_loaded_from_and_not_pruned(store: Path) -> None:
    subprocess.run(["mount", "--bind", store, store], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", store], check=True)
        before = tree(store)
        loaded(store, commit=THIRD)
        ran = prune(store, "--unused-for", "30d", "-o", "json")
        assert tree(store) == before
    finally:
        subprocess.run(["umount", store], check=True)
    assert ran.status == 1
    verdict, reason = verdicts(ran)["1"]
    assert (verdict, reason.endswith("Read-only file system")) == ("failed", True)


def test_the_record_of_last_use_is_not_part_of_a_copy(store: Path, tmp_path: Path) -> None:
    place = store / "acme--tiny" / THIRD
    assert modelcache("copy", place, tmp_path / "copy").status == 0
    names = {path.name for path in (tmp_path / "copy").iterdir()}
    assert names == {path.name for path in place.iterdir()}


def test_hard_links_in_a_model_count_once(store: Path) -> None:
    size = content(prune(store, "-o", "json"))["models"][0]["bytes"]
    place = store / "acme--tiny" / FIRST
    for path in [*place.glob("[!.]*.*")]:
        os.link(path, place / f"again-{path.name}")
    assert content(prune(store, "-o", "json"))["models"][0]["bytes"] == size


def test_prune_goes_on_past_a_model_that_can_not_be_read(store: Path) -> None:
    for path in (store, *store.rglob("*")):
        os.chown(path, 65532, 65532, follow_symlinks=False)
    closed = store / "acme--tiny" / FIRST
    closed.chmod(0)
    os.chown(closed, 0, 0)
    ran = as_another_user("prune", store, "--no-cluster", "--unused-for", "15d", "-o", "json")
    closed.chmod(0o755)
    assert ran.returncode == 0, ran.stderr
    found = {one["commit"][0]: one for one in json.loads(ran.stdout)["models"]}
    assert found["1"]["verdict"] == "keep"
    assert found["1"]["reason"] == f"{closed}: Permission denied: run prune as its owner"
    assert found["2"]["verdict"] == "removed"


def test_folders_that_no_loader_published_are_left_alone(store: Path) -> None:
    by_hand = store / "llama" / "8b"
    by_hand.mkdir(parents=True)
    (by_hand / "config.json").write_text("{}")
    (store / "acme--tiny" / FIRST / ".modelcache.json").write_text("{")
    aged(store / "acme--tiny" / FIRST, days=60)
    ran = prune(store, "--unused-for", "1d", "-o", "json")
    assert verdicts(ran)["1"] == (
        "keep",
        "its manifest can't be read: load it again, or name it with --model",
    )
    assert set(verdicts(ran)) == {"1", "2", "3"}
    assert (by_hand / "config.json").exists()


def incoming(store: Path, model: str, *, host: str = "gone", pid: int = 2**22 + 1) -> Path:
    """Leave the remains of a loader that was killed while it wrote *model*."""
    with Incoming(store, model, 10_000) as left:
        (left.parts / "part").write_bytes(b"x" * 5000)
        writer = json.loads((left.path / "writer.json").read_bytes())
    (left.path / "writer.json").write_text(json.dumps({**writer, "host": host, "pid": pid}))
    return left.path


def test_the_remains_of_loaders_are_removed_when_no_loader_will_continue(store: Path) -> None:
    old, young = incoming(store, "acme--new/1"), incoming(store, "acme--new/2")
    for path in (old, *old.rglob("*")):
        at(path, 0.1)
    useless = incoming(store, f"acme--tiny/{THIRD}")
    silent, beginning = store / ".incoming" / "silent", store / ".incoming" / "beginning"
    silent.mkdir()
    beginning.mkdir()
    at(silent, 0.1)
    alive = incoming(store, "acme--new/3", host="here", pid=os.getpid())
    dry = content(prune(store, "--dry-run", "-o", "json"))["incoming"]
    assert len(list((store / ".incoming").iterdir())) == 6
    ran = prune(store, "-o", "json")
    reasons = {
        Path(one["path"]): (one["verdict"], one["reason"]) for one in content(ran)["incoming"]
    }
    assert reasons == {
        old: ("removed", "gone has ended, more than an hour ago"),
        young: ("keep", "gone has ended, and the next loader continues there"),
        useless: ("removed", "gone has ended, and the model is published"),
        silent: ("removed", "nobody has written there for an hour"),
        alive: ("keep", "here is loading it"),
    }
    assert [one["path"] for one in dry] == [str(path) for path in sorted(reasons)]
    assert set((store / ".incoming").iterdir()) == {young, beginning, alive}
    assert there(store) == "123"


def test_without_a_cluster_to_ask_nothing_is_removed(store: Path, tmp_path: Path) -> None:
    before = tree(store)
    env = {"KUBECONFIG": str(tmp_path / "none"), "HOME": str(tmp_path)}
    for dry in ([], ["--dry-run"]):
        ran = modelcache("prune", store, "--unused-for", "30d", *dry, env=env)
        assert (ran.status, ran.out) == (2, "")
        assert "give --no-cluster if no pod reads this store" in ran.err
    assert tree(store) == before


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    flags = ("--older-than", "3x", "--unused-for", "", "--keep-bytes", "much", "--claim", "store",
             "--host-path", "cache", "--node", "A")  # fmt: skip
    ran = modelcache("prune", tmp_path / "none", *flags)
    assert (ran.status, ran.out) == (2, "")
    wrong = [line.split(": ")[1] for line in ran.err.splitlines()]
    assert wrong == [
        f"{tmp_path}/none", "--claim", "--older-than", "--unused-for", "--keep-bytes", "--host-path", "--node",
    ]  # fmt: skip
    assert "write, for example, 30d, 36h or 90m" in ran.err


def test_a_model_that_is_not_there_is_named(store: Path) -> None:
    before = tree(store)
    ran = prune(store, "--model", "acme/tiny", "--model", "acme/huge", "--model", "acme/tiny@v9")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines() == [
        'modelcache: --model: the store has no "acme/huge"',
        'modelcache: --model: the store has no "acme/tiny@v9"',
    ]
    assert tree(store) == before


def test_an_option_without_effect_is_a_mistake(store: Path) -> None:
    ran = prune(store, "--include-current")
    assert (ran.status, ran.out) == (2, "")
    assert "--include-current: has no effect" in ran.err
