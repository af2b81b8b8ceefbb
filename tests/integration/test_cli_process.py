"""The installed `wfgov`, as a process of its own: what only then shows."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.cli_support import LOOP, SALES, write_estate

WFGOV = Path(sys.executable).parent / "wfgov"
HEAVY = ("dagster", "pandas", "networkx", "scipy", "sqlglot", "duckdb", "polars", "numpy", "alembic", "psycopg", "rich")
_MODULES = """
import sys
from wfgov_dagster.cli import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with an estate in ./.wfgov, and nothing set in the environment."""
    folder = tmp_path_factory.mktemp("place")
    write_estate(folder / "estate")
    for arguments in (("import", "csv", "estate"), ("orchestrate",)):
        assert wfgov(folder, *arguments).returncode == 0
    return folder


def wfgov(
    place: Path, *arguments: str, command: Sequence[str | Path] = (WFGOV,), **env: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*command, *arguments],
        cwd=place,
        env=environment() | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("WFGOV_")}


def test_state_is_below_the_working_directory_unless_it_is_said_otherwise(place: Path) -> None:
    assert (place / ".wfgov" / "wfgov.db").is_file()
    assert not list(place.glob("*.db"))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("workflow", "show", SALES), 0),
        (("workflow", "online", LOOP), 1),
        (("workflow", "show"), 2),
        (("version", "diff", SALES, "1", "1"), 0),
    ],
)
def test_the_exit_code_says_how_it_ended(place: Path, arguments: tuple[str, ...], code: int) -> None:
    assert wfgov(place, *arguments).returncode == code


def test_results_go_to_stdout_and_errors_to_stderr(place: Path) -> None:
    good, bad = wfgov(place, "workflow", "list", "-o", "json"), wfgov(place, "workflow", "show", "x", "-o", "json")
    assert (len(json.loads(good.stdout)), good.stderr) == (4, "")
    assert (bad.stdout, json.loads(bad.stderr)["code"]) == ("", "not_found")


def test_a_reader_that_goes_away_is_no_error_to_talk_about(place: Path) -> None:
    done = wfgov(place, f"{WFGOV} workflow list -o json | head -c 1", command=("sh", "-c"))
    assert (done.stdout, done.stderr) == ("[", "")


def test_what_is_piped_has_no_colour_and_is_not_cut(place: Path) -> None:
    said = wfgov(place, "version", "list", SALES, COLUMNS="20").stdout
    assert "\x1b" not in said
    assert "+edge load_orders → clean_orders (reads ods.orders); +task clean_orders; +task load_orders" in said


def on_a_screen(place: Path, **env: str) -> str:
    main, screen = pty.openpty()
    with os.fdopen(main, "rb", buffering=0) as reader:
        child = subprocess.Popen(
            [WFGOV, "workflow", "list"],
            cwd=place,
            stdout=screen,
            stderr=screen,
            env=environment() | {"TERM": "xterm"} | env,
        )
        os.close(screen)
        said = b""
        try:
            while part := reader.read(65_536):
                said += part
        except OSError:  # how Linux says that nobody holds the other end any more
            pass
        child.wait(60)
    return said.decode()


def test_a_screen_is_not_left(place: Path) -> None:
    lines = on_a_screen(place, COLUMNS="80").replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()
    assert len(lines) > 5
    assert max(map(len, lines)) <= 80


def test_no_color_has_no_colour_on_a_screen(place: Path) -> None:
    said = on_a_screen(place, NO_COLOR="1").replace("\x1b[1m", "").replace("\x1b[0m", "")  # bold is no colour
    assert "\x1b" not in said


@pytest.mark.parametrize(
    "arguments", [("--help",), ("publish", "--help"), ("settings",), ("workflow", "list"), ("workflow", "show", SALES),
                  ("deps", "report"), ("version", "list", SALES)], ids=" ".join
)  # fmt: skip
def test_a_small_command_loads_nothing_heavy(place: Path, arguments: tuple[str, ...]) -> None:
    done = wfgov(place, *arguments, command=(sys.executable, "-c", _MODULES))
    assert done.returncode == 0
    assert set(HEAVY) & set(done.stderr.split()) == set()


def test_help_needs_no_settings(place: Path) -> None:
    done = wfgov(place, "--help", command=(sys.executable, "-c", _MODULES))
    assert not {"pydantic", "pydantic_settings", "sqlalchemy", "asyncio"} & set(done.stderr.split())


def test_secrets_of_the_settings_are_not_shown(place: Path) -> None:
    url = "postgresql://me:s3cr3t/p@ss@db.example:5432/x?password=s3cr3t&sslmode=require"
    for format_ in ("table", "json", "yaml"):
        said = wfgov(
            place, "settings", "-o", format_, WFGOV_DATABASE_URL=url, WFGOV_WEBSERVER_URL="http://u:s3cr3t@h:1"
        ).stdout
        assert "s3cr3t" not in said
        assert "p@ss" not in said
        assert "postgresql://***@db.example:5432/x?password=***&sslmode=***" in said
        assert "http://***@h:1" in said
