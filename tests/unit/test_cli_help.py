"""Every command explains itself, alone and in the handbook."""

import click
import pytest
from click.testing import CliRunner

from wfgov_dagster.cli.app import cli
from wfgov_dagster.cli.handbook import PAGE, commands, page

COMMANDS = dict(commands())
PROMISED = (
    "db upgrade", "import csv", "import sql", "orchestrate", "deps", "workflow list", "workflow show",
    "workflow online", "workflow offline", "version list", "version show", "version diff", "publish",
    "instance list", "instance show", "instance start", "instance log", "settings",
)  # fmt: skip


@pytest.mark.parametrize("name", PROMISED)
def test_the_promised_names_are_there(name: str) -> None:
    assert f"wfgov {name}" in COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_and_so_has_each_of_its_options(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert all(one.help for one in options)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_the_common_options(name: str) -> None:
    assert {"output", "actor", "debug"} <= {one.name for one in COMMANDS[name].params}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_printed_and_needs_nothing(name: str) -> None:
    result = CliRunner().invoke(cli, [*name.split()[1:], "--help"], env={"WFGOV_DATABASE_URL": "nonsense"})
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")


def test_the_handbook_has_what_the_commands_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m wfgov_dagster.cli.handbook"
