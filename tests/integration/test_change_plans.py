"""A plan is applied exactly, or refused with everything that moved since: on both databases, as a file and without."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.change_set_support import Sets
from tests.integration.publish_support import MORNING, Office, a_definition
from wfgov_dagster.cli.member_file import read_codes
from wfgov_dagster.domain.change_plan import ABSENT, ChangePlan, PlannedMember, document, parse
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.errors import ChangeSetRefused, Conflict, InvalidInput, PlanMoved
from wfgov_dagster.ports.engine import Marker
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.change_set import Wanted, make
from wfgov_dagster.usecases.plan_change_set import as_wanted, check_unmoved, plan_change_set


@pytest.fixture
def sets(database: Database) -> Sets:
    sets = Sets(Office(database))
    sets.estate("abc")
    return sets


@pytest.fixture
def small(sqlite_url: str) -> Iterator[Sets]:
    database = Database(sqlite_url)
    sets = Sets(Office(database))
    sets.estate("abc")
    yield sets
    database.dispose()


def plan_of(sets: Sets, codes: str = "abc", operation: Operation = Operation.DEPLOY) -> ChangePlan:
    return plan_change_set(sets.office.publisher(), Wanted(operation, "embedded", list(codes)))


def written(sets: Sets) -> dict[str, object]:
    tables = ("workflow_publish_record", "change_set", "flow", "workflow_operation_log")
    return {table: sets.office.rows(table) for table in tables}


def test_a_plan_says_the_steps_wave_by_wave_and_writes_nothing(sets: Sets) -> None:
    before = written(sets)
    plan = plan_of(sets)
    assert [[one.workflow_code for one in wave] for wave in plan.waves] == [["a"], ["b"], ["c"]]
    steps = [row["step"] for row in plan.waves[0][0].steps]
    assert steps == ["take_offline", "deploy", "bring_online", "put_schedule", "schedule_online"]
    assert plan.waves[0][0].version_no == 2
    assert (written(sets), sets.office.engine.writes) == (before, [])


def test_what_is_applied_is_what_was_planned(sets: Sets) -> None:
    plan, plan_hash = parse(json.loads(json.dumps(document(plan_of(sets)))))
    check_unmoved(sets.office.publisher(), plan)
    with sets.office.store.write() as work:
        change_set_id = make(work, "ann", as_wanted(plan, plan_hash, Wanted(plan.operation, plan.engine, ())))
    sets.drive(change_set_id)
    shown = sets.show(change_set_id)
    assert (shown.change_set.state, sets.texts("abc")) == ("success", "NNN")
    for planned, member in zip(plan.members, shown.members, strict=True):
        assert sets.office.steps(member.record_id or 0) == [(row["step"], "ok") for row in planned.steps]
    (told,) = (row for row in sets.office.rows("workflow_operation_log") if row["action"] == "publish_change_set")
    assert plan_hash in told["detail"]


def save_another_version(sets: Sets) -> None:
    sets.office.save(a_definition("b", "echo newest", MORNING))


def archive_it(sets: Sets) -> None:
    with sets.office.database.write() as conn:
        conn.exec_driver_sql("UPDATE data_workflow SET status = 'archived' WHERE workflow_code = 'b'")


def take_it_offline_by_hand(sets: Sets) -> None:
    sets.office.inner.offline("b")


def change_its_schedule_by_hand(sets: Sets) -> None:
    sets.office.inner.put_schedule("b", MORNING)


def edit_it_by_hand(sets: Sets) -> None:
    sets.office.inner.offline("b")
    sets.office.inner.deploy(a_definition("b", "echo by hand", None), Marker("b", 9, "w1:by-hand"))


def remove_it_by_hand(sets: Sets) -> None:
    sets.office.remove_from_engine("b")


def publish_it(sets: Sets) -> None:
    sets.office.publish("deploy", "b")


@pytest.mark.parametrize(
    ("move", "said"),
    [
        (save_another_version, "the platform moved from V2 to V3"),
        (archive_it, "it is archived"),
        (take_it_offline_by_hand, "the engine holds something else"),
        (change_its_schedule_by_hand, "the engine holds something else"),
        (edit_it_by_hand, "somebody changed its definition on the engine"),
        (remove_it_by_hand, "the engine holds something else"),
        (publish_it, "the engine holds something else"),
    ],
)
def test_a_plan_is_refused_after_each_kind_of_move(small: Sets, move: Callable[[Sets], None], said: str) -> None:
    plan = plan_of(small)
    move(small)
    before = written(small)
    small.office.engine.writes.clear()
    with pytest.raises(PlanMoved) as refusal:
        check_unmoved(small.office.publisher(), plan)
    assert list(refusal.value.members) == ["b"]
    assert said in refusal.value.members["b"]
    assert (written(small), small.office.engine.writes) == (before, [])
    check_unmoved(small.office.publisher(), plan_of(small, "ac"))


def test_a_plan_is_refused_with_everything_that_moved(small: Sets) -> None:
    plan = plan_of(small)
    small.office.inner.offline("a")
    save_another_version(small)
    with small.office.database.write() as conn:
        conn.exec_driver_sql("UPDATE data_workflow SET status = 'archived' WHERE workflow_code = 'c'")
    with pytest.raises(PlanMoved) as refusal:
        check_unmoved(small.office.publisher(), plan)
    assert list(refusal.value.members) == ["a", "b", "c"]


def test_a_plan_is_refused_when_its_waves_are_others_now(small: Sets) -> None:
    plan = plan_of(small)
    with small.office.database.write() as conn:
        conn.exec_driver_sql("UPDATE cross_workflow_dependency SET state = 'rejected'")
    with pytest.raises(PlanMoved, match="b: its wave is 1, not 2"):
        check_unmoved(small.office.publisher(), plan)
    wanted = as_wanted(plan, "hash", Wanted(plan.operation, plan.engine, ()))
    with small.office.store.write() as work, pytest.raises(Conflict, match="its waves are others now"):
        make(work, "ann", wanted)


def test_a_version_that_came_after_the_check_is_refused_by_the_same_transaction_that_makes_the_set(sets: Sets) -> None:
    plan = plan_of(sets)
    check_unmoved(sets.office.publisher(), plan)
    save_another_version(sets)
    with sets.office.store.write() as work, pytest.raises(ChangeSetRefused, match="deploy is about V3, not about V2"):
        make(work, "ann", as_wanted(plan, "hash", Wanted(plan.operation, plan.engine, ())))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda told: told | {"engine": "other"}, "it was changed after it was written"),
        (lambda told: told | {"waves": told["waves"][:2]}, "it was changed after it was written"),
        (lambda told: told | {"hash": "w1:0"}, "it was changed after it was written"),
        (lambda told: told | {"rate": 1.5}, "it was changed after it was written"),
        (lambda told: told | {"format": "wfgov-plan-9"}, "it is no plan of format wfgov-plan-1"),
        (lambda told: [told], "it is no plan of format wfgov-plan-1"),
    ],
)
def test_a_plan_that_was_edited_is_refused(edit: Callable[[dict[str, object]], object], said: str) -> None:
    members = [[PlannedMember(code, 1, "w1:0", ABSENT, [{"no": 1, "text": "do it"}], "")] for code in "abc"]
    told = document(ChangePlan("embedded", Operation.DEPLOY, members))
    assert document(parse(told)[0]) == told
    with pytest.raises(InvalidInput, match=said):
        parse(edit(told))


# --- the file that lists members -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "codes"),
    [
        ("a.yaml", "- a\n- 每日/load\n- '007'\n- 008\n", ["a", "每日/load", "007", "008"]),
        ("a.yml", "[a, b]", ["a", "b"]),
        ("a.txt", "# said\n- a\n", ["a"]),
        ("a.json", '["a", "\\u6bcf"]', ["a", "每"]),
        ("a.yaml", "\ufeff- a\n", ["a"]),
    ],
)
def test_a_file_lists_workflows(tmp_path: Path, name: str, text: str, codes: list[str]) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_codes(tmp_path / name) == codes


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "", "it lists no workflow"),
        ("a.yaml", "[]", "it lists no workflow"),
        ("a.yaml", "- a\n- [b]\n", "no workflow code in a plain list — .*:2"),
        ("a.yaml", "workflows: [a]\n", "no workflow code in a plain list — .*:1"),
        ("a.yaml", "- &x a\n- *x\n", "no workflow code in a plain list — .*:1"),
        ("a.yaml", "- a\n---\n- b\n", "no workflow code in a plain list — .*:3"),
        ("a.yaml", "- \n", "no workflow code in a plain list"),
        ("a.yaml", "- 'a\n", "it is no YAML"),
        ("a.yaml", "- a\x01\n", "it is no YAML"),
        ("a.yaml", "[" * 100_000, "no workflow code in a plain list"),
        ("a.json", "{}", "it is no list"),
        ("a.json", "[1]", "entry 1 is no workflow code"),
        ("a.json", "[" * 100_000, "it is no JSON"),
        ("a.yaml", "- a\n" * 10_001, "it lists more than 10000 workflows"),
        ("a.yaml", "#" * 1_000_001, "it has more than 1000000 bytes"),
    ],
)
def test_a_file_that_is_no_such_list_is_refused_with_the_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput) as refusal:
        read_codes(tmp_path / name)
    assert re.search(said, refusal.value.sentence())


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"- \xe9\n")
    for name in ("latin", "none"):
        with pytest.raises(InvalidInput, match="it cannot be read"):
            read_codes(tmp_path / name)
