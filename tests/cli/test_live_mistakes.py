"""`modelcache check --live` without a cluster: what it says of its options and of the kubeconfig."""

import socket
from pathlib import Path
from typing import Final

import pytest

from tests.cli.command import POD, Ran, modelcache

SECRET: Final = "s3cr3t-token-of-a-user"
NO_USER: Final = f"""\
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "https://127.0.0.1:1"}}}}]
users: [{{name: other, user: {{token: {SECRET}}}}}]
contexts: [{{name: c, context: {{cluster: c, user: nobody}}}}]
current-context: c
"""
BROKEN: Final = f"users:\n- name: ada\n  user: {{token: {SECRET}\n  ]: {SECRET}"


def live(command: str, *words: str | Path, home: Path) -> Ran:
    """Run a command in an environment without a cluster."""
    env = {"HOME": str(home), "KUBECONFIG": str(home / "none")}
    return modelcache(command, "-f", "-", *words, stdin=POD, env=env)


@pytest.mark.parametrize("command", ["check", "inject"])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--live", "--cluster", "cluster.yaml"),
            "--live, --cluster: both say what the cluster is: leave one out",
        ),
        (("--context", "c"), "--kubeconfig, --context: have no effect without --live"),
        (("--kubeconfig", "f"), "--kubeconfig, --context: have no effect without --live"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    tmp_path: Path, command: str, words: tuple[str, ...], said: str
) -> None:
    ran = live(command, *words, home=tmp_path)
    assert (ran.status, ran.out, ran.err) == (2, "", f"modelcache: {said}\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "No configuration found"), (BROKEN, "line 4, column 3"), ("", "file is empty")],
)
def test_a_kubeconfig_that_says_nothing_usable_is_named_and_not_shown(
    tmp_path: Path, text: str | None, said: str
) -> None:
    file = tmp_path / "f"
    if text is not None:
        file.write_text(text)
    ran = live("check", "--live", "--kubeconfig", file, home=tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"modelcache: {file}: ")
    assert said in ran.err
    assert SECRET not in ran.err


def test_without_a_kubeconfig_that_is_said(tmp_path: Path) -> None:
    ran = live("check", "--live", home=tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        "modelcache: kubeconfig: Invalid kube-config file. No configuration found.\n"
    )


def test_a_mistake_in_the_policy_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("kind: CachePolicy")
    (tmp_path / "f").write_text(NO_USER.replace("nobody", "other"))
    words = ("--live", "--kubeconfig", tmp_path / "f", "--policy", tmp_path / "policy.yaml")
    ran = live("check", *words, home=tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert "policy.yaml" in ran.err
    assert "127.0.0.1" not in ran.err


def test_an_api_server_that_does_not_answer_is_not_waited_for_long(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        config = NO_USER.replace("nobody", "other").replace("https://127.0.0.1:1", url)
        (tmp_path / "f").write_text(config)
        ran = live("check", "--live", "--kubeconfig", tmp_path / "f", home=tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"modelcache: the API server at {url} could not be queried: ")
    assert "timed out" in ran.err
    assert SECRET not in ran.err
