"""A clean-up that is killed with −9 wherever it is goes on where it was; what is kept is whole at every moment."""

import time
from pathlib import Path
from random import Random

from pydantic import SecretStr

from tests.integration.retention_support import Archive, garbage, wrongs
from tests.support.killing import Tell, family
from tests.support.size import SEED, size
from wfgov_dagster.domain.flow import FlowState
from wfgov_dagster.settings import Settings
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.advance_flow import drive_flow
from wfgov_dagster.usecases.clean_up import report
from wfgov_dagster.usecases.flow_changes import resume
from wfgov_dagster.usecases.flows import due
from wfgov_dagster.wiring import Platform

VERSIONS = size(120, 3000)
KILLS = size(4, 60)
LIVES_AT_MOST_SECONDS = size(0.25, 0.6)


def clean_up(tell: Tell, url: str, home: Path, flow_id: int) -> None:
    platform = Platform(Settings(home=home, database_url=SecretStr(url), lease_seconds=1))
    manager = platform.flows()
    due(manager)  # connected, and everything loaded
    tell("begun")
    drive_flow(manager, flow_id, time.sleep)
    platform.close()


def wait_for_more_than(rows: int, archive: Archive, flow_id: int) -> None:
    end = time.monotonic() + 60
    while (seen := report(archive.store, flow_id)).rows == rows and seen.state is not FlowState.ERROR:
        assert time.monotonic() < end, f"after a minute still {rows} rows"
        time.sleep(0.002)


def say_that_it_may_go_on(archive: Archive, flow_id: int) -> None:
    """A flow node in which 20 processes have died waits for a person."""
    if report(archive.store, flow_id).state is FlowState.ERROR:
        with archive.store.write() as work:
            resume(work, "ann", flow_id)


def test_killed_anywhere_it_goes_on_where_it_was(database: Database, database_url: str, tmp_path: Path) -> None:
    archive, chance = Archive(database), Random(SEED)
    archive.save_many(VERSIONS)
    archive.publish("deploy")
    archive.save_many(3)
    archive.age()
    archive.rule()
    edges, planned = archive.edges(), archive.plan()
    flow_id = archive.begin()
    half_way = 0
    with family() as children:
        for at in range(KILLS):
            say_that_it_may_go_on(archive, flow_id)
            before = report(archive.store, flow_id).rows
            child = children.start(clean_up, database_url, tmp_path, flow_id)
            child.hear()
            if at % 2 == 0 and before < planned.rows:  # a busy machine begins nothing within a short life
                wait_for_more_than(before, archive, flow_id)
            else:
                time.sleep(chance.random() * LIVES_AT_MOST_SECONDS)
            try:
                child.kill()
            except AssertionError:  # it was through
                break
            assert wrongs(archive, edges.elements()) == [], f"seed {SEED}"
            half_way += 0 < report(archive.store, flow_id).rows < planned.rows
        say_that_it_may_go_on(archive, flow_id)
        children.start(clean_up, database_url, tmp_path, flow_id).wait()
    done = report(archive.store, flow_id)
    assert (done.state, done.rows, done.bytes) == ("Finished", planned.rows, planned.bytes)
    assert half_way > 0
    assert (archive.there(), wrongs(archive, edges.elements()), garbage(archive)) == ([VERSIONS, VERSIONS + 3], [], [])
