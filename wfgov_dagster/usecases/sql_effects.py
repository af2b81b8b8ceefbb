"""What a diff means beyond its fields: which tables change and who reads them, by SQL where a node speaks it, else by
today's metadata."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from wfgov_dagster.domain import extra
from wfgov_dagster.domain.change_class import Effects, Reader, TableEffect, Unordered, waits
from wfgov_dagster.domain.definition import Definition, Task
from wfgov_dagster.domain.diff import Diff, FieldChange, TaskChange
from wfgov_dagster.domain.sql_change import Fate, TableChange, Written, table_changes
from wfgov_dagster.ports.sql import SqlReader
from wfgov_dagster.ports.table_use import TableReader, TableUse
from wfgov_dagster.usecases.sql_nodes import speaks_sql

Load = Callable[[Collection[str] | None], Mapping[str, Task]]  # tasks of the later side by code; None = all of them

_OFF: Final = "FORBIDDEN"  # flag of a node that an engine passes over
_RUNS_BESIDE: Final = ("preStatements", "postStatements", "udfs", "connParams")  # in the extra of SQL nodes
_WHAT_IT_WRITES: Final = frozenset({"text", "node_type", "type", "datasource", "flags"})


@dataclass(frozen=True, slots=True)
class Sides:
    """What both sides have in common may be missing; `load` finds it."""

    before: Definition
    after: Definition
    load: Load


def effects(use: TableUse, sql: Callable[[], SqlReader], found: Diff, sides: Sides, moved: Collection[str]) -> Effects:
    """`moved`: tasks that came from, or went to, another workflow: their tables are written as before. `sql` is only
    asked for when there is a text to read."""
    judge = _Judge(use, sql, found, sides, frozenset(moved))
    return Effects(judge.formatted, tuple(judge.tables()), tuple(judge.unordered()), judge.users())


class _Judge:
    def __init__(
        self, use: TableUse, sql: Callable[[], SqlReader], found: Diff, sides: Sides, moved: frozenset[str]
    ) -> None:
        self._use, self._sql, self._found = use, sql, found
        self._before, self._after, self._load = sides.before.by_code(), sides.after.by_code(), sides.load
        self._given = {one.name for one in sides.after.settings.parameters}
        self._moved = moved
        self.formatted = frozenset(one.code for one in found.tasks_changed if self._only_formatted(one))

    # --- tables ----------------------------------------------------------------------------------

    def tables(self) -> Iterator[TableEffect]:
        found = self._found
        changed = [one.code for one in found.tasks_changed if self._writes_otherwise(one)]
        old = [self._before[code] for code in (*found.tasks_removed, *changed) if code not in self._moved]
        new = [self._after[code] for code in (*found.tasks_added, *changed) if code not in self._moved]
        told = self._use.written_by([one.code for one in (*old, *new)]) if old or new else {}
        was, now = ([(task.code, one) for task in some for one in self._written(task, told)] for some in (old, new))
        changes = table_changes((one for _, one in was), (one for _, one in now))
        grave = [one.table for one in changes if one.fate in {Fate.CHANGED, Fate.DROPPED}]
        readers = _by_table(self._use.readers(grave)) if grave else {}
        gone = {*found.tasks_removed} - self._moved
        for one in changes:
            key = one.table.casefold()
            not_asked = gone | {code for code, each in (*was, *now) if each.table.casefold() == key}
            yield self._effect(one, [each for each in readers.get(key, ()) if each.task_code not in not_asked])

    def _only_formatted(self, change: TaskChange) -> bool:
        old, new = self._before[change.code], self._after[change.code]
        if old.text == new.text or not (_is_sql(old) and _is_sql(new)):
            return False
        return self._sql().only_formatted(old.text, new.text)

    def _writes_otherwise(self, change: TaskChange) -> bool:
        fields = {one.field for one in change.fields}
        if change.code in self.formatted:
            fields -= {"text"}
        beside = any(name.split(".")[1:2] and name.split(".")[1] in _RUNS_BESIDE for name in fields)
        return bool(fields & _WHAT_IT_WRITES) or beside

    def _written(self, task: Task, told: Mapping[str, Collection[str]]) -> list[Written]:
        if _OFF in task.flags:
            return []
        outputs = self._sql().outputs(task.text) if _is_sql(task) else None
        place = f"{task.datasource}\n{_beside(task)}\n"
        if outputs is not None:
            return [Written(one.table, one.columns, place + one.rows, one.by_place) for one in outputs]
        rows = f"{task.node_type}\n{place}{task.text}"
        return [Written(table, None, rows) for table in sorted(told.get(task.code, ()))]

    def _effect(self, change: TableChange, readers: list[TableReader]) -> TableEffect:
        touched = change.touched()
        affected, unaffected = [], 0
        for one in readers:
            columns = None if touched is None else self._columns(one, touched)
            if columns is not None and not columns:
                unaffected += 1
            else:
                affected.append(Reader(one.task_code, one.workflow_code, columns))
        return TableEffect(change, tuple(affected), unaffected)

    def _columns(self, reader: TableReader, touched: frozenset[str]) -> tuple[str, ...] | None:
        """Those of the touched ones that it may read; None = not known."""
        task = self._after.get(reader.task_code)
        node_type, text = (reader.node_type, reader.text) if task is None else (task.node_type, task.text)
        if reader.through_view or not speaks_sql(node_type, "" if task is None else task.extra):
            return None
        read = self._sql().columns_read(text, reader.table)
        return None if read is None else tuple(sorted(read & touched))

    # --- waits -----------------------------------------------------------------------------------

    def unordered(self) -> Iterator[Unordered]:
        found = self._found
        came = {*waits(found.edges_added, found.cross_added)}
        gone = {*found.tasks_removed}
        went = [one for one in waits(found.edges_removed, found.cross_removed) if one not in came]
        left = [one for one in went if not gone & {*one}]
        if not left:
            return
        upstreams = {pre: pre.rpartition("/")[2] for pre, _ in left}  # of another workflow: workflow/task
        tasks = self._load({*upstreams.values(), *(post for _, post in left)})
        told = self._use.written_by([*upstreams.values()])
        written = {pre: self._tables_of(tasks.get(code), told.get(code, ())) for pre, code in upstreams.items()}
        readers = _by_table(self._use.readers({table for some in written.values() for table in some}))
        for pre, post in left:
            yield Unordered(pre, post, self._still_read(written[pre], tasks.get(post), readers))

    def _tables_of(self, task: Task | None, told: Collection[str]) -> Collection[str]:
        if task is not None and _is_sql(task):
            read = self._sql().tables(task.text)
            if read.problem is None:
                return read.writes
        return told

    def _still_read(
        self, written: Collection[str], post: Task | None, readers: Mapping[str, list[TableReader]]
    ) -> tuple[str, ...] | None:
        if not written or post is None:
            return None
        read = self._sql().tables(post.text) if _is_sql(post) else None
        own = {table.casefold() for table in read.reads} if read is not None and read.problem is None else None
        shared = [
            table
            for table in sorted(written)
            if table.casefold() in (own or ())
            or any(_reads(one, post, own) for one in readers.get(table.casefold(), ()))
        ]
        return None if own is None and not shared else tuple(shared)

    # --- parameters ------------------------------------------------------------------------------

    def users(self) -> Mapping[str, tuple[str, ...]]:
        """Parameters that went → tasks that still name them and get them from nowhere."""
        found: dict[str, list[str]] = {}
        lost = _lost(self._found.settings)
        for task in self._load(None).values() if lost else ():
            for name in _named(task, lost - {one.name for one in task.parameters}):
                found.setdefault(name, []).append(task.code)
        for change in self._found.tasks_changed:
            gone = _lost(change.fields)
            for name in _named(self._after[change.code], gone - self._given - lost):
                found.setdefault(name, []).append(change.code)
        return {name: tuple(sorted(codes)) for name, codes in found.items()}


def _lost(changes: Iterable[FieldChange]) -> set[str]:
    """Names of parameters that were there, and are not."""
    told = [(one.before, one.after) for one in changes if one.field == "parameters"]
    return {one.name for before, _ in told for one in before} - {one.name for _, after in told for one in after}


def _named(task: Task, names: Collection[str]) -> list[str]:
    return sorted(name for name in names if f"${{{name}}}" in task.text)


def _is_sql(task: Task) -> bool:
    return speaks_sql(task.node_type, task.extra)


def _beside(task: Task) -> str:
    told = extra.unpack(task.extra)
    return orjson.dumps({name: told[name] for name in _RUNS_BESIDE if name in told}).decode()


def _reads(told: TableReader, task: Task, own: Collection[str] | None) -> bool:
    """`own`: what the task's SQL says that it reads, if it does; only views are not seen in it."""
    return told.task_code == task.code and (own is None or told.through_view)


def _by_table(rows: Iterable[TableReader]) -> dict[str, list[TableReader]]:
    found: dict[str, list[TableReader]] = {}
    for one in rows:
        found.setdefault(one.table.casefold(), []).append(one)
    return found
