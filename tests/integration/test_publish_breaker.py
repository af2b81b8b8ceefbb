"""An engine that does not answer is left alone for a while, by everybody; then exactly one tries."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.doubles.engine import Fault
from tests.integration.publish_support import Office, a_definition
from wfgov_dagster.errors import EngineRejected, EngineUnreachable
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.publish import advance
from wfgov_dagster.usecases.publisher import Again

DOWN = EngineUnreachable("connection refused", where="engine embedded")


@pytest.fixture
def office(database: Database) -> Office:
    office = Office(database)
    for code in ("w", "v"):
        office.save(a_definition(code))
    return office


def looks(office: Office) -> list[int]:
    """Calls to the engine are counted in it."""
    seen: list[int] = []
    office.engine.hook = lambda: seen.append(1)
    return seen


def break_it(office: Office, record_id: int, times: int = 5) -> None:
    office.engine.down = DOWN
    for _ in range(times):
        advance(office.publisher(), record_id)


def test_after_five_failures_in_a_row_nobody_calls_and_no_attempt_is_used_up(office: Office) -> None:
    first, other = office.ask("deploy"), office.ask("deploy", "v")
    break_it(office, first)
    calls, attempts = looks(office), office.record(first)["attempts"]
    for record_id in (first, other):
        again = advance(office.publisher(), record_id)
        assert isinstance(again, Again)
        assert 25 < again.after_seconds <= 30
    assert calls == []
    assert (office.record(first)["attempts"], office.record(other)["attempts"]) == (attempts, 0)


def test_failures_count_whoever_has_them(office: Office) -> None:
    office.engine.down = DOWN
    for record_id in (office.ask("deploy"), office.ask("deploy", "v")):
        break_it(office, record_id, 2)
    assert office.row("engine_breaker")["open_until"] is None
    break_it(office, office.rows("workflow_publish_record")[0]["id"], 1)
    assert office.row("engine_breaker")["open_until"] is not None


def test_one_answer_in_between_starts_the_count_anew(office: Office) -> None:
    record_id = office.ask("deploy")
    break_it(office, record_id, 4)
    office.engine.down = EngineRejected("not allowed", where="engine embedded")
    advance(office.publisher(), record_id)
    assert office.row("engine_breaker")["failures"] == 0


def test_a_lost_answer_to_a_write_counts_and_a_look_after_it_clears(office: Office) -> None:
    record_id = office.ask("deploy")
    office.engine.faults.append(Fault.REPLY_LOST)
    advance(office.publisher(), record_id)
    assert office.row("engine_breaker")["failures"] == 1
    advance(office.publisher(), record_id)
    assert office.row("engine_breaker")["failures"] == 0


def test_after_the_rest_one_probes_and_its_success_closes_the_breaker(office: Office) -> None:
    first, other = office.ask("deploy"), office.ask("deploy", "v")
    break_it(office, first)
    office.engine.down = None
    office.pass_time(31)
    together = threading.Barrier(4)

    def ask(holder: str) -> float:
        together.wait()
        with office.store.write() as work:
            return work.breakers.rest(office.row("engine")["id"], holder, 20.0)

    with ThreadPoolExecutor(4) as pool:
        rests = list(pool.map(ask, ["a", "b", "c", "d"]))
    assert sorted(rest > 0 for rest in rests) == [False, True, True, True]
    assert isinstance(advance(office.publisher(), other), Again), "somebody else probes"
    office.pass_time(21)  # who died
    assert office.drive(other).status == "success"
    assert office.row("engine_breaker")["failures"] == 0
    assert office.drive(first).status == "success"


def test_a_failed_probe_opens_it_for_another_rest(office: Office) -> None:
    record_id = office.ask("deploy")
    break_it(office, record_id)
    office.pass_time(31)
    advance(office.publisher(), record_id)
    again = advance(office.publisher(), record_id)
    assert isinstance(again, Again)
    assert again.after_seconds > 25


def test_rests_count_against_the_deadline(office: Office) -> None:
    record_id = office.ask("deploy")
    office.engine.down = DOWN
    end = office.drive(record_id, attempts=10_000, deadline_seconds=200, breaker_rest_seconds=500)
    assert (end.status, end.phase, end.error_code) == ("failed", "failed", "engine_unreachable")
    assert "has not answered for too long" in str(end.message)
    assert office.record(record_id)["attempts"] == 5


def test_another_engine_is_not_concerned(office: Office) -> None:
    break_it(office, office.ask("deploy"))
    with office.store.read() as work:
        assert work.breakers.state(4711) == (0, None)
