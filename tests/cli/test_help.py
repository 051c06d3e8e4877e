"""Help texts, and completion in a shell."""

import pytest
import typer

from tests.cli.command import modelcache
from webhook.cli.app import app

COMMANDS = (
    "serve",
    "inject",
    "check",
    "load",
    "copy",
    "verify",
    "status",
    "prune",
    "doctor",
    "bench-storage",
)


def test_the_list_of_commands_names_each() -> None:
    out = modelcache("--help").out
    assert all(f" {command} " in out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_shows_an_example(command: str) -> None:
    ran = modelcache(command, "-h")
    assert ran.status == 0
    assert f"Example: modelcache {command} " in ran.out


def test_the_help_of_serve_groups_its_options_by_what_they_are_about() -> None:
    out = modelcache("serve", "--help").out
    groups = [line.strip("╭─╮ ") for line in out.splitlines() if line.startswith("╭")]
    assert groups == ["Options", "Ports", "Certificates", "Cluster", "Loaders", "Shutdown"]


def test_inject_takes_every_option_of_check() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group
    inject, check = (
        [
            (o.opts, o.default, o.required, o.multiple, getattr(o, "help", ""))
            for o in commands[name].params
            if o.name not in ("strict", "warnings_as_errors", "output")  # of check alone
        ]
        for name in ("inject", "check")
    )
    assert len(check) == 13
    assert [option for option in inject if option in check] == check


def test_the_version_is_printed() -> None:
    assert modelcache("--version").out.startswith("modelcache 0.")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_a_completion_script(shell: str) -> None:
    ran = modelcache("--show-completion", env={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    script = modelcache("--show-completion", shell,
                        env={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})  # fmt: skip
    assert ran.status in (0, 2)
    assert "_MODELCACHE_COMPLETE" in script.out


def test_a_shell_completes_commands_and_values() -> None:
    env = {
        "_MODELCACHE_COMPLETE": "complete_bash",
        "COMP_WORDS": "modelcache in",
        "COMP_CWORD": "1",
    }
    assert modelcache(env=env).out.split() == ["inject"]
    env |= {"COMP_WORDS": "modelcache inject -o ", "COMP_CWORD": "3"}
    assert modelcache(env=env).out.split() == ["yaml", "json", "patch"]
