"""The cache of instances: one page a project, ten a workflow, honest about its age, and one alert a failure."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.integration.history_support import BASE, NAME, Bureau
from wfgov_dagster.errors import EngineRejected, EngineUnreachable, NotFound
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema.instances import engine_sync, task_instance_cache, workflow_instance_cache
from wfgov_dagster.store.schema.workflow import workflow_operation_log
from wfgov_dagster.usecases.show_history import age, list_history, show_instance
from wfgov_dagster.usecases.sync_history import PAGES, Pages
from wfgov_dagster.usecases.tell_history import to_tell, told

DOWN = EngineUnreachable("no answer, token=hush-hush", where="engine ds")


@pytest.fixture
def bureau(database: Database) -> Bureau:
    return Bureau(database, "a", "b")


def read_once(bureau: Bureau) -> Bureau:
    """The engine was read when it had run one instance."""
    bureau.engine.ran("a", "success", "e-t=success")
    assert bureau.sync().error is None
    return bureau


# --- what is asked -------------------------------------------------------------------------------


def test_140_workflows_are_one_page_and_not_a_call_each(database: Database) -> None:
    codes = [f"w{number:03}" for number in range(140)]
    bureau = Bureau(database, *codes)
    for code in codes:
        bureau.engine.ran(code)
    bureau.sync()
    for code in codes[:60]:
        bureau.engine.ran(code)

    report = bureau.sync()

    assert (report.read, report.changed) == (PAGES.first, 60)
    assert bureau.engine.calls == {"instances": 1, "task_instances": 60}
    assert len(bureau.kept()) == 200
    assert bureau.sync().changed == 0
    assert bureau.engine.calls == {"instances": 1}


def test_at_first_it_is_read_until_each_workflow_has_its_last_ones(bureau: Bureau) -> None:
    for number in range(60):
        bureau.engine.ran("a" if number % 20 else "b")
    bureau.sync(pages=Pages(first=10, most=45))
    assert bureau.engine.calls["instances"] == 3
    assert len(bureau.kept("a")) == 10
    assert list(bureau.kept("b")) == ["41", "21"]


def test_what_ran_while_nobody_looked_is_read_back_to_what_is_known(bureau: Bureau) -> None:
    read_once(bureau)
    for _ in range(30):
        bureau.engine.ran("b")
    bureau.engine.ran("a")
    report = bureau.sync(pages=Pages(first=10, most=1000))
    assert (bureau.engine.calls["instances"], report.read) == (2, 32)
    assert list(bureau.kept("a")) == ["32", "1"]


def test_ten_of_each_workflow_are_kept_with_their_tasks_and_no_more(bureau: Bureau) -> None:
    for number in range(25):
        bureau.engine.ran("a", "success", "e-t=success")
        if number % 5 == 0:
            bureau.sync()
    bureau.engine.ran("b")
    bureau.sync()

    assert list(bureau.kept("a")) == [str(number) for number in range(25, 15, -1)]
    assert list(bureau.kept("b")) == ["26"]
    with bureau.database.read() as conn:
        of_tasks = conn.scalars(sa.select(task_instance_cache.c.instance_id)).all()
    assert sorted(map(int, of_tasks)) == list(range(16, 26))


def test_tasks_that_are_too_many_for_once_are_read_the_next_time(bureau: Bureau) -> None:
    for _ in range(8):
        bureau.engine.ran("a", "success", "e-t=success")
    few = Pages(tasks=3)
    asked = []
    for _ in range(4):
        bureau.sync(pages=few)
        asked.append(bureau.engine.calls["task_instances"])
    assert asked == [3, 3, 2, 0]


# --- what is kept --------------------------------------------------------------------------------


def test_workflow_version_tasks_and_page_are_ours(bureau: Bureau) -> None:
    number = bureau.engine.ran("a", "failed", "e-t=success", "e-u=failed", "strange=skipped")
    other = bureau.engine.ran("a", version=7)
    bureau.engine.ran("stranger")
    report = bureau.sync()

    assert (report.read, report.foreign, report.changed) == (3, 1, 2)
    history, tasks = show_instance(bureau.store, NAME, number)
    (kept,) = history.instances
    assert (kept.instance.workflow_code, kept.instance.version_no, kept.instance.engine_version) == ("a", 1, 1)
    assert [(one.task_code, one.state, one.exit_code) for one in tasks] == [
        ("strange", "skipped", 0), ("t", "success", 0), ("u", "failed", 3),
    ]  # fmt: skip
    assert kept.page == f"{BASE}/ui/projects/77/workflow/instances/{number}?code=e-a"
    assert show_instance(bureau.store, NAME, other)[0].instances[0].instance.version_no is None


def test_a_namesake_of_ours_is_none_of_ours(bureau: Bureau) -> None:
    """On an engine that has codes of its own the code decides."""
    number = bureau.engine.ran("stranger")
    bureau.engine.rows[number] = replace(bureau.engine.rows[number], workflow_code="a")
    assert bureau.sync().foreign == 1
    assert bureau.kept() == {}


def test_what_the_engine_forgets_stays(bureau: Bureau) -> None:
    for _ in range(3):
        bureau.engine.ran("a", "success", "e-t=success")
    bureau.engine.ran("a", "running", "e-t=running")
    bureau.sync()
    bureau.engine.purge()

    assert bureau.sync().error is None

    assert bureau.kept("a") == {"4": "lost", "3": "success", "2": "success", "1": "success"}
    assert [one.state for one in show_instance(bureau.store, NAME, "4")[1]] == ["running"]
    assert bureau.engine.calls == {"instances": 1, "instance": 1}
    bureau.sync()
    assert bureau.engine.calls == {"instances": 1}


def test_a_long_one_that_no_page_shows_any_more_is_seen_to_end(bureau: Bureau) -> None:
    long = bureau.engine.ran("a", "running")
    bureau.sync()
    for _ in range(20):
        bureau.engine.ran("b")
    bureau.engine.ends(long, "failed")

    bureau.sync(pages=Pages(first=15, most=15))

    assert bureau.kept("a") == {long: "failed"}
    assert bureau.engine.calls["instance"] == 1
    assert len(bureau.alerts()) == 1


def test_only_what_changed_is_written(bureau: Bureau) -> None:
    bureau.engine.ran("a")
    running = bureau.engine.ran("b", "running")
    bureau.sync()
    before = changed_at(bureau)
    bureau.engine.ends(running, "success")

    assert bureau.sync().changed == 1

    after = changed_at(bureau)
    assert {key for key in after if after[key] != before[key]} == {running}


def changed_at(bureau: Bureau) -> dict[str, object]:
    query = sa.select(workflow_instance_cache.c.instance_id, workflow_instance_cache.c.changed_at)
    with bureau.database.read() as conn:
        return dict(conn.execute(query).all())


def test_a_look_that_began_earlier_does_not_undo_a_later_one(bureau: Bureau) -> None:
    number = bureau.engine.ran("a", "running")
    seen = list(bureau.engine.rows.values())
    answer = bureau.engine.instances

    def slow(code: str | None, limit: int) -> object:
        bureau.engine.instances = answer  # type: ignore[method-assign]
        bureau.engine.ends(number, "success")
        assert bureau.sync().error is None
        return seen

    bureau.engine.instances = slow  # type: ignore[method-assign, assignment]
    assert "quicker" in str(bureau.sync().error)
    assert bureau.kept() == {number: "success"}


# --- an engine that is down ----------------------------------------------------------------------


def test_while_the_engine_is_down_what_is_kept_answers_and_says_how_old_it_is(bureau: Bureau) -> None:
    read_once(bureau)
    with bureau.database.write() as conn:
        earlier = sa.select(engine_sync.c.read_at)
        moment = conn.scalar(earlier)
        assert moment is not None
        conn.execute(sa.update(engine_sync).values(read_at=moment - timedelta(minutes=42)))
    bureau.engine.down = DOWN

    report = bureau.sync()

    assert "no answer" in str(report.error)
    history = list_history(bureau.store, NAME, None, 10)
    assert [one.instance.instance_id for one in history.instances] == ["1"]
    assert "(42 minutes old); tried at " in history.sentence()
    assert "engine_unreachable: no answer" in history.sentence()
    assert "hush" not in history.sentence()
    bureau.sync()
    assert history_failures(bureau) == 2
    bureau.engine.down = None
    bureau.sync()
    assert history_failures(bureau) == 0
    assert "tried" not in list_history(bureau.store, NAME, None, 10).sentence()


def history_failures(bureau: Bureau) -> int:
    state = list_history(bureau.store, NAME, None, 1).state
    assert state is not None
    return state.failures


def test_an_engine_that_falls_silent_in_the_middle_leaves_the_rest_of_the_tasks_for_later(bureau: Bureau) -> None:
    for _ in range(3):
        bureau.engine.ran("a", "success", "e-t=success")
    answer = bureau.engine.task_instances

    def twice(instance_id: str) -> object:
        if bureau.engine.calls["task_instances"] == 2:
            raise DOWN
        return answer(instance_id)

    bureau.engine.task_instances = twice  # type: ignore[method-assign, assignment]
    report = bureau.sync()
    assert (report.changed, "no answer" in str(report.error)) == (3, True)
    bureau.engine.task_instances = answer  # type: ignore[method-assign]
    assert bureau.sync().error is None
    assert bureau.engine.calls["task_instances"] == 1


def test_an_engine_that_was_never_read_says_so(bureau: Bureau) -> None:
    assert "was never read" in list_history(bureau.store, NAME, None, 10).sentence()
    bureau.engine.down = EngineRejected("401", where="engine ds")
    bureau.sync()
    assert list_history(bureau.store, NAME, None, 10).sentence().endswith("engine_rejected: 401 — engine ds")
    with pytest.raises(NotFound):
        list_history(bureau.store, "nowhere", None, 10)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 minutes"), (119, "1 minute"), (5400, "90 minutes"), (7200, "2 hours"), (172_800, "2 days")],
)
def test_an_age_is_told_in_whole_units(seconds: float, told: str) -> None:
    assert age(seconds) == told


# --- alerts --------------------------------------------------------------------------------------


def test_what_ended_before_the_first_look_raises_no_storm(bureau: Bureau) -> None:
    for _ in range(50):
        bureau.engine.ran("a", "failed")
    bureau.sync()
    bureau.sync()
    assert bureau.alerts() == []


def test_what_had_ended_before_and_is_seen_later_is_no_news_either(bureau: Bureau) -> None:
    old = bureau.engine.ran("b", "failed")
    for _ in range(10):
        bureau.engine.ran("a")
    bureau.sync(pages=Pages(first=10, most=10))
    assert bureau.kept("b") == {}
    bureau.sync()
    assert (bureau.kept("b"), bureau.alerts()) == ({old: "failed"}, [])


def test_one_that_fails_is_told_once_with_task_version_and_links(bureau: Bureau) -> None:
    read_once(bureau)
    number = bureau.engine.ran("b", "failed", "e-t=success", "e-u=failed")
    reports = [bureau.sync(), bureau.sync()]

    assert [one.alerts for one in reports] == [1, 0]
    (row,) = bureau.alerts()
    alert = row.alert
    assert (alert.kind, alert.workflow_code, alert.version_no, alert.task_code, alert.engine, row.count) == (
        "instance_failed", "b", 1, "u", NAME, 1,
    )  # fmt: skip
    assert alert.message == f"instance {number} of workflow b on engine ds failed (exit code 3): task u failed"
    assert alert.links == {
        "look": f"wfgov instance show {number} --engine ds",
        "log": f"wfgov instance log {number} u --engine ds",
        "engine": f"{BASE}/ui/projects/77/workflow/instances/{number}?code=e-b",
    }


def test_one_that_was_running_and_fails_is_told_and_again_when_it_is_run_again(bureau: Bureau) -> None:
    number = bureau.engine.ran("a", "running")
    bureau.sync()
    bureau.engine.ends(number, "failed")
    bureau.sync()
    bureau.engine.ends(number, "running", run=2)
    bureau.sync()
    bureau.engine.ends(number, "failed", run=2)
    bureau.sync()
    bureau.sync()
    (row,) = bureau.alerts()
    assert (row.alert.dedupe_key, row.count) == (f"instance:ds/{number}:failed", 2)


def test_a_failure_whose_tasks_cannot_be_read_is_told_all_the_same(bureau: Bureau) -> None:
    read_once(bureau)
    number = bureau.engine.ran("a", "failed")
    del bureau.engine.of_tasks[number]
    answer = bureau.engine.task_instances

    def no(instance_id: str) -> object:
        raise EngineRejected("50001 no such instance")

    bureau.engine.task_instances = no  # type: ignore[method-assign, assignment]
    bureau.sync()
    bureau.engine.task_instances = answer  # type: ignore[method-assign]
    assert [row.alert.task_code for row in bureau.alerts()] == [None]
    assert bureau.sync().changed == 0


# --- who asked, and what Dagster is told ---------------------------------------------------------


def test_a_person_who_asks_is_in_the_audit_the_system_is_not(bureau: Bureau) -> None:
    bureau.sync()
    bureau.sync("ann")
    bureau.engine.down = DOWN
    bureau.sync("bob")
    log = workflow_operation_log.c
    with bureau.database.read() as conn:
        rows = conn.execute(sa.select(log.actor, log.action, log.object_code).order_by(log.id)).all()
    assert [tuple(row) for row in rows] == [("ann", "sync_history", NAME), ("bob", "sync_history", NAME)]


def test_dagster_is_told_of_each_instance_once_it_has_ended(bureau: Bureau) -> None:
    for _ in range(3):
        bureau.engine.ran("a", "success", "e-t=success")
    running = bureau.engine.ran("a", "running", "e-t=success")
    bureau.sync()
    assert tell(bureau) == ["3"]  # how the tables stand now; what is older is history

    bureau.engine.ran("b", "failed", "e-t=success", "e-u=failed")
    bureau.engine.ends(running, "success")
    bureau.sync()
    assert [one.ran.task_codes for one in to_tell(bureau.store)] == [["t"], ["t"]]
    assert tell(bureau) == [running, "5"]
    assert tell(bureau) == []

    bureau.engine.ends(running, "success", run=2)
    bureau.sync()
    assert tell(bureau) == [running]


def tell(bureau: Bureau) -> list[str]:
    wrote = to_tell(bureau.store)
    for one in wrote:
        told(bureau.store, one)
    return [one.ran.cached.instance.instance_id for one in wrote]


def test_engines_over_a_network_are_due_when_nobody_asked_for_a_while(bureau: Bureau) -> None:
    with bureau.store.write() as work:
        work.publishing.add_engine("embedded", "embedded")
        assert work.instances.due("embedded", 60) == [NAME]
    bureau.sync()
    with bureau.store.read() as work:
        assert work.instances.due("embedded", 60) == []
        assert work.instances.due("embedded", 0) == [NAME]
