"""At least forty edits of one workflow, on the way that production takes: every number is the one in the table."""

from tests.integration.version_series import CODE, STEPS, Series, Step
from tests.support.size import size
from wfgov_dagster.domain import snapshot
from wfgov_dagster.store.db import Database


def test_every_edit_leads_to_the_numbers_in_the_table(database: Database) -> None:
    assert len({step.what for step in STEPS}) == len(STEPS) >= 40
    series = Series(database)
    first: dict[int, Step] = {}  # what made each version
    for step in STEPS if database.is_sqlite else STEPS[: size(20, None)]:
        series.make(step.edit)
        first.setdefault(step.version, step)
        found = (series.version(), series.tasks(step.version), series.edges(step.version), series.current_edges())
        assert found == (step.version, step.tasks, step.pairs(), step.pairs()), step.what
    assert sorted(first) == list(range(1, max(first) + 1))
    hashes = dict(series.all("SELECT version_no, content_hash FROM workflow_version AS v JOIN data_workflow AS w "
                             "ON w.id = v.workflow_id WHERE workflow_code = :w", w=CODE))  # fmt: skip
    for number, step in first.items():  # what came later has changed nothing of it
        assert (series.tasks(number), series.edges(number)) == (step.tasks, step.pairs()), step.what
        with series.store.read() as work:
            rebuilt = work.versions.definition(CODE, number)
        assert snapshot.digest(snapshot.document(rebuilt)) == hashes[number]


def test_a_task_that_goes_elsewhere_keeps_its_version_there(database: Database) -> None:
    """It is the same definition, whichever workflow it is in; both workflows get a version."""
    series = Series(database)
    by_name = {step.what: step.edit for step in STEPS}
    for what in ("it is made", "a task more", "kind of a task", "a task goes elsewhere"):
        series.make(by_name[what])
    assert (series.version(), series.tasks(4)) == (4, "a1 b1 c1")
    assert series.tasks(2, "v") == "d2 x1"
