"""Old versions on engines: what they forget, and that a refusal or an engine that is down stops nothing."""

from collections.abc import Iterator

import pytest

from tests.integration.publish_support import DATABASES
from tests.integration.retention_support import Archive
from wfgov_dagster.domain.retention import RuleChange
from wfgov_dagster.errors import EngineRejected, EngineUnreachable
from wfgov_dagster.ports.engine import Engine
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.plan_clean_up import Scope

ENGINES = Scope(engine_versions=True)


@pytest.fixture(params=DATABASES)
def archive(request: pytest.FixtureRequest) -> Iterator[Archive]:
    """Five versions of w and two of v were deployed one after the other."""
    database = Database(request.getfixturevalue(request.param))
    archive = Archive(database)
    for code, count in (("w", 5), ("v", 2)):
        for at in range(count):
            archive.save(code, f"echo {at}")
            archive.publish("deploy", code)
    archive.age()
    archive.execute("UPDATE embedded_workflow_version SET created_at = '2020-01-01 00:00:00.000000'")
    archive.rule(RuleChange(keep_last=2, keep_days=30))
    yield archive
    database.dispose()


def on_engine(archive: Archive, code: str = "w") -> list[int]:
    return sorted(one.version for one in archive.office.inner.versions(code))


def test_old_versions_go_and_the_last_ones_stay(archive: Archive) -> None:
    planned = [(one.workflow_code, list(one.removed), one.kept) for one in archive.plan(ENGINES).engines]
    assert planned == [("v", [], 2), ("w", [1, 2, 3], 2)]
    assert on_engine(archive) == [1, 2, 3, 4, 5]
    found = archive.clean_up(ENGINES)
    assert (on_engine(archive), on_engine(archive, "v")) == ([4, 5], [1, 2])
    assert [(one.workflow_code, one.engine_version, one.outcome) for one in found.engines] == [
        ("w", 1, "removed"), ("w", 2, "removed"), ("w", 3, "removed")]  # fmt: skip
    assert archive.there() == [1, 2, 3, 4, 5], "they were published: only the engine forgets them"
    audit = [row["detail"] for row in archive.rows("workflow_operation_log") if row["action"] == "clean_up"]
    assert '"engine":"embedded","engine_versions":[1,2,3]' in audit[-1]


def test_unasked_no_engine_is_touched(archive: Archive) -> None:
    archive.clean_up()
    assert on_engine(archive) == [1, 2, 3, 4, 5]


class Refusing:
    """In front of an engine: what it answers to being asked to forget a version."""

    def __init__(self, inner: Engine, says: dict[int, Exception]) -> None:
        self.inner, self.says = inner, says
        self.asked: list[int] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def delete_version(self, workflow_code: str, version: int) -> None:
        self.asked.append(version)
        if version in self.says:
            raise self.says[version]
        self.inner.delete_version(workflow_code, version)


def test_a_refusal_is_told_and_the_others_go(archive: Archive) -> None:
    refusal = EngineRejected("an instance is running it", where="engine embedded")
    archive.office.engine = Refusing(archive.office.inner, {2: refusal})  # type: ignore[assignment]
    found = archive.clean_up(ENGINES)
    assert on_engine(archive) == [2, 4, 5]
    assert [(one.engine_version, one.outcome, one.message) for one in found.engines] == [
        (1, "removed", None), (2, "refused", refusal.sentence()), (3, "removed", None)]  # fmt: skip


def test_an_engine_that_does_not_answer_is_not_asked_on(archive: Archive) -> None:
    gone = EngineUnreachable("no answer", where="engine embedded")
    archive.office.engine = engine = Refusing(archive.office.inner, {2: gone})  # type: ignore[assignment]
    found = archive.clean_up(ENGINES)
    assert engine.asked == [1, 2]
    assert [(one.engine_version, one.outcome) for one in found.engines] == [(1, "removed"), (2, "unknown")]


def test_an_engine_that_is_down_keeps_nobody_from_cleaning_up(archive: Archive) -> None:
    archive.office.engine.down = EngineUnreachable("no answer", where="engine embedded")
    archive.rule(RuleChange(keep_published=False))
    assert {one.error for one in archive.plan(ENGINES).engines} == {"engine_unreachable: no answer — engine embedded"}
    found = archive.clean_up(ENGINES)
    assert archive.there() == [4, 5]
    assert [(one.workflow_code, one.engine_version, one.outcome) for one in found.engines] == [
        ("v", 0, "unknown"), ("w", 0, "unknown")]  # fmt: skip


def test_a_workflow_that_is_being_published_is_left_out(archive: Archive) -> None:
    archive.office.ask("online")
    found = archive.clean_up(ENGINES)
    assert on_engine(archive) == [1, 2, 3, 4, 5]
    assert [(one.outcome, one.message) for one in found.engines] == [("refused", "left out: it is being published")]


def test_what_has_answered_is_not_asked_again_after_a_death(archive: Archive) -> None:
    class Died(BaseException):
        pass

    engine = Refusing(archive.office.inner, {2: Died()})  # type: ignore[dict-item]
    archive.office.engine = engine  # type: ignore[assignment]
    flow_id = archive.begin(ENGINES)
    with pytest.raises(Died):
        archive.drive(flow_id)
    engine.says.clear()
    assert archive.drive(flow_id).state == "Finished"
    assert engine.asked == [1, 2, 2, 3]
    assert on_engine(archive) == [4, 5]
