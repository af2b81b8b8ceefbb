"""`wfgov rollback`: back to what was there, tasks and engine included, and what it leaves alone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from pydantic import SecretStr

from tests.integration.cli_support import FINANCE, LINEAGE, SALES, TASKS
from tests.integration.pinned_support import EDGE_BACK, EDGE_GONE, WITHOUT_EDGE, Yard, more
from wfgov_dagster.errors import Conflict
from wfgov_dagster.ports.store import Store
from wfgov_dagster.settings import Settings
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases.drive_publish import drive_publish
from wfgov_dagster.usecases.publisher import Done
from wfgov_dagster.usecases.rollback import RolledBack, Wanted, rollback
from wfgov_dagster.wiring import Platform

WHY = ("--reason", "numbers are wrong")
MOVED = [[*row[:6], FINANCE, *row[7:]] if row[0] == "clean_orders" else row for row in TASKS]


@pytest.fixture
def yard(new_database: Callable[[], str], tmp_path: Path) -> Yard:
    """V1 of both workflows is on the embedded engine."""
    yard = Yard(new_database(), tmp_path)
    yard.derive()
    for code in (SALES, FINANCE):
        yard.cli.ok("publish", code, "--operation", "deploy")
    return yard


def platform(yard: Yard) -> Platform:
    return Platform(Settings(home=yard.cli.home, database_url=SecretStr(yard.cli.url), actor="tester"))


def on_engine(yard: Yard, code: str = SALES) -> tuple[Any, Any]:
    """Tasks and edges that the engine shows."""
    with closing(platform(yard)) as opened:
        seen = opened.engine("embedded", "tester").observe(code)
    assert seen is not None
    return seen.definition.tasks, seen.definition.edges


def of_version(yard: Yard, number: int, code: str = SALES) -> tuple[Any, Any]:
    with closing(platform(yard)) as opened, opened.store.read() as work:
        definition = work.versions.definition(code, number)
    return definition.tasks, definition.edges


def test_a_deleted_task_comes_back_to_the_workflow_and_the_engine_not_to_the_metadata(yard: Yard) -> None:
    yard.derive(TASKS[1:])
    yard.cli.ok("publish", SALES, "--operation", "deploy")
    assert yard.refused("rollback", SALES, *WHY).startswith("conflict: nothing to go back to: V2 is both current and")
    yard.sql("DELETE FROM workflow_task_relation WHERE task_id IN (SELECT id FROM data_task WHERE deleted = 1)")
    plan = yard.cli.json("rollback", SALES, "--to", "1", "--dry-run")
    assert (plan["restored"], plan["refusals"], plan["lineage"]["missing"]) == (["load_orders"], [], [])
    assert plan["lineage"]["gone"] == [["load_orders", "clean_orders"]]
    done = yard.cli.json("rollback", SALES, "--to", "V1", *WHY)
    assert (done["version"]["version_no"], done["rollback_of"], done["restored"]) == (3, 1, ["load_orders"])
    assert (done["publish"]["status"], done["publish"]["version_no"]) == ("success", 3)
    assert done["version"]["change_summary"].startswith("rollback to V1: +edge load_orders → clean_orders; +task")
    hashes = yard.hashes()
    assert (hashes[2], on_engine(yard)) == (hashes[0], of_version(yard, 1))
    assert yard.sql("SELECT deleted FROM data_task WHERE task_code = 'load_orders'")[0][0] == 1
    held = (
        "SELECT w.workflow_code FROM data_task t JOIN workflow_task_relation r ON r.task_id = t.id JOIN data_workflow w"
    )
    assert yard.sql(f"{held} ON w.id = r.workflow_id WHERE t.task_code = 'load_orders'")[0][0] == SALES
    assert [one["workflow_code"] for one in done["candidates"]] == [SALES]
    report = yard.derive(TASKS[1:], LINEAGE, "--full")
    assert (report["versions"], len(yard.waiting()), len(yard.hashes())) == ([], 1, 3)
    shown = yard.cli.json("workflow", "show", SALES)
    assert (shown["pinned_reason"], shown["pinned_by"]) == ("numbers are wrong", "tester")
    yard.cli.ok("rollback", SALES, "--to", "2", *WHY)
    hashes = yard.hashes()
    assert (hashes[3], on_engine(yard), yard.waiting()) == (hashes[1], of_version(yard, 2), [])
    assert yard.audit("rollback") == [("rollback", SALES, "refused"), *[("rollback", SALES, "done")] * 2]


def test_after_it_a_lineage_change_makes_a_candidate_that_unpin_applies(yard: Yard) -> None:
    yard.derive(TASKS, WITHOUT_EDGE)
    assert yard.cli.json("rollback", SALES, *WHY)["version"]["version_no"] == 3
    assert yard.refused("rollback", SALES, "--to", "1", *WHY).startswith(
        "conflict: V3 is current and has the content of"
    )
    assert yard.refused("rollback", SALES, "--to", "2", *WHY).startswith("conflict: V2 was never published")
    yard.derive(more(), WITHOUT_EDGE)
    ((code, summary),) = yard.waiting()
    assert (code, summary.startswith(EDGE_GONE), len(yard.hashes())) == (SALES, True, 3)
    made = yard.cli.json("unpin", SALES)["version"]
    assert (made["version_no"], made["change_summary"]) == (4, summary)
    done = yard.cli.json("rollback", SALES, "--to", "2", "--unpublished", "--no-publish", *WHY)
    assert (done["version"]["version_no"], done["record_id"], done["publish"]) == (5, None, None)
    assert "V2 was never published" in done["warnings"]
    assert on_engine(yard) == of_version(yard, 1)
    found = yard.cli.json("rollback", SALES, "--to", "1", "--dry-run")
    assert (found["diff"]["edges_added"], len(yard.hashes())) == ([["load_orders", "clean_orders"]], 5)
    assert EDGE_BACK.split(" (", maxsplit=1)[0] in yard.cli.ok("rollback", SALES, "--to", "1", "--dry-run")
    for words, told in (
        ((SALES, "--to", "1", "--reason", " "), "invalid: why?"),
        ((SALES, "--to", "9", *WHY), "not_found: no version V9 is kept"),
        (("nobody", *WHY), "not_found: no workflow 'nobody'"),
        ((SALES, "--to", "1", "--until", "2020-01-01", *WHY), "invalid: that time is over"),
        ((SALES, "--to", "1", "--engine", "mars", *WHY), "not_found: no engine 'mars'"),
    ):
        assert yard.refused("rollback", *words).startswith(told)
    assert len(yard.hashes()) == 5


def test_a_task_that_has_moved_is_taken_back_only_if_that_is_said(yard: Yard) -> None:
    yard.derive(MOVED)
    said = yard.refused("rollback", SALES, "--to", "1", *WHY)
    assert said.startswith(f"conflict: tasks of it have moved: clean_orders is in {FINANCE}")
    plan = yard.cli.json("rollback", SALES, "--to", "1", "--take-back", "--dry-run")
    assert (plan["moved"], plan["refusals"]) == ({"clean_orders": FINANCE}, [])
    assert f"workflow {FINANCE} gets a version without clean_orders, which has to be published" in plan["warnings"]
    done = yard.cli.json("rollback", SALES, "--to", "1", "--take-back", *WHY)
    assert (done["taken_back"], done["version"]["version_no"]) == (["clean_orders"], 3)
    assert [(one["workflow_code"], one["version_no"]) for one in done["others"]] == [(FINANCE, 3)]
    assert (yard.hashes()[2], yard.hashes(FINANCE)[2]) == (yard.hashes()[0], yard.hashes(FINANCE)[0])
    report = yard.derive(MOVED, LINEAGE, "--full")
    assert (report["versions"], report["candidates"], report["definitions"]["moved"]) == ([], [], 0)
    assert [one["task_code"] for one in of_members(yard)] == ["clean_orders", "load_orders"]


def of_members(yard: Yard) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yard.cli.json("workflow", "show", SALES)["memberships"]
    return found


class Killed(BaseException):
    """The process is gone."""


class DiesAfterCommit:
    """A store whose process dies right after its first write is committed."""

    def __init__(self, inner: SqlStore) -> None:
        self.read = inner.read
        self._inner = inner
        self._written = False

    def write(self) -> Any:
        if self._written:
            raise Killed
        self._written = True
        return self._inner.write()


def test_who_is_killed_after_the_commit_has_lost_nothing(yard: Yard) -> None:
    yard.derive(MOVED)
    with closing(platform(yard)) as opened:
        dying: Store = DiesAfterCommit(opened.store)
        with pytest.raises(Killed):
            rollback(dying, "ann", Wanted(SALES, "embedded", "why", to=1, take_back=True), "UTC")
        made = yard.cli.json("orchestrate")
        assert [(one["workflow_code"], one["version_no"]) for one in made["versions"]] == [(FINANCE, 3)]
        (record,) = yard.cli.json("record", "list", "--status", "pending")["records"]
        end = drive_publish(opened.flows(), record["record_id"], lambda _: None)
    assert isinstance(end, Done)
    assert (end.status, on_engine(yard)) == ("success", of_version(yard, 1))


def test_of_two_at_once_one_is_told_who_was_first_and_other_workflows_do_not_care(yard: Yard) -> None:
    yard.derive(more(FINANCE), WITHOUT_EDGE)
    with closing(platform(yard)) as opened:
        begin = Barrier(3)

        def go(actor: str, code: str) -> RolledBack | Conflict:
            begin.wait()
            try:
                return rollback(opened.store, actor, Wanted(code, "embedded", "why"), "UTC")
            except Conflict as exc:
                return exc

        with ThreadPoolExecutor(3) as pool:
            asked = [pool.submit(go, *one) for one in (("ann", SALES), ("bob", SALES), ("cyd", FINANCE))]
            ann, bob, cyd = (one.result() for one in asked)
        assert isinstance(cyd, RolledBack), cyd
        first, second, name = (ann, bob, "ann") if isinstance(ann, RolledBack) else (bob, ann, "bob")
        assert isinstance(first, RolledBack)
        assert isinstance(second, Conflict)
        assert name in str(second)
        with pytest.raises(Conflict, match=f"publish record {first.record_id} of {name} is open: V3, intent"):
            rollback(opened.store, "dan", Wanted(SALES, "embedded", "why", to=2, unpublished=True), "UTC")
        with pytest.raises(Conflict, match=f"V2 was current when this began, meanwhile there is V3 by {name}"):
            rollback(opened.store, "dan", Wanted(SALES, "embedded", "why", to=2, seen=2), "UTC")
        for one in (first, cyd):
            assert one.record_id is not None
            end = drive_publish(opened.flows(), one.record_id, lambda _: None)
            assert isinstance(end, Done)
            assert end.status == "success"
    for code in (SALES, FINANCE):
        assert on_engine(yard, code) == of_version(yard, 1, code)
        assert len(yard.hashes(code)) == 3
