"""Calls of the verbs of flows: counted in memory, added up by day over all processes, on both databases."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.cli_support import Cli
from tests.integration.flow_support import House
from tests.integration.test_cli_process import WFGOV
from tests.integration.test_watch_loop import NO_CHORES, SILENT
from wfgov_dagster.errors import DatabaseBusy, InvalidInput, NotFound
from wfgov_dagster.runs.meter import MemoryMeter
from wfgov_dagster.settings import Settings
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases.count_calls import EVERY_SECONDS, keep_counts, show_counts
from wfgov_dagster.usecases.flows import detail, list_flows
from wfgov_dagster.usecases.watch_flows import Sleeper, Watch
from wfgov_dagster.wiring import Platform


@pytest.fixture
def wfgov(database_url: str, tmp_path: Path) -> Cli:
    return Cli(database_url, tmp_path / "home")


@pytest.fixture
def house(database: Database) -> House:
    house = House(database)
    house.define(house.node("a"))
    return house


def counted(wfgov: Cli) -> dict[str, tuple[int, int]]:
    return {one["verb"]: (one["calls"], one["failures"]) for one in wfgov.json("flow", "stats")}


def platform(wfgov: Cli) -> Platform:
    return Platform(Settings(database_url=wfgov.url, home=wfgov.home))


def test_what_two_platforms_counted_is_added_up_when_they_close(wfgov: Cli) -> None:
    one, other = platform(wfgov), platform(wfgov)
    for each in (one, other):
        list_flows(each.flows())
    with pytest.raises(NotFound):
        detail(other.flows(), 99)
    assert counted(wfgov) == {}, "no call writes"
    one.close()
    assert counted(wfgov) == {"flow_query": (1, 0)}
    other.close()
    assert counted(wfgov) == {"flow_detail": (1, 1), "flow_query": (2, 0)}
    found = wfgov.json("flow", "stats", "--days", "1")
    assert all(one["seconds"] > 0 for one in found)
    assert "flow_detail" in wfgov.ok("flow", "stats")
    assert "verb: flow_query" in wfgov.ok("flow", "stats", "-o", "yaml")


def test_processes_side_by_side_lose_no_call(wfgov: Cli) -> None:
    """Each of them writes when it ends, so they meet in the row."""
    env = {name: value for name, value in wfgov.env.items() if value is not None}
    words = [WFGOV, "flow", "list"]
    begun = [subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [one.wait(60) for one in begun] == [0, 0, 0]
    assert counted(wfgov) == {"flow_query": (3, 0)}


def test_writers_of_the_same_moment_add_to_one_row(database: Database) -> None:
    def write(_: int) -> None:
        meter = MemoryMeter()
        for verb in ("flow_query", "flow_detail"):
            with meter.measure(verb):
                pass
        keep_counts(SqlStore(database), meter)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    found = show_counts(SqlStore(database))
    assert [(one.verb, one.calls, one.failures) for one in found] == [("flow_detail", 40, 0), ("flow_query", 40, 0)]


def test_what_could_not_be_written_is_written_the_next_time(house: House) -> None:
    list_flows(house.manager())

    def busy() -> None:
        raise DatabaseBusy("busy")

    house.store.hook = busy
    with pytest.raises(DatabaseBusy):
        keep_counts(house.store, house.meter)
    house.store.hook = lambda: None
    list_flows(house.manager())
    keep_counts(house.store, house.meter)
    keep_counts(house.store, house.meter)
    assert [(one.verb, one.calls) for one in show_counts(house.store)] == [("flow_query", 2)]
    assert house.meter.read()["flow_query"].calls == 2


def test_the_watch_loop_writes_them_down_every_minute(house: House) -> None:
    clock, kept = [0.0], list[float]()
    chores = replace(NO_CHORES, keep_counts=lambda: kept.append(clock[0]))
    watch = Watch(house.manager(), SILENT, Sleeper(time.sleep, lambda: False), lambda: clock[0], chores)
    for _ in range(181):
        watch.due()
        clock[0] += 1.0
    assert kept == [EVERY_SECONDS, 2 * EVERY_SECONDS, 3 * EVERY_SECONDS]


@pytest.mark.parametrize("days", [0, 4000])
def test_days_that_make_no_sense_are_refused(house: House, days: int) -> None:
    with pytest.raises(InvalidInput):
        show_counts(house.store, days)
