"""docs/handbook/cli.md, made of the commands themselves: python -m wfgov_dagster.cli.handbook"""

from collections.abc import Iterator

import click

from wfgov_dagster.cli.app import cli
from wfgov_dagster.settings import CHECKOUT

PAGE = CHECKOUT / "docs" / "handbook" / "cli.md"
_WIDTH = 100
_HEAD = """# The command line

Made by `python -m wfgov_dagster.cli.handbook`; a test compares it.

Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 refused or failed, 2 usage, 3 a difference exists
(`version diff`, `plan`), or something to look at (`engine test`). An error is `code: what — where — next`, with
`-o json` its problem document. Every command has `-o table|json|yaml`, `--actor` and `--debug`. The database is
`WFGOV_DATABASE_URL`, else SQLite in `WFGOV_HOME` (default `./.wfgov`). No colour where `NO_COLOR` is set or the output
is no screen.
"""


def commands(group: click.Group = cli, path: str = "wfgov") -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name, in the order of names."""
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def page() -> str:
    listed = [f"| `{name}` | {command.get_short_help_str(200)} |" for name, command in commands()]
    parts = [_HEAD, "\n".join(["| command | |", "|---|---|", *listed]) + "\n"]
    for name, command in commands():
        context = click.Context(command, info_name=name, terminal_width=_WIDTH, **cli.context_settings)
        parts.append(f"## {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
