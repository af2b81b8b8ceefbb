"""Workflows with versions of every age, a janitor that can be interrupted, and what must be there afterwards."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Any

import orjson
import sqlalchemy as sa

from tests.integration.publish_support import Office, a_definition
from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.domain.flow import Again, FlowState
from wfgov_dagster.domain.retention import RuleChange
from wfgov_dagster.runs.meter import MemoryMeter
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases import clean_up_flow
from wfgov_dagster.usecases.clean_up import Report, report, request
from wfgov_dagster.usecases.clean_up_flow import Janitor
from wfgov_dagster.usecases.flows import FlowLimits, FlowManager, Registry, advance_flow
from wfgov_dagster.usecases.plan_clean_up import Plan, Scope, plan
from wfgov_dagster.usecases.retention_rules import set_rule

ALL = Scope()
NOTHING = RuleChange(keep_last=1, keep_days=0, keep_tagged=False, keep_published=False)
TABLES = (
    "workflow_version",
    "workflow_edge_log",
    "workflow_task_log",
    "task_definition_log",
    "canonical_document",
    "task_definition",
)


class Archive:
    """One installation whose versions are old."""

    def __init__(self, database: Database, turn_seconds: float = 60.0) -> None:
        self.database = database
        self.office = Office(database)
        self.store = self.office.store
        self.turn_seconds = turn_seconds
        self.rests: list[float] = []
        self.on_rest: Callable[[], None] = lambda: None
        self._managers = 0

    # --- what is kept ----------------------------------------------------------------------------

    def save(self, code: str = "w", text: str = "echo 1", edges: bool = True) -> int:
        definition = a_definition(code, text)
        return self.office.save(definition if edges else replace(definition, edges=()))

    def save_many(self, count: int, code: str = "w") -> None:
        """Each with another text of its first task; every third one without the edge."""
        for at in range(count):
            self.save(code, f"echo {code} {at}", edges=at % 3 != 2)

    def age(self, days: int = 400) -> None:
        for table, column in (("workflow_version", "created_at"), ("task_definition_log", "operated_at")):
            shifted = f"strftime('%Y-%m-%d %H:%M:%f', {column}, :by) || '000'"
            if not self.database.is_sqlite:
                shifted = f"{column} + CAST(:by AS interval)"
            self.execute(f"UPDATE {table} SET {column} = {shifted}", by=f"-{days} days")

    def execute(self, statement: str, **values: object) -> None:
        with self.database.write() as conn:
            conn.execute(sa.text(statement), values)

    def publish(self, operation: str, code: str = "w") -> int:
        """With its flow at its end, as whoever drives flows leaves it; the id of its record."""
        done = self.office.publish(operation, code)
        self.execute("UPDATE flow SET state = 'Finished'")
        return done.record_id

    def rule(self, said: RuleChange = NOTHING, code: str | None = None) -> None:
        set_rule(self.store, "ann", code, said)

    # --- the clean-up ----------------------------------------------------------------------------

    def manager(self) -> FlowManager:
        self._managers += 1
        registry = Registry([clean_up_flow.definition(self.janitor)])
        holder = f"janitor {self._managers}"
        return FlowManager(self.store, registry, holder, lambda _: True, lambda: 1.0, FlowLimits(), MemoryMeter())

    def janitor(self) -> Janitor:
        return Janitor(self.office.publisher(), self._rest, time.monotonic, self.turn_seconds)

    def _rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.on_rest()

    def plan(self, scope: Scope = ALL) -> Plan:
        return plan(self.office.publisher(), scope)

    def begin(self, scope: Scope = ALL) -> int:
        return request(self.store, "ann", scope)

    def drive(self, flow_id: int) -> Report:
        """Until it does not move any more."""
        manager = self.manager()
        while isinstance(advance_flow(manager, flow_id), Again):
            continue
        return report(self.store, flow_id)

    def clean_up(self, scope: Scope = ALL) -> Report:
        found = self.drive(self.begin(scope))
        assert (found.state, found.error) == (FlowState.FINISHED, None)
        return found

    # --- what is there ---------------------------------------------------------------------------

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.office.rows(table)

    def there(self, code: str = "w") -> list[int]:
        """Numbers of the versions that are kept."""
        workflow = self.office.workflow(code)
        assert workflow is not None
        kept = [row for row in self.rows("workflow_version") if row["workflow_id"] == workflow["id"]]
        return sorted(row["version_no"] for row in kept if row["removed_at"] is None)

    def definition(self, number: int, code: str = "w") -> Definition:
        with self.store.read() as work:
            return work.versions.definition(code, number)

    def edges(self) -> Counter[tuple[Any, ...]]:
        """As spec C's relation log has them."""
        with self.database.read() as conn:
            return Counter(tuple(row) for row in conn.execute(sa.text("SELECT * FROM workflow_edge_version")))


def wrongs(archive: Archive, before: Iterable[tuple[Any, ...]] = ()) -> list[str]:
    """What no clean-up may do: `before`: edges of versions, as they were. Empty = all is well."""
    codes = {row["id"]: row["workflow_code"] for row in archive.rows("data_workflow")}
    kept = [row for row in archive.rows("workflow_version") if row["removed_at"] is None]
    found = []
    for row in kept:
        code, number = codes[row["workflow_id"]], row["version_no"]
        whole = snapshot.hashes(archive.definition(number, code)).content
        if whole != row["content_hash"]:
            found.append(f"{code} V{number} is not what it was")
    names = {(codes[row["workflow_id"]], row["version_no"]) for row in kept}
    wanted = Counter(edge for edge in before if (edge[0], edge[1]) in names)
    if before and wanted != archive.edges():
        found.append(f"edges differ: {wanted - archive.edges()} are missing, {archive.edges() - wanted} too many")
    ids = {row["id"] for row in archive.rows("workflow_version")}
    for table in ("workflow_publish_record", "workflow_definition_snapshot", "engine_deployment"):
        found += [f"{table} {row} names no version" for row in archive.rows(table) if row["version_id"] not in ids]
    return found


def garbage(archive: Archive) -> list[str]:
    """What a finished clean-up has to have taken: intervals, task definitions and texts that nothing needs."""
    codes = {row["id"]: row["workflow_code"] for row in archive.rows("data_workflow")}
    kept = [row for row in archive.rows("workflow_version") if row["removed_at"] is None]
    found = []
    numbers: dict[str, set[int]] = {}
    for row in kept:
        numbers.setdefault(codes[row["workflow_id"]], set()).add(row["version_no"])
    for row in archive.rows("workflow_edge_log"):
        last = row["to_version"]
        if last is not None and not numbers[row["workflow_code"]] & set(range(row["from_version"], last + 1)):
            found.append(f"edge {row}")
    for row in archive.rows("workflow_task_log"):
        last, there = row["to_version"], numbers[codes[row["workflow_id"]]]
        if last is not None and not there & set(range(row["from_version"], last + 1)):
            found.append(f"member {row}")
    named = {(row["task_code"], row["task_version"]) for row in archive.rows("workflow_task_log")}
    named |= {(row["task_code"], row["version"]) for row in archive.rows("task_definition")}
    log = archive.rows("task_definition_log")
    named.update({row["task_code"]: (row["task_code"], row["version"]) for row in log}.values())  # the newest
    found += [f"task {row}" for row in log if (row["task_code"], row["version"]) not in named]
    texts = {row["body_hash"] for row in log} | {row["body_hash"] for row in archive.rows("task_definition")}
    texts |= {row["content_hash"] for row in archive.rows("workflow_definition_snapshot")}
    found += [f"text {row['hash']}" for row in archive.rows("canonical_document") if row["hash"] not in texts]
    return found


def protected_ids(archive: Archive) -> dict[int, set[str]]:
    """Version id → why it may not go, whatever the rule: said anew, from whole tables."""
    found: dict[int, set[str]] = {}

    def add(reason: str, ids: Collection[int | None]) -> None:
        for one in ids:
            if one is not None:
                found.setdefault(one, set()).add(reason)

    versions = archive.rows("workflow_version")
    workflows, records = archive.rows("data_workflow"), archive.rows("workflow_publish_record")
    snapshots, flows = archive.rows("workflow_definition_snapshot"), archive.rows("flow")
    add("current", [row["current_version_id"] for row in workflows])
    add("last published", [row["last_published_version_id"] for row in workflows])
    by_number = sorted(versions, key=lambda row: row["version_no"])
    add("newest", {row["workflow_id"]: row["id"] for row in by_number}.values())
    add("deployed", [row["version_id"] for row in archive.rows("engine_deployment")])
    add("baseline", [row["version_id"] for row in snapshots if row["is_baseline"]])
    over = {row["id"] for row in flows if row["state"] in {"Finished", "Canceled"}}
    live = [row for row in records if row["status"] == "pending" or row["flow_id"] not in over]
    newest = {(row["engine_id"], row["workflow_id"]): row for row in records}
    for row in [*live, *newest.values()]:
        back = None if row["target"] is None else orjson.loads(row["target"])["version_id"]
        add("record", [row["version_id"], back])
    return found
