"""Inspections over time: no false alarm, one list call, ages, engines that cannot be seen, publishes under way."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.doubles.dolphin_manners import DolphinManners
from tests.doubles.engine import FaultyEngine
from tests.integration.drift_support import NEW, DoubleHands, a_task, a_workflow
from tests.integration.publish_support import DATABASES, Office
from tests.support.size import size
from wfgov_dagster.domain.drift import Kind
from wfgov_dagster.domain.snapshot import hashes
from wfgov_dagster.errors import EngineRejected, EngineUnreachable, NotFound
from wfgov_dagster.ports.engine import Marker
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.inspect_drift import Inspection, Scope, inspect_drift

EVERYTHING = Scope(None)
INSPECTIONS = 200
DOWN = EngineUnreachable("connection refused", where="engine embedded")


@pytest.fixture(params=DATABASES)
def office(request: pytest.FixtureRequest) -> Iterator[Office]:
    """Three workflows are online on an engine with DolphinScheduler's manners."""
    database = Database(str(request.getfixturevalue(request.param)))
    office = Office(database)
    office.inner = DolphinManners()
    office.engine = FaultyEngine(office.inner)
    for code in ("a", "b", "c"):
        office.save(a_workflow(code))
        office.publish("deploy", code)
        office.publish("online", code)
    office.engine.writes.clear()
    office.engine.reads.clear()
    yield office
    database.dispose()


@pytest.fixture
def hands(office: Office) -> DoubleHands:
    assert isinstance(office.inner, DolphinManners)
    return DoubleHands(office.inner)


def inspect(office: Office, scope: Scope = EVERYTHING) -> Inspection:
    return inspect_drift(office.publisher(), "ann", scope)


def kinds(found: Inspection) -> list[tuple[str, Kind]]:
    return [(one.workflow_code, one.kind) for one in found.findings]


def findings(office: Office) -> list[tuple[str, str, bool]]:
    return [(row["rule"], row["object_code"], row["closed_at"] is None) for row in office.rows("inspection_finding")]


# --- no false alarm ------------------------------------------------------------------------------


def test_an_untouched_estate_costs_one_list_call_an_inspection(office: Office) -> None:
    first = inspect(office)
    assert office.engine.reads == ["heads", "observe a", "observe b", "observe c"], "nobody had looked yet"
    office.engine.reads.clear()
    for _ in range(INSPECTIONS):
        found = inspect(office)
        assert (found.findings, found.unseen, found.differs) == ((), (), False)
    assert office.engine.reads == ["heads"] * INSPECTIONS
    assert office.engine.writes == []
    assert first.findings == ()
    assert findings(office) == []


def test_what_is_named_is_looked_at_whole_and_so_is_all_with_full(office: Office) -> None:
    inspect(office)
    office.engine.reads.clear()
    assert inspect(office, Scope(["b"])).engines[0].observed == 1
    assert office.engine.reads == ["heads", "observe b"]
    office.engine.reads.clear()
    inspect(office, replace(EVERYTHING, whole=True))
    assert office.engine.reads == ["heads", "observe a", "observe b", "observe c"]


def test_after_a_publish_it_is_looked_at_once(office: Office) -> None:
    inspect(office)
    office.save(a_workflow("a", "echo newer"))
    office.publish("deploy", "a")
    office.engine.reads.clear()
    for _ in range(3):
        assert inspect(office).findings == ()
    assert office.engine.reads == ["heads", "observe a", "heads", "heads"]


@pytest.mark.parametrize("operation", ["deploy", "online", "offline"])
def test_a_publish_that_is_under_way_is_no_drift(office: Office, operation: str) -> None:
    office.save(a_workflow("a", "echo newer"))
    seen: list[Inspection] = []

    def look() -> None:
        office.engine.hook = lambda: None
        seen.append(inspect(office))
        office.engine.hook = look

    office.engine.hook = look
    office.publish(operation, "a")
    office.engine.hook = lambda: None
    assert len(seen) > 1
    assert [one.findings for one in seen] == [()] * len(seen)
    assert all(one.engines[0].publishing == ("a",) for one in seen)


def test_a_publish_that_ends_while_it_is_looked_at_is_no_drift(office: Office) -> None:
    office.save(a_workflow("a", "echo newer"))

    def publish() -> None:
        if office.engine.reads[-1:] == ["heads"]:  # what was confirmed is read already
            office.engine.hook = lambda: None
            office.publish("deploy", "a")

    office.engine.hook = publish
    found = inspect(office)
    assert (found.findings, found.engines[0].publishing) == ((), ("a",))
    assert inspect(office).findings == ()


# --- the platform is ahead -----------------------------------------------------------------------


def test_a_version_that_is_not_published_is_told_without_a_look(office: Office) -> None:
    inspect(office)
    office.engine.reads.clear()
    office.save(a_workflow("b", "echo newer"))
    found = inspect(office)
    assert kinds(found) == [("b", Kind.UNPUBLISHED)]
    assert (found.differs, office.engine.reads) == (True, ["heads"])
    (field,) = found.findings[0].differences
    assert (field.confirmed, field.current, field.engine) == (NEW, "echo newer", NEW)
    office.publish("deploy", "b")
    assert inspect(office).findings == ()


def test_never_deployed_is_told_to_whoever_names_it(office: Office) -> None:
    office.save(a_workflow("new"))
    assert inspect(office).findings == ()
    found = inspect(office, Scope(["new"]))
    assert (kinds(found), found.differs) == ([("new", Kind.NEVER_DEPLOYED)], False)
    assert findings(office) == []


def test_unknown_names_are_refused(office: Office) -> None:
    with pytest.raises(NotFound, match="no workflow 'x'"):
        inspect(office, Scope(["x"]))
    with pytest.raises(NotFound, match="no engine 'x'"):
        inspect(office, Scope(None, "x"))


# --- ages ----------------------------------------------------------------------------------------


def test_a_finding_is_as_old_as_the_first_look_at_it_and_closes_when_it_is_gone(
    office: Office, hands: DoubleHands
) -> None:
    hands.content("a", a_task("extract", text="echo theirs"))
    (first,) = inspect(office).findings
    hands.content("a", a_task("extract", text="echo theirs again", retries=1))
    (second,) = inspect(office).findings
    assert second.since == first.since
    assert [one.field for one in second.differences] == ["text of task a.extract", "retries of task a.extract"]
    assert "retries" in office.row("inspection_finding")["message"]
    hands.content("a", a_task("extract", text=NEW, retries=0))
    assert inspect(office).findings == ()
    assert findings(office) == [("drift.content_changed", "embedded/a", False)]
    hands.content("a", a_task("extract", text="echo theirs"))
    (again,) = inspect(office).findings
    assert first.since is not None
    assert again.since is not None
    assert again.since > first.since


def test_looking_at_one_leaves_the_findings_of_the_others(office: Office, hands: DoubleHands) -> None:
    hands.release("a", online=False)
    hands.release("b", online=False)
    inspect(office)
    hands.release("a", online=True)
    hands.fire("a", online=True)
    inspect(office, Scope(["a"]))
    assert findings(office) == [
        ("drift.release_changed", "embedded/a", False),
        ("drift.release_changed", "embedded/b", True),
    ]


def test_findings_have_the_owner_of_the_workflow(office: Office, hands: DoubleHands) -> None:
    with office.database.write() as conn:
        conn.exec_driver_sql("UPDATE data_workflow SET owner = 'cyd' WHERE workflow_code = 'a'")
    hands.remove("a")
    assert [one.owner for one in inspect(office).findings] == ["cyd"]
    assert office.row("inspection_finding")["owner"] == "cyd"


# --- what cannot be seen -------------------------------------------------------------------------


def test_an_engine_that_is_down_is_unknown_since_and_no_drift(office: Office, hands: DoubleHands) -> None:
    hands.release("a", online=False)
    (before,) = inspect(office).findings
    office.engine.down = DOWN
    found = [inspect(office) for _ in range(8)]
    for one in found:
        assert (one.findings, one.differs) == ((), False)
        assert [(unseen.engine, unseen.workflow_code) for unseen in one.unseen] == [("embedded", None)]
    assert len({one.unseen[0].since for one in found}) == 1
    assert "connection refused" in found[0].unseen[0].message
    assert ("drift.release_changed", "embedded/a", True) in findings(office), "what was known is still known"
    office.engine.down = None
    office.pass_time(office.limits.breaker_rest_seconds)
    back = inspect(office)
    assert (back.unseen, [one.since for one in back.findings]) == ((), [before.since])
    assert ("drift.unseen", "embedded", False) in findings(office)


def test_an_engine_that_does_not_answer_is_left_alone(office: Office) -> None:
    office.engine.down = DOWN
    office.engine.reads.clear()
    for _ in range(20):
        inspect(office)
    assert office.engine.reads == ["heads"] * office.limits.breaker_failures


def test_an_engine_that_goes_away_in_the_middle_leaves_the_rest_unknown(office: Office, hands: DoubleHands) -> None:
    for code in ("a", "b", "c"):
        hands.release(code, online=False)

    def go() -> None:
        if office.engine.reads[-1:] == ["observe a"]:
            office.engine.down = DOWN

    office.engine.hook = go
    found = inspect(office)
    assert kinds(found) == [("a", Kind.RELEASE_CHANGED)]
    assert {unseen.workflow_code for unseen in found.unseen} == {None, "b"}
    assert office.engine.reads == ["heads", "observe a", "observe b"]


def test_one_workflow_that_cannot_be_read_hides_no_other(
    office: Office, hands: DoubleHands, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = office.engine.observe

    def observe(code: str) -> object:
        if code == "a":
            raise EngineRejected("50003 not readable", where="engine embedded")
        return whole(code)

    monkeypatch.setattr(office.engine, "observe", observe)
    hands.release("b", online=False)
    found = inspect(office)
    assert (kinds(found), [one.workflow_code for one in found.unseen]) == ([("b", Kind.RELEASE_CHANGED)], ["a"])
    assert ("drift.unseen", "embedded/a", True) in findings(office)
    monkeypatch.undo()
    assert inspect(office).unseen == ()
    assert ("drift.unseen", "embedded/a", False) in findings(office)


# --- our own writes ------------------------------------------------------------------------------


def test_a_version_of_ours_that_was_never_confirmed_is_known_as_ours(office: Office) -> None:
    newer = a_workflow("a", "echo newer")
    office.save(newer)
    office.engine.refuses = lambda name, _: name == "deploy"
    assert office.publish("deploy", "a").status == "failed"
    assert kinds(inspect(office)) == [("a", Kind.UNPUBLISHED)]
    office.inner.offline("a")
    office.inner.deploy(newer, Marker("a", 2, hashes(newer).content))
    office.inner.online("a")
    office.inner.schedule_online("a")
    (found,) = inspect(office).findings
    assert (found.kind, found.version_no) == (Kind.LATE_WRITE, 2)


# --- together ------------------------------------------------------------------------------------


def test_many_edits_are_each_found_by_the_next_inspection(office: Office, hands: DoubleHands) -> None:
    inspect(office)
    for number in range(size(30, 1000)):
        code = "abc"[number % 3]
        hands.content(code, a_task("load", text=f"echo {number}"))
        assert (code, Kind.CONTENT_CHANGED) in kinds(inspect(office))
    opened = [row["opened_at"] for row in office.rows("inspection_finding")]
    assert len(opened) == 3
    assert max(opened) - min(opened) < timedelta(hours=1)
