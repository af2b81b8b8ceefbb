"""The derivation while somebody else edits or derives."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.edited_estate import Estate
from wfgov_dagster.errors import DatabaseBusy
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.derivation import SqlDerivation
from wfgov_dagster.store.lineage import SqlLineage
from wfgov_dagster.store.workflows import SqlWorkflows
from wfgov_dagster.usecases.derive_dependencies import derive_dependencies


@pytest.fixture
def other(database_url: str) -> Iterator[Estate]:
    """Somebody else, with connections of their own."""
    database = Database(database_url, busy_timeout_seconds=0.2)
    yield Estate(database)
    database.dispose()


def between(monkeypatch: pytest.MonkeyPatch, repository: type, method: str, act: Callable[[], None]) -> None:
    """Do `act` once, right after the first call of `method`."""
    original, waiting = getattr(repository, method), [act]

    def wrapped(*arguments: Any, **named: Any) -> Any:
        found = original(*arguments, **named)
        if waiting:
            waiting.pop()()
        return found

    monkeypatch.setattr(repository, method, wrapped)


@pytest.mark.parametrize("after", ["reads", "active_tasks", "names"])
@pytest.mark.parametrize("edit", ["DELETE FROM data_task WHERE id = 1", "UPDATE data_task SET deleted = 0"])
def test_an_edit_in_the_middle_of_a_step_is_left_for_the_next(
    estate: Estate, other: Estate, monkeypatch: pytest.MonkeyPatch, after: str, edit: str
) -> None:
    """PostgreSQL lets it through, so the step must not see half of it; SQLite makes it wait."""

    for number in range(1, 5):
        estate.task(number, "w", reads=(number - 1,))
    estate.run("UPDATE data_task SET deleted = 1 WHERE id = 3")
    left = []

    def act() -> None:
        try:
            other.run(edit)
        except DatabaseBusy:
            left.append(edit)

    with monkeypatch.context() as patch:
        between(patch, SqlLineage, after, act)
        derive_dependencies(estate.store, "system")
    for statement in left:
        estate.run(statement)
    estate.orchestrate()
    expected = {(3, 2), (4, 3)} if edit.startswith("DELETE") else {(2, 1), (3, 2), (4, 3)}
    if edit.startswith("DELETE"):
        expected = set()  # 3 is still deleted, and 1 is gone
    assert set(estate.all("SELECT task_id, upstream_task_id FROM task_dependency_view")) == expected
    assert estate.orchestrate(full=True).dependencies.added == 0
    levels = dict(estate.all("SELECT task_id, level FROM task_topology"))
    assert levels == ({2: 0, 4: 0} if edit.startswith("DELETE") else {1: 0, 2: 1, 3: 2, 4: 3})


def test_what_a_person_puts_online_while_definitions_are_written_stays_online(
    estate: Estate, other: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:

    estate.task(1, "w")
    estate.orchestrate()
    estate.run("UPDATE data_task SET task_name = 'new'")
    online = "UPDATE data_workflow SET status = 'online'"
    left = []

    def act() -> None:
        try:
            other.run(online)
        except DatabaseBusy:
            left.append(online)

    with monkeypatch.context() as patch:
        between(patch, SqlWorkflows, "members", act)
        estate.orchestrate()  # PostgreSQL sees that somebody else wrote the row, and the step starts again
    for statement in left:
        estate.run(statement)
    estate.orchestrate()
    assert estate.workflow("w")["status"] == "online"
    assert estate.content("w")["tasks"][0]["name"] == "new"


def test_two_derivers_take_each_change_once(estate: Estate, other: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second waits until the first is done and then sees what it did."""
    patient = Estate(Database(str(other.database.url.render_as_string(hide_password=False))))
    estate.task(1, "w")
    estate.task(2, "w", reads=(1,))
    with ThreadPoolExecutor(1) as pool, monkeypatch.context() as patch:
        started = []
        between(patch, SqlDerivation, "take_changes", lambda: started.append(pool.submit(patient.orchestrate)))
        derive_dependencies(estate.store, "system")
        report = started[0].result(timeout=60)
    patient.database.dispose()
    assert report.dependencies.changes == 0
    assert [(one.tasks, one.edges) for one in report.versions] == [(2, 1)]
    assert estate.all("SELECT changes FROM derivation_batch") == [(len(estate.all("SELECT * FROM metadata_change")),)]
