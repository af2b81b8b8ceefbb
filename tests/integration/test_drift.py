"""Whatever somebody changes on an engine behind our back is found, and called by its name."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.doubles.dolphin_manners import DolphinManners
from tests.doubles.engine import FaultyEngine
from tests.integration.drift_support import OLD, STRANGER, WAYS, DoubleHands, EmbeddedHands, Hands, a_workflow
from tests.integration.publish_support import Office
from tests.support.postgres import Cluster
from wfgov_dagster.domain.drift import Kind, Severity
from wfgov_dagster.ports.engine import Head, Observed
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.inspect_drift import Found, Inspection, Scope, inspect_drift

EVERYTHING = Scope(None)


def inspect(office: Office, scope: Scope = EVERYTHING) -> Inspection:
    return inspect_drift(office.publisher(), "ann", scope)


def publish(office: Office, code: str, *, twice: bool = False) -> None:
    """It is online and fires every night; `twice`: as V2."""
    if twice:
        office.save(a_workflow(code, OLD))
        office.publish("deploy", code)
    office.save(a_workflow(code))
    office.publish("deploy", code)
    office.publish("online", code)


@dataclass(frozen=True)
class Spoilt:
    """Each way one workflow, which has the way's name."""

    office: Office
    named: bool
    before: Inspection
    after: Inspection
    held: dict[str, tuple[Head, Observed | None]]

    def found(self, code: str) -> list[Found]:
        return [one for one in self.after.findings if one.workflow_code == code]


@pytest.fixture(
    scope="module",
    params=["embedded", pytest.param("embedded, postgresql", marks=pytest.mark.postgresql), "double"],
)
def spoilt(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spoilt]:
    if "postgresql" in request.param:
        cluster: Cluster = request.getfixturevalue("postgres_cluster")
        url = cluster.url(cluster.create())
    else:
        template: Path = request.getfixturevalue("sqlite_template")
        url = f"sqlite:///{shutil.copy(template, tmp_path_factory.mktemp('sqlite') / 'wfgov.db')}"
    database = Database(url)
    office = Office(database)
    hands: Hands = EmbeddedHands(database)
    named = request.param == "double"
    if named:
        double = DolphinManners()
        office.inner, office.engine, hands = double, FaultyEngine(double), DoubleHands(double)
    ways = {code: way for code, way in WAYS.items() if named or not way.named}
    for code, way in ways.items():
        if way.deployed:
            publish(office, code, twice=Kind.VERSION_SWITCHED in way.called)
        else:
            office.save(a_workflow(code))
    before = inspect(office)
    for code, way in ways.items():
        way.act(hands, code)
    hands.draw(a_workflow(STRANGER))
    office.engine.writes.clear()
    held = {code: (head, office.inner.observe(code)) for code, head in office.inner.heads().items()}
    yield Spoilt(office, named, before, inspect(office), held)
    database.dispose()


# --- ways ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", WAYS)
def test_each_way_is_called_by_its_name(spoilt: Spoilt, code: str) -> None:
    way = WAYS[code]
    if way.named and not spoilt.named:
        assert spoilt.found(code) == [], "it knows nothing but names"
        return
    found = {one.kind: {field.field for field in one.differences} for one in spoilt.found(code)}
    assert found == {kind: {name.replace("{}", code) for name in names} for kind, names in way.called.items()}


def test_nothing_was_found_before(spoilt: Spoilt) -> None:
    assert (spoilt.before.findings, spoilt.before.unseen) == ((), ())
    assert not spoilt.before.differs


def test_what_is_nobodys_is_told_and_no_difference(spoilt: Spoilt) -> None:
    (found,) = spoilt.found(STRANGER)
    assert (found.kind, found.severity) == (Kind.UNMANAGED, Severity.INFO)


def test_no_inspection_writes_to_the_engine(spoilt: Spoilt) -> None:
    inspect(spoilt.office)
    inner = spoilt.office.inner
    assert spoilt.office.engine.writes == []
    assert {code: (head, inner.observe(code)) for code, head in inner.heads().items()} == spoilt.held


def test_each_field_has_its_three_values(spoilt: Spoilt) -> None:
    values = {
        (one.workflow_code, field.field): (field.confirmed, field.current, field.engine)
        for one in spoilt.after.findings
        for field in one.differences
    }
    assert values["text", "text of task text.extract"] == ("echo new", "echo new", "echo theirs")
    assert values["cron", "cron"] == ("30 2 * * *", "30 2 * * *", "15 4 * * *")
    assert values["edge_added", "edge edge_added.load → edge_added.check"] == (False, False, True)
    assert values["offline", "online"] == (True, True, False)
    _, current, engine = values["not_ours", "text of task not_ours.extract"]
    assert (current, engine) == ("echo new", "echo theirs")


def test_it_says_which_version_it_was_switched_back_to(spoilt: Spoilt) -> None:
    assert [one.version_no for one in spoilt.found("switched") if one.kind is Kind.VERSION_SWITCHED] == [1]


def test_a_description_alone_is_no_error(spoilt: Spoilt) -> None:
    assert [one.severity for one in spoilt.found("description")] == [Severity.WARNING]
    assert [one.severity for one in spoilt.found("text")] == [Severity.ERROR]


def test_only_what_moved_is_looked_at(spoilt: Spoilt) -> None:
    office = spoilt.office
    office.engine.reads.clear()
    inspect(office)
    assert "observe untouched" not in office.engine.reads
    assert "observe text" in office.engine.reads
    assert office.engine.reads.count("heads") == 1


def test_findings_keep_their_age_from_one_inspection_to_the_next(spoilt: Spoilt) -> None:
    again = inspect(spoilt.office)
    assert {(one.workflow_code, one.kind, one.since) for one in again.findings} == {
        (one.workflow_code, one.kind, one.since) for one in spoilt.after.findings
    }
    assert all(one.since is not None for one in again.findings)
    rows = [row for row in spoilt.office.rows("inspection_finding") if row["closed_at"] is None]
    assert len(rows) == len(again.findings)


def test_every_inspection_is_in_the_audit(spoilt: Spoilt) -> None:
    rows = [row for row in spoilt.office.rows("workflow_operation_log") if row["action"] == "inspect_drift"]
    assert {(row["actor"], row["object_type"], row["object_code"]) for row in rows} == {("ann", "engine", "embedded")}
    before = len(rows)
    inspect(spoilt.office)
    after = [row for row in spoilt.office.rows("workflow_operation_log") if row["action"] == "inspect_drift"]
    assert len(after) == before + 1
