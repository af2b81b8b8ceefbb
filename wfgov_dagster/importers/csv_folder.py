"""A folder with `tasks.csv` and `lineage.csv` → metadata rows.

tasks.csv: task_code, output_table, kind (sql | python), dataset, domain, owner, workflow, schedule, level. All but the
first may be empty. dataset, domain, owner and level belong to the output table, owner to the task too.
lineage.csv: upstream_table, downstream_table, task_code; without a task the downstream table is a view.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wfgov_dagster.domain.cron import to_cron
from wfgov_dagster.domain.grouping import fitted
from wfgov_dagster.errors import InvalidInput
from wfgov_dagster.ports.metadata import (
    BadRow,
    ImportBatch,
    LineageRow,
    MembershipDeclaration,
    RelationRow,
    TableRow,
    TaskRow,
    WorkflowSettings,
)

TASK_COLUMNS = ("task_code", "output_table", "kind", "dataset", "domain", "owner", "workflow", "schedule", "level")
LINEAGE_COLUMNS = ("upstream_table", "downstream_table", "task_code")
NODE_TYPES = {"sql": "SQL", "python": "PYTHON"}
NAME_LIMIT = 255
_FIELD_BYTES = 1_000_000


def read_csv_folder(folder: Path) -> ImportBatch:
    """Everything the two files say; rows that break a rule are in `bad`. Raises InvalidInput for a missing file."""
    reading = _Reading()
    for line, row in reading.rows(folder / "tasks.csv", TASK_COLUMNS):
        reading.task(line, row)
    for line, row in reading.rows(folder / "lineage.csv", LINEAGE_COLUMNS):
        reading.line(line, row)
    return reading.batch()


@dataclass
class _Reading:
    """What was read so far. Tables that lineage alone names are known by name only."""

    tables: dict[str, TableRow] = field(default_factory=dict)
    tasks: dict[str, TaskRow] = field(default_factory=dict)
    lineage: dict[LineageRow, None] = field(default_factory=dict)
    relations: list[RelationRow] = field(default_factory=list)
    memberships: list[MembershipDeclaration] = field(default_factory=list)
    crons: dict[str, set[str]] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    bad: list[BadRow] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def rows(self, file: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
        """(line, row) of every row that has the right number of fields, stripped."""
        if not file.is_file():
            raise InvalidInput("no such file", where=str(file), hint=f"it has the columns {', '.join(columns)}")
        csv.field_size_limit(_FIELD_BYTES)
        with file.open(encoding="utf-8", newline="") as lines:
            reader = csv.reader(lines, strict=True)
            try:
                header = next(reader, [])
                if tuple(header) != columns:
                    raise InvalidInput(
                        f"its header is {', '.join(header) or 'empty'}", where=f"{file}:1", hint=",".join(columns)
                    )
                for row in reader:
                    if len(row) == len(columns):
                        yield reader.line_num, dict(zip(columns, (cell.strip() for cell in row), strict=True))
                    elif row:
                        self.refuse(file.name, reader.line_num, f"has {len(row)} fields instead of {len(columns)}")
            except (csv.Error, UnicodeDecodeError) as exc:
                self.refuse(file.name, reader.line_num + 1, f"cannot be read from here on: {exc}")

    def task(self, line: int, row: dict[str, str]) -> None:
        code, kind = row["task_code"], row["kind"].lower()
        reason = _wrong_name("task_code", code) or (_wrong_name("output_table", row["output_table"] or "x"))
        if reason is None and kind not in NODE_TYPES:
            reason = f"kind is {row['kind']!r}; known: {', '.join(NODE_TYPES)}"
        if reason is None and code in self.tasks:
            reason = f"task {code!r} is there already"
        if reason is not None:
            self.refuse("tasks.csv", line, reason)
            return
        cron = self.cron(line, row["schedule"])
        self.tasks[code] = TaskRow(
            code, code, node_type=NODE_TYPES[kind], schedule_cron=cron, owner=row["owner"] or None
        )
        if row["output_table"]:
            self.output(row)
        if row["workflow"]:
            self.declare(line, row["workflow"], code, cron or "")

    def output(self, row: dict[str, str]) -> None:
        """The first task that writes a table says what the table is."""
        name = row["output_table"]
        if name not in self.tables:
            self.tables[name] = TableRow(
                name, row["level"] or None, row["domain"] or None, row["dataset"] or None, row["owner"] or None
            )
        self.relations.append(RelationRow(name, row["task_code"], "write"))

    def declare(self, line: int, workflow: str, code: str, cron: str) -> None:
        fitting = fitted(workflow)
        if self.codes.setdefault(fitting, workflow) != workflow:
            self.refuse(
                "tasks.csv", line, f"workflows {workflow!r} and {self.codes[fitting]!r} share the code {fitting}"
            )
            return
        self.memberships.append(MembershipDeclaration(code, fitting))
        self.crons.setdefault(fitting, set()).add(cron)

    def cron(self, line: int, text: str) -> str | None:
        found = to_cron(text) if text else None
        if text and found is None:
            self.warnings.append(f"tasks.csv:{line}: cron cannot say {text!r}; the task has no schedule")
        return found

    def line(self, line: int, row: dict[str, str]) -> None:
        up, down, task = row["upstream_table"], row["downstream_table"], row["task_code"]
        reason = next((why for name in (up, down) if name and (why := _wrong_name("table", name))), None)
        if task and task not in self.tasks:
            reason = f"task {task!r} is not in tasks.csv"
        elif not task and not (up and down):
            reason = "a view needs both tables"
        elif not (up or down):
            reason = "names no table"
        if reason is not None:
            self.refuse("lineage.csv", line, reason)
            return
        for name in (up, down):
            if name and name not in self.tables:
                self.tables[name] = TableRow(name)
        self.lineage[LineageRow(up or None, down or None, task or None)] = None

    def refuse(self, file: str, line: int, reason: str) -> None:
        self.bad.append(BadRow(file, line, reason))

    def batch(self) -> ImportBatch:
        return ImportBatch(
            tuple(self.tables.values()),
            tuple(self.tasks.values()),
            tuple(self.lineage),
            tuple(self.relations),
            tuple(self.memberships),
            workflows=tuple(self._settings()),
            bad=tuple(self.bad),
            warnings=tuple(self.warnings),
        )

    def _settings(self) -> Iterator[WorkflowSettings]:
        for code, crons in sorted(self.crons.items()):
            if len(crons) > 1:
                self.warnings.append(f"workflow {code}: its tasks have different schedules, so it has none")
            cron = next(iter(crons)) if len(crons) == 1 else ""
            yield WorkflowSettings(code, self.codes[code], schedule_cron=cron or None)


def _wrong_name(column: str, name: str) -> str | None:
    if not name:
        return f"{column} is empty"
    if len(name) > NAME_LIMIT:
        return f"{column} has {len(name)} characters, at most {NAME_LIMIT} are possible"
    if not name.isprintable():
        return f"{column} has characters that cannot be printed: {name!r}"
    return None
