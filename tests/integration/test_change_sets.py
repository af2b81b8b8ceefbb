"""Change sets on both databases: waves, what follows from a failure, who is refused, and that nobody is unreported."""

import threading
import time
from collections.abc import Iterator
from itertools import count

import pytest

from tests.doubles.engine import Fault
from tests.integration.change_set_support import Sets, in_threads, one_after_the_other, reasons, states
from tests.integration.publish_support import Office, a_definition
from wfgov_dagster.domain.change_set import OnFailure, SetState
from wfgov_dagster.errors import ChangeSetRefused, Conflict, InvalidInput, NotFound
from wfgov_dagster.ports.engine import Marker
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.advance_change_set import Crew, Ended, advance_change_set
from wfgov_dagster.usecases.change_set import all_changed
from wfgov_dagster.usecases.end_change_set import cancel, restore


@pytest.fixture
def sets(database: Database) -> Sets:
    return Sets(Office(database))


@pytest.fixture
def small(sqlite_url: str) -> Iterator[Sets]:
    database = Database(sqlite_url)
    yield Sets(Office(database))
    database.dispose()


# --- waves ---------------------------------------------------------------------------------------


def test_a_set_is_published_upstream_first(sets: Sets) -> None:
    sets.estate("abc")
    shown = sets.publish("cab")
    assert (shown.change_set.state, sets.texts("abc")) == ("success", "NNN")
    assert [(one.workflow_code, one.wave) for one in shown.members] == [("a", 1), ("b", 2), ("c", 3)]
    records = [one.record_id or 0 for one in shown.members]
    assert records == sorted(records)


def test_a_set_goes_offline_downstream_first(sets: Sets) -> None:
    sets.estate("abc")
    shown = sets.publish("abc", "offline")
    assert (shown.change_set.state, sets.texts("abc")) == ("success", "ooo")
    assert [(one.workflow_code, one.wave) for one in shown.members] == [("c", 1), ("b", 2), ("a", 3)]


def test_a_circle_of_workflows_is_one_wave_and_rejected_edges_do_not_count(sets: Sets) -> None:
    sets.estate("abcd", online=False)
    sets.chain("cb")
    sets.chain("da", state="rejected")
    shown = sets.publish("abcd")
    assert [(one.workflow_code, one.wave) for one in shown.members] == [("a", 1), ("b", 2), ("c", 2), ("d", 3)]


def test_what_the_engine_holds_already_is_not_written_again(small: Sets) -> None:
    small.estate("ab")
    small.publish("ab")
    small.office.engine.writes.clear()
    assert small.publish("ab").change_set.state == "success"
    assert small.office.engine.writes == []


# --- a member fails ------------------------------------------------------------------------------


def test_a_failure_finishes_its_wave_and_skips_the_later_ones(sets: Sets) -> None:
    sets.estate("abcd", online=False)
    sets.estate("e", online=False)
    sets.chain("ae")
    sets.office.engine.faults.extend([Fault.NONE, Fault.REJECTED])
    shown = sets.publish("abcde")
    assert shown.change_set.state == "failed"
    assert states(shown) == {"a": "success", "b": "failed", "e": "success", "c": "skipped", "d": "skipped"}
    assert "10001 request parameter is not valid" in reasons(shown)["b"]
    assert reasons(shown)["c"] == reasons(shown)["d"] == "b failed before it"
    assert sets.texts("abcde") == "nooon"


def test_a_set_that_shall_be_whole_brings_everything_back(sets: Sets) -> None:
    sets.estate("abc")
    sets.office.engine.faults.extend([Fault.NONE] * 5 + [Fault.NONE, Fault.REJECTED])
    shown = sets.publish("abc", on_failure=OnFailure.RESTORE)
    assert (shown.change_set.state, sets.texts("abc")) == ("restored", "OOO")
    assert states(shown) == {"a": "success", "b": "failed", "c": "skipped"}
    assert {code: str(one.state) for code, one in shown.back.items()} == {"a": "success"}
    assert {row["version_id"] for row in sets.office.rows("engine_deployment")} == {
        row["last_published_version_id"] for row in sets.office.rows("data_workflow")
    }


@pytest.mark.parametrize("operation", ["online", "offline"])
def test_a_release_is_brought_back_too(small: Sets, operation: str) -> None:
    small.estate("abc", online=operation == "offline")
    before = small.texts("abc")
    small.office.engine.faults.extend([Fault.NONE] * (1 if operation == "offline" else 3) + [Fault.REJECTED])
    shown = small.publish("abc", operation, on_failure=OnFailure.RESTORE)
    assert (shown.change_set.state, small.texts("abc")) == ("restored", before)


def test_a_workflow_that_was_never_there_is_left_offline_and_not_deleted(small: Sets) -> None:
    for code in "ab":
        small.office.save(a_definition(code))
    small.chain("ab")
    small.office.engine.faults.extend([Fault.NONE, Fault.REJECTED])
    shown = small.publish("ab", on_failure=OnFailure.RESTORE)
    assert shown.change_set.state == "restored"
    assert small.texts("a") == "o"
    assert small.office.inner.observe("b") is None


def test_when_everything_shall_come_back_nothing_more_is_begun(small: Sets) -> None:
    small.estate("abc", online=False)
    small.office.engine.faults.append(Fault.REJECTED)
    with small.office.database.write() as conn:
        conn.exec_driver_sql("DELETE FROM cross_workflow_dependency")
    shown = small.publish("abc", on_failure=OnFailure.RESTORE, parallel=1)
    assert states(shown) == {"a": "failed", "b": "skipped", "c": "skipped"}
    assert (shown.change_set.state, small.texts("abc")) == ("restored", "ooo")


def test_when_everything_shall_come_back_nothing_more_is_begun_in_the_turn_that_could_not_begin_one(
    small: Sets,
) -> None:
    small.estate("ab", online=False)
    with small.office.database.write() as conn:
        conn.exec_driver_sql("DELETE FROM cross_workflow_dependency")
    asked = small.restoring("ab", parallel=1)
    small.versions("a", "echo newer")  # a refuses to be published: it is not what was asked for
    small.drive(asked)
    assert states(small.show(asked)) == {"a": "failed", "b": "skipped"}
    assert small.office.engine.writes == []


def test_what_cannot_be_brought_back_is_told_and_can_be_tried_again(small: Sets) -> None:
    small.estate("abc", online=False)
    small.office.engine.faults.extend([Fault.NONE, Fault.NONE, Fault.REJECTED, Fault.REJECTED])
    shown = small.publish("abc", on_failure=OnFailure.RESTORE)
    assert (shown.change_set.state, small.texts("abc")) == ("restore_failed", "ono")
    assert {code: str(one.state) for code, one in shown.back.items()} == {"b": "failed", "a": "success"}
    assert "10001" in str(shown.back["b"].reason)
    with small.office.store.write() as work:
        again = restore(work, "ann", shown.change_set.id)
    assert again is not None
    small.drive(again)
    assert (small.show(shown.change_set.id).change_set.state, small.texts("abc")) == ("restored", "ooo")
    assert states(small.show(again)) == {"b": "success"}


def test_a_member_that_waits_for_a_person_has_failed(small: Sets) -> None:
    small.estate("ab", online=False)
    small.office.inner.deploy(a_definition("a", "echo by hand", None), Marker("a", 9, "w1:by-hand"))
    shown = small.publish("ab")
    assert (shown.change_set.state, states(shown)) == ("failed", {"a": "failed", "b": "skipped"})
    assert shown.members[0].phase == "paused"
    assert "foreign_edit" in reasons(shown)["a"]


def test_another_version_that_came_meanwhile_is_not_published(small: Sets) -> None:
    small.estate("ab", online=False)
    change_set_id = small.make("ab")
    small.office.save(a_definition("b", "echo newest"))
    small.drive(change_set_id)
    shown = small.show(change_set_id)
    assert states(shown) == {"a": "success", "b": "failed"}
    assert "deploy is about V3, not about V2" in reasons(shown)["b"]


def test_what_somebody_published_since_is_left_as_it_is(small: Sets) -> None:
    small.estate("ab", online=False)
    shown = small.publish("ab")
    small.office.save(a_definition("a", "echo newest"))
    newer = small.office.publish("deploy", "a").record_id
    with small.office.store.write() as work:
        back = restore(work, "ann", shown.change_set.id)
    assert back is not None
    assert small.drive(back).state == "failed"
    assert reasons(small.show(back)) == {"a": f"left as it is: publish record {newer} came after the set's"}
    assert small.office.state("a")[0] == "echo newest"
    assert small.texts("b") == "o"
    assert small.show(shown.change_set.id).change_set.state == "restore_failed"


def test_what_somebody_publishes_while_a_set_is_brought_back_is_left_as_it_is(small: Sets) -> None:
    small.estate("ab", online=False)
    shown = small.publish("ab")
    with small.office.store.write() as work:
        back = restore(work, "ann", shown.change_set.id)
    assert back is not None
    advance_change_set(small.crew(), back)
    small.office.save(a_definition("a", "echo newest"))
    assert small.office.publish("deploy", "a").status == "success"
    small.drive(back)
    assert states(small.show(back)) == {"b": "success", "a": "skipped"}
    assert small.office.state("a")[0] == "echo newest"


# --- restoring, canceling ------------------------------------------------------------------------


def test_a_set_that_succeeded_can_be_rolled_back(sets: Sets) -> None:
    sets.estate("abc")
    shown = sets.publish("abc")
    with sets.office.store.write() as work:
        back = restore(work, "bob", shown.change_set.id)
    assert back is not None
    assert sets.drive(back).state == "success"
    assert sets.texts("abc") == "OOO"
    assert [(one.workflow_code, one.wave) for one in sets.show(back).members] == [("c", 1), ("b", 2), ("a", 3)]
    assert sets.show(shown.change_set.id).change_set.state == "restored"
    with sets.office.store.write() as work:
        assert restore(work, "bob", shown.change_set.id) is None
        with pytest.raises(Conflict, match="it is one that restores"):
            restore(work, "bob", back)


@pytest.mark.parametrize(("on_failure", "end", "texts"), [("stop", "canceled", "noo"), ("restore", "restored", "ooo")])
def test_a_set_that_is_canceled_reports_every_member(sets: Sets, on_failure: str, end: str, texts: str) -> None:
    sets.estate("abc", online=False)
    change_set_id = sets.make("abc", on_failure=OnFailure(on_failure))
    advance_change_set(sets.crew(), change_set_id)
    with sets.office.store.write() as work:
        cancel(work, "bob", change_set_id, "wrong day")
    with sets.office.store.write() as work, pytest.raises(Conflict, match="it is under way"):
        restore(work, "bob", change_set_id)
    sets.drive(change_set_id)
    shown = sets.show(change_set_id)
    assert (shown.change_set.state, sets.texts("abc")) == (end, texts)
    assert states(shown) == {"a": "success", "b": "skipped", "c": "skipped"}
    assert reasons(shown)["c"] == "canceled by bob: wrong day"
    with sets.office.store.write() as work, pytest.raises(Conflict, match="it has ended"):
        cancel(work, "bob", change_set_id, "once more")


def test_what_was_begun_is_brought_to_its_end_when_a_set_is_canceled(small: Sets) -> None:
    small.estate("ab")
    change_set_id = small.make("ab")

    def cancel_in_the_middle() -> None:
        if small.office.engine.writes == ["offline"]:
            small.office.engine.hook = lambda: None
            with small.office.store.write() as work:
                cancel(work, "bob", change_set_id, "wrong day")

    small.office.engine.hook = cancel_in_the_middle
    small.drive(change_set_id)
    assert (states(small.show(change_set_id)), small.texts("ab")) == ({"a": "success", "b": "skipped"}, "NO")


# --- who is refused ------------------------------------------------------------------------------


def test_a_set_with_bad_members_is_refused_with_every_reason_and_nothing_is_written(sets: Sets) -> None:
    sets.estate("ab", online=False)
    sets.office.create("empty")
    sets.office.create("gone", status="archived")
    before = {table: sets.office.rows(table) for table in ("workflow_publish_record", "flow")}
    with pytest.raises(ChangeSetRefused) as refusal:
        sets.make(["a", "b", "b", "empty", "gone", "nobody"])
    assert set(refusal.value.members) == {"b", "empty", "gone", "nobody"}
    assert "it is named more than once" in refusal.value.members["b"]
    assert "no version that could be deployed" in refusal.value.members["empty"]
    assert "it is archived" in refusal.value.members["gone"]
    assert "no workflow 'nobody'" in refusal.value.members["nobody"]
    assert {table: sets.office.rows(table) for table in before} == before
    assert (sets.office.rows("change_set"), sets.office.rows("change_set_member")) == ([], [])


def test_a_workflow_is_in_one_set_at_a_time(sets: Sets) -> None:
    sets.estate("ab", online=False)
    first = sets.make("a")
    with pytest.raises(ChangeSetRefused, match=f"a: change set {first} has not ended with it"):
        sets.make("ab")
    sets.drive(first)
    assert sets.publish("ab").change_set.state == "success"


@pytest.mark.parametrize(
    ("codes", "wanted", "said"),
    [
        ("", {}, "no workflow is in it"),
        ("a", {"parallel": 0}, "0 side by side"),
        ("a", {"parallel": 65}, "65 side by side"),
        ("a", {"writes_per_second": -1.0}, "writes a second"),
    ],
)
def test_a_set_that_makes_no_sense_is_refused(small: Sets, codes: str, wanted: dict[str, object], said: str) -> None:
    small.office.save(a_definition("a"))
    with pytest.raises(InvalidInput, match=said):
        small.make(codes, **wanted)


def test_an_unknown_set_is_not_found(small: Sets) -> None:
    with pytest.raises(NotFound, match="no change set 7"):
        small.show(7)
    with pytest.raises(NotFound, match="no change set 7"):
        advance_change_set(small.crew(), 7)


def test_all_changed_are_those_whose_current_version_is_not_confirmed(sets: Sets) -> None:
    sets.estate("ab", online=False)
    sets.office.save(a_definition("never"))
    sets.office.create("empty")
    sets.office.publish("deploy", "a")
    with sets.office.store.read() as work:
        assert all_changed(work, "embedded", default="embedded") == ["b", "never"]
    sets.publish(["b", "never"])
    with sets.office.store.read() as work:
        assert all_changed(work, "embedded", default="embedded") == []


# --- side by side --------------------------------------------------------------------------------


class Counter:
    """How many deploys are at the engine at a time. The first `together` wait for each other there."""

    def __init__(self, office: Office, together: int) -> None:
        self._inner, self._lock = office.inner.deploy, threading.Lock()
        self._barrier = threading.Barrier(together)
        self._waiting = together
        self.now = self.most = 0
        office.inner.deploy = self  # type: ignore[method-assign]

    def __call__(self, *arguments: object) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            waits = self._waiting > 0
            self._waiting -= 1
        if waits:
            self._barrier.wait(timeout=60)
        self._inner(*arguments)  # type: ignore[arg-type]
        with self._lock:
            self.now -= 1


def test_members_of_a_wave_are_published_side_by_side_and_never_more_than_that(sets: Sets) -> None:
    for code in "abcdefg":
        sets.office.save(a_definition(code))
    counter = Counter(sets.office, together=3)
    sets.side_by_side = in_threads
    shown = sets.publish("abcdefg", parallel=3)
    assert (shown.change_set.state, counter.most) == ("success", 3)


def test_a_turn_that_ends_in_the_middle_of_a_publish_holds_up_nobody(sets: Sets) -> None:
    """Each turn of the flow has a publisher of its own, as the product has."""
    sets.estate("ab")
    change_set_id, clock = sets.make("ab"), count(step=0.4)
    while True:
        crew = Crew(sets.office.publisher(), one_after_the_other, time.sleep, lambda: float(next(clock)))
        said = advance_change_set(crew, change_set_id)
        if isinstance(said, Ended):
            break
        assert said.after_seconds == 0
    assert (said.state, sets.texts("ab")) == ("success", "NN")


def test_two_who_drive_one_set_open_no_more_members_than_it_may(sets: Sets) -> None:
    for code in "abcd":
        sets.office.save(a_definition(code))
    change_set_id, most = sets.make("abcd", parallel=2), []

    def look() -> None:
        opened = [one for one in sets.show(change_set_id).members if one.state == "open"]
        most.append(len(opened))
        if len(most) == 1:
            advance_change_set(sets.crew(), change_set_id)

    sets.office.engine.hook = look
    sets.drive(change_set_id)
    assert max(most) == 2
    assert sets.show(change_set_id).change_set.state == "success"


def test_an_engine_is_written_to_no_faster_than_it_may_be(sets: Sets) -> None:
    for code in "abcdef":
        sets.office.save(a_definition(code))
    sets.side_by_side = in_threads
    change_set_id, crew = sets.make("abcdef", parallel=3, writes_per_second=20.0), sets.crew()
    began = time.monotonic()
    while sets.show(change_set_id).change_set.state is SetState.RUNNING:
        advance_change_set(crew, change_set_id)
    assert sets.office.engine.writes == ["deploy"] * 6
    assert time.monotonic() - began >= 5 / 20


def test_a_write_takes_the_place_of_the_next_one_for_everybody(sets: Sets) -> None:
    with sets.office.store.write() as work:
        assert work.paces.take(1, 0.01) == 0
        assert 99 < work.paces.take(1, 0.01) <= 100
        assert 99 < work.paces.take(1, 1000.0) <= 100
        assert work.paces.take(2, 0.01) == 0
