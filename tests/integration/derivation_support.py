"""Random edits by plain SQL, as a portal or a person makes them, and everything derived of them as text."""

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import sqlalchemy as sa

from tests.support.lineage_oracle import Facts, naive_dependencies, naive_topology
from wfgov_dagster.domain.definition import Task
from wfgov_dagster.domain.extra import pack
from wfgov_dagster.domain.snapshot import task_spec
from wfgov_dagster.store.db import Database

Row = Mapping[str, Any]
MOST_TASKS, MOST_TABLES = 40, 60
WORKFLOWS = ("daily", "hourly", "销售/日报", "w" * 100, "Z")
SOURCES = ("import:a", "import:b", "alice")
DOMAINS = (None, "", "sales", "risk")
OWNERS = (None, "", "anna", "böb")
CRONS = (None, "", "0 1 * * *", "0 2 * * *", "daily", "every now and then")
TEXTS = (None, "", "select 1", "insert into t\nselect '你好', \"x\\y\"", "\t\x01")


class Edits:
    """One edit a number: the same number over the same rows is the same edit."""

    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def make(self, number: int) -> str:
        """Make the edit; returns what it was."""
        chance = Random(number)
        kinds: list[Callable[[Random], str | None]] = [getattr(self, name) for name in KINDS]
        done = None
        while done is None:  # an edit of what is not there gives way to another
            done = chance.choices(kinds, weights=list(KINDS.values()))[0](chance)
        return done

    # tasks

    def insert_task(self, chance: Random) -> str | None:
        used = {row["task_code"] for row in self._rows("data_task")}
        free = [code for code in (f"t{at:02}" for at in range(MOST_TASKS)) if code not in used]
        return None if not free else self._insert("data_task", self._task(chance) | {"task_code": chance.choice(free)})

    def update_task(self, chance: Random) -> str | None:
        fields = self._task(chance)
        return self._update(chance, "data_task", chance.sample(sorted(fields.items()), 2))

    def rename_task(self, chance: Random) -> str | None:
        return self._update(chance, "data_task", [("task_code", f"r{chance.randrange(10**6)}")])

    def toggle_task(self, chance: Random) -> str | None:
        return self._toggle(chance, "data_task")

    def delete_task(self, chance: Random) -> str | None:
        return self._delete(chance, "data_task")

    # tables

    def insert_table(self, chance: Random) -> str | None:
        used = {(row["db_name"], row["table_name"]) for row in self._rows("data_table")}
        name = self._name(chance)
        if len(used) >= MOST_TABLES or name in used:
            return None
        named = dict(zip(("db_name", "table_name"), name, strict=True))
        return self._insert(
            "data_table", named | {"business_domain": chance.choice(DOMAINS), "owner": chance.choice(OWNERS)}
        )

    def describe_dangling_table(self, chance: Random) -> str | None:
        """A table that lineage names already gets its row."""
        known = {row["id"] for row in self._rows("data_table")}
        named = {row[end] for row in self._rows("data_lineage") for end in ("upstream_table_id", "downstream_table_id")}
        lost = sorted(named - known - {None})
        name = self._name(chance)
        used = {(row["db_name"], row["table_name"]) for row in self._rows("data_table")}
        if not lost or name in used:
            return None
        return self._insert("data_table", {"id": chance.choice(lost), "db_name": name[0], "table_name": name[1]})

    def rename_table(self, chance: Random) -> str | None:
        name = self._name(chance)
        if name in {(row["db_name"], row["table_name"]) for row in self._rows("data_table")}:
            return None
        return self._update(chance, "data_table", [("db_name", name[0]), ("table_name", name[1])])

    def update_table(self, chance: Random) -> str | None:
        change = chance.choice([("business_domain", chance.choice(DOMAINS)), ("owner", chance.choice(OWNERS))])
        return self._update(chance, "data_table", [change])

    def toggle_table(self, chance: Random) -> str | None:
        return self._toggle(chance, "data_table")

    def delete_table(self, chance: Random) -> str | None:
        return self._delete(chance, "data_table")

    # lineage

    def insert_lineage(self, chance: Random) -> str | None:
        return self._insert("data_lineage", self._ends(chance))

    def insert_view(self, chance: Random) -> str | None:
        return self._insert("data_lineage", self._ends(chance) | {"task_id": None})

    def insert_much_lineage(self, chance: Random) -> str | None:
        """One statement with several rows."""
        rows = [self._ends(chance) for _ in range(chance.randint(2, 5))]
        self._conn.execute(sa.table("data_lineage", *map(sa.column, rows[0])).insert().values(rows))
        return f"insert data_lineage {rows}"

    def update_lineage(self, chance: Random) -> str | None:
        """Other ends; a view row may become a task's row and the other way round."""
        ends = self._ends(chance)
        return self._update(chance, "data_lineage", chance.sample(sorted(ends.items(), key=str), chance.randint(1, 3)))

    def toggle_lineage(self, chance: Random) -> str | None:
        return self._toggle(chance, "data_lineage")

    def delete_lineage(self, chance: Random) -> str | None:
        return self._delete(chance, "data_lineage")

    def insert_relation(self, chance: Random) -> str | None:
        return self._insert("table_task_relation", self._relation(chance))

    def update_relation(self, chance: Random) -> str | None:
        changes = sorted(self._relation(chance).items())
        return self._update(chance, "table_task_relation", chance.sample(changes, chance.randint(1, 3)))

    def toggle_relation(self, chance: Random) -> str | None:
        return self._toggle(chance, "table_task_relation")

    def delete_relation(self, chance: Random) -> str | None:
        return self._delete(chance, "table_task_relation")

    def renumber(self, chance: Random) -> str | None:
        """A row under another id is another row: what named it names nobody now."""
        table = chance.choice(["data_task", "data_table", "data_lineage", "table_task_relation"])
        rows = self._rows(table)
        ids = {row["id"] for row in rows}
        row_id = chance.choice(sorted(ids)) if ids else 0
        return self._set(table, row_id, {"id": row_id + 1000}) if ids and row_id + 1000 not in ids else None

    # what people and imports declare

    def declare_membership(self, chance: Random) -> str | None:
        task, by = self._task_id(chance), chance.choice(SOURCES)
        if any(row["task_id"] == task and row["declared_by"] == by for row in self._rows("task_workflow_declaration")):
            return None
        values = {"task_id": task, "declared_by": by, "workflow_code": chance.choice(WORKFLOWS)}
        return self._insert("task_workflow_declaration", values)

    def change_membership(self, chance: Random) -> str | None:
        return self._update(chance, "task_workflow_declaration", [("workflow_code", chance.choice(WORKFLOWS))])

    def withdraw_membership(self, chance: Random) -> str | None:
        return self._delete(chance, "task_workflow_declaration")

    def declare_dependency(self, chance: Random) -> str | None:
        values = {
            "task_id": self._task_id(chance),
            "upstream_task_id": self._task_id(chance),
            "declared_by": chance.choice(SOURCES),
        }
        if any(all(row[name] == value for name, value in values.items()) for row in self._dependencies()):
            return None
        return self._insert("task_dependency_declaration", values | {"reason": "told"})

    def change_dependency(self, chance: Random) -> str | None:
        rows = self._dependencies()
        if not rows:
            return None
        row, up = chance.choice(rows), self._task_id(chance)
        wanted = {"task_id": row["task_id"], "upstream_task_id": up, "declared_by": row["declared_by"]}
        if any(all(other[name] == value for name, value in wanted.items()) for other in rows):
            return None
        return self._set("task_dependency_declaration", row["id"], {"upstream_task_id": up})

    def withdraw_dependency(self, chance: Random) -> str | None:
        return self._delete(chance, "task_dependency_declaration")

    def declare_settings(self, chance: Random) -> str | None:
        code = chance.choice(WORKFLOWS)
        if code in {row["workflow_code"] for row in self._rows("workflow_settings_declaration")}:
            return None
        values = {"workflow_code": code, "declared_by": chance.choice(SOURCES), **self._settings(chance)}
        return self._insert("workflow_settings_declaration", values)

    def change_settings(self, chance: Random) -> str | None:
        return self._update(chance, "workflow_settings_declaration", sorted(self._settings(chance).items()))

    def withdraw_settings(self, chance: Random) -> str | None:
        return self._delete(chance, "workflow_settings_declaration")

    def declare_node(self, chance: Random) -> str | None:
        task, by = self._task_id(chance), chance.choice(SOURCES)
        if any(row["task_id"] == task for row in self._rows("task_node_declaration")):
            return None
        return self._insert("task_node_declaration", {"task_id": task, "declared_by": by, "spec": self._spec(chance)})

    def change_node(self, chance: Random) -> str | None:
        return self._update(chance, "task_node_declaration", [("spec", self._spec(chance))])

    def withdraw_node(self, chance: Random) -> str | None:
        return self._delete(chance, "task_node_declaration")

    def confirm_crossing(self, chance: Random) -> str | None:
        """What a person decides about a cross-workflow edge, with the note for the next derivation beside it."""
        if self._conn.dialect.name != "sqlite":  # it writes what derivers write, so it waits for them as they do
            self._conn.exec_driver_sql("LOCK TABLE derivation_batch IN SHARE UPDATE EXCLUSIVE MODE")
        rows = self._all("SELECT * FROM cross_workflow_dependency ORDER BY task_id, upstream_task_id")
        if not rows:
            return None
        row, state = chance.choice(rows), chance.choice(["confirmed", "confirmed", "rejected", "unconfirmed"])
        self._run(
            "UPDATE cross_workflow_dependency SET state = :s WHERE task_id = :t AND upstream_task_id = :u",
            {"s": state, "t": row["task_id"], "u": row["upstream_task_id"]},
        )
        (flow,) = self._all("SELECT workflow_code FROM data_workflow WHERE id = :w", {"w": row["workflow_id"]})
        key = {"k": f"workflow:{flow['workflow_code']}"}
        self._run("DELETE FROM derivation_todo WHERE step = 'workflow_definitions' AND key = :k", key)
        self._run("INSERT INTO derivation_todo VALUES ('workflow_definitions', :k, 0, 'lineage_update')", key)
        return f"{state} {dict(row)}"

    # values

    def _task(self, chance: Random) -> dict[str, Any]:
        return {
            "task_name": chance.choice(["name", "名字", ""]),
            "task_desc": chance.choice(TEXTS),
            "task_sql": chance.choice(TEXTS),
            "dolphin_node_type": chance.choice([None, "SQL", "PYTHON"]),
            "datasource_name": chance.choice([None, "", "dw"]),
            "schedule_cron": chance.choice(CRONS),
            "priority": chance.choice([None, 1, 5]),
            "timeout_seconds": chance.choice([None, 0, 60]),
            "retry_times": chance.choice([None, 0, 2]),
            "owner": chance.choice(OWNERS),
        }

    def _spec(self, chance: Random) -> str:
        """Now and then it names a task of its workflow, or one that is elsewhere or nowhere."""
        rows = self._rows("data_task")
        named = chance.choice(rows)["task_code"] if rows else "nobody"
        values = chance.choice([{}, {"wait": 1}, {"next": {"$task": named}}])
        flags = chance.choice([(), ("FORBIDDEN",)])
        return task_spec(Task("", "", flags=flags, extra=pack(values)))

    def _settings(self, chance: Random) -> dict[str, Any]:
        return {
            "workflow_name": chance.choice([None, "", "Daily", "日报"]),
            "description": chance.choice(TEXTS),
            "schedule_cron": chance.choice(CRONS),
            "time_zone": chance.choice([None, "Asia/Shanghai"]),
        }

    def _ends(self, chance: Random) -> dict[str, Any]:
        return {
            "task_id": chance.choice([None, *([self._task_id(chance)] * 3)]),
            "upstream_table_id": self._table_id(chance),
            "downstream_table_id": self._table_id(chance),
        }

    def _relation(self, chance: Random) -> dict[str, Any]:
        table = self._table_id(chance)
        return {
            "table_id": 1 if table is None else table,
            "task_id": self._task_id(chance),
            "relation_type": chance.choice(["read", "write"]),
        }

    def _name(self, chance: Random) -> tuple[str, str]:
        """Some full names are equal: a.b and c, a and b.c."""
        return chance.choice(["", "a", "a.b", "Z", "é"]), chance.choice(["c", "b.c"]) + chance.choice("123456789")

    def _task_id(self, chance: Random) -> int:
        """Sometimes of a task that is not there (any more, or not yet)."""
        ids = [row["id"] for row in self._rows("data_task")]
        return chance.choice([*ids, max(ids, default=0) + 1])

    def _table_id(self, chance: Random) -> int | None:
        """Few tables are used much; some have no row of their own."""
        ids = [row["id"] for row in self._rows("data_table")]
        return chance.choice([*ids, *ids[:8], *ids[:8], 70, 71, None])

    # rows

    def _dependencies(self) -> list[Row]:
        return self._rows("task_dependency_declaration")

    def _rows(self, table: str) -> list[Row]:
        return self._all(f"SELECT * FROM {table} ORDER BY id")

    def _all(self, query: str, values: Row | None = None) -> list[Row]:
        return [dict(row._mapping) for row in self._conn.execute(sa.text(query), values or {})]

    def _run(self, statement: str, values: Row) -> None:
        self._conn.execute(sa.text(statement), values)

    def _insert(self, table: str, values: Row) -> str:
        listed = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        self._run(f"INSERT INTO {table} ({listed}) VALUES ({marks})", values)
        return f"insert {table} {dict(values)}"

    def _set(self, table: str, row_id: int, values: Row) -> str:
        listed = ", ".join(f"{name} = :{name}" for name in values)
        self._run(f"UPDATE {table} SET {listed} WHERE id = :row", dict(values) | {"row": row_id})
        return f"update {table} {row_id} {dict(values)}"

    def _update(self, chance: Random, table: str, changes: list[tuple[str, Any]]) -> str | None:
        rows = self._rows(table)
        return self._set(table, chance.choice(rows)["id"], dict(changes)) if rows else None

    def _toggle(self, chance: Random, table: str) -> str | None:
        rows = self._rows(table)
        if not rows:
            return None
        row = chance.choice(rows)
        return self._set(table, row["id"], {"deleted": 1 - row["deleted"]})

    def _delete(self, chance: Random, table: str) -> str | None:
        rows = self._rows(table)
        if not rows:
            return None
        row = chance.choice(rows)
        self._run(f"DELETE FROM {table} WHERE id = :row", {"row": row["id"]})
        return f"delete {table} {row['id']}"


KINDS = {  # edit → how often
    "insert_task": 8, "update_task": 5, "rename_task": 1, "toggle_task": 4, "delete_task": 2,
    "insert_table": 6, "describe_dangling_table": 1, "rename_table": 4, "update_table": 2, "toggle_table": 1,
    "delete_table": 1, "insert_lineage": 12, "insert_view": 6, "insert_much_lineage": 2, "update_lineage": 6,
    "toggle_lineage": 4, "delete_lineage": 3, "insert_relation": 4, "update_relation": 2, "toggle_relation": 2,
    "delete_relation": 1, "declare_membership": 4, "change_membership": 3, "withdraw_membership": 2,
    "declare_dependency": 2, "change_dependency": 1, "withdraw_dependency": 1, "declare_settings": 1,
    "change_settings": 2, "renumber": 1, "withdraw_settings": 1, "confirm_crossing": 5,
    "declare_node": 2, "change_node": 2, "withdraw_node": 1,
}  # fmt: skip


# --- everything derived, as text -----------------------------------------------------------------

EXPORTED = {
    "dependency": "SELECT * FROM task_dependency_view ORDER BY task_id, upstream_task_id",
    "topology": "SELECT * FROM task_topology ORDER BY task_id",
    "membership": """
        SELECT r.task_id, w.workflow_code, r.workflow_inheritance_mode, r.placed_by, r.upstream_task_count,
               r.downstream_task_count, r.version_id
        FROM workflow_task_relation AS r JOIN data_workflow AS w ON w.id = r.workflow_id ORDER BY r.task_id""",
    "workflow": """
        SELECT id, workflow_code, workflow_name, origin, status, current_version_id, definition_json, definition_hash,
               definition_error, entry_task_ids, exit_task_ids, business_domain, owner
        FROM data_workflow ORDER BY id""",
    "crossing": "SELECT * FROM cross_workflow_dependency ORDER BY task_id, upstream_task_id",
    "finding": """
        SELECT rule, object_type, object_code, message FROM inspection_finding WHERE closed_at IS NULL
        ORDER BY rule, object_code, message""",
    "version": "SELECT * FROM workflow_version ORDER BY id",
    "task version": "SELECT * FROM task_definition_log ORDER BY task_code, version",
    "task": "SELECT * FROM task_definition ORDER BY task_code",
    "edge": "SELECT * FROM workflow_edge ORDER BY id",
    "edge log": "SELECT * FROM workflow_edge_log ORDER BY id",
    "member log": "SELECT * FROM workflow_task_log ORDER BY id",
    "todo": "SELECT * FROM derivation_todo ORDER BY step, key",
}

FORGOTTEN = (  # what a full rebuild has to find out again, memberships and versions apart
    "DELETE FROM task_dependency_view",
    "DELETE FROM task_topology",
    "UPDATE workflow_task_relation SET upstream_task_count = -1, downstream_task_count = -1",
    "UPDATE data_workflow SET definition_json = NULL, definition_hash = NULL, definition_error = NULL",
    "UPDATE data_workflow SET entry_task_ids = NULL, exit_task_ids = NULL",
    "UPDATE data_workflow SET status = 'draft' WHERE status = 'ready'",
    "UPDATE inspection_finding SET closed_at = CURRENT_TIMESTAMP WHERE closed_at IS NULL",
    "DELETE FROM cross_workflow_dependency WHERE state = 'unconfirmed'",
)


def exported(database: Database) -> str:
    """One line a row."""
    with database.read() as conn:
        return "\n".join(
            f"{name}: {json.dumps(dict(row._mapping), ensure_ascii=False, default=str)}"
            for name, query in EXPORTED.items()
            for row in conn.execute(sa.text(query))
        )


def forget(database: Database) -> None:
    with database.write() as conn:
        for statement in FORGOTTEN:
            conn.exec_driver_sql(statement)


def check_by_search(database: Database) -> None:
    """Dependencies, levels and counts are those of a naive search over the metadata."""
    with database.read() as conn:
        facts, tasks = _facts(conn)
        stored = {
            (row.task_id, row.upstream_task_id): (
                row.kind, row.table_read_id, row.table_written_id, tuple(json.loads(row.chain)) if row.chain else None
            )
            for row in conn.execute(sa.text("SELECT * FROM task_dependency_view"))
        }  # fmt: skip
        assert stored == naive_dependencies(facts)
        ranks = {
            row.task_id: (row.level, -1 if row.cycle is None else row.cycle)
            for row in conn.execute(sa.text("SELECT * FROM task_topology"))
        }
        assert ranks == naive_topology(tasks, stored)
        counts = conn.execute(
            sa.text("SELECT task_id, upstream_task_count, downstream_task_count FROM workflow_task_relation")
        )
        for task, ups, downs in counts:
            assert ups == sum(pair[0] == task for pair in stored), f"upstream count of task {task}"
            assert downs == sum(pair[1] == task for pair in stored), f"downstream count of task {task}"
        placed = set(conn.scalars(sa.text("SELECT task_id FROM workflow_task_relation")))
        assert tasks <= placed, "an active task is in no workflow"


def _facts(conn: sa.Connection) -> tuple[Facts, set[int]]:
    def rows(table: str, condition: str = "deleted = 0") -> list[Any]:
        return list(conn.execute(sa.text(f"SELECT * FROM {table} WHERE {condition}")))

    tasks = {row.id for row in rows("data_task")}
    lines, relations = rows("data_lineage"), rows("table_task_relation")
    ends = {"read": set(), "write": set()}  # type: dict[str, set[tuple[int, int]]]
    for line in lines:
        if line.task_id in tasks:
            ends["read"].add((line.task_id, line.upstream_table_id))
            ends["write"].add((line.task_id, line.downstream_table_id))
    for relation in relations:
        if relation.task_id in tasks:
            ends[relation.relation_type].add((relation.task_id, relation.table_id))
    views = {(line.downstream_table_id, line.upstream_table_id) for line in lines if line.task_id is None}
    declared = {(row.task_id, row.upstream_task_id) for row in rows("task_dependency_declaration", "1 = 1")}
    names = {row.id: ".".join(filter(None, (row.db_name, row.table_name))) for row in rows("data_table", "1 = 1")}
    facts = Facts(
        frozenset(pair for pair in ends["read"] if pair[1] is not None),
        frozenset(pair for pair in ends["write"] if pair[1] is not None),
        frozenset(pair for pair in views if None not in pair),
        frozenset(pair for pair in declared if tasks.issuperset(pair)),
        names,
    )
    return facts, tasks
