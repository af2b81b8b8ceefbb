"""A folder of .sql files, one file a task → metadata rows.

A task's code is its file's name without `.sql`, whatever folder below the root it lies in; two files with one code are
an error of both. Files and folders whose name starts with a dot are not looked at. A header (sql_header.py) may say
more than the SQL does; what is stored as the task's text is the SQL without it. A view counts twice: the task that
makes it writes it, and it is told as a view of what it reads, because who reads it reads those tables' rows of that
moment.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from sqlglot.dialects.dialect import Dialects

from wfgov_dagster.domain.grouping import fitted
from wfgov_dagster.errors import InvalidInput
from wfgov_dagster.importers.sql_file import SqlFile, code_of, read_file
from wfgov_dagster.ports.metadata import (
    BadRow,
    DependencyDeclaration,
    ImportBatch,
    LineageRow,
    MembershipDeclaration,
    RelationRow,
    TableRow,
    TaskRow,
    WorkflowSettings,
)

DIALECTS = tuple(sorted(one.value for one in Dialects if one.value))


def read_sql_folder(folder: Path, dialect: str) -> ImportBatch:
    """Everything the files say, in the order of their paths; a file with any error is only in `bad`.

    Raises InvalidInput for a dialect that sqlglot does not know, and for a folder that is none or has no .sql file: an
    empty batch would delete everything that the source held.
    """
    if dialect not in DIALECTS:
        near = get_close_matches(dialect.lower(), DIALECTS, n=3) or DIALECTS
        raise InvalidInput(f"unknown SQL dialect {dialect!r}", hint=f"one of: {', '.join(near)}")
    if not folder.is_dir():
        raise InvalidInput("no such folder", where=str(folder), hint="it holds one .sql file a task")
    paths = sorted(path.relative_to(folder).as_posix() for path in _sql_files(folder))
    if not paths:
        raise InvalidInput("no .sql file in this folder or below", where=str(folder), hint="one .sql file a task")
    bad, twice = [], _twice(paths)
    files: list[SqlFile] = []
    for path in paths:
        read = twice.get(path) or read_file(folder / path, path, dialect)
        if isinstance(read, SqlFile):
            files.append(read)
        else:
            bad += read
    clashes = _clashes(files)
    return _batch([file for file in files if file.path not in clashes], [*bad, *clashes.values()])


def _sql_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.name.lower().endswith(".sql") and not hidden and not path.is_dir():
            yield path


def _twice(paths: Sequence[str]) -> Mapping[str, list[BadRow]]:
    by_code: defaultdict[str, list[str]] = defaultdict(list)
    for path in paths:
        by_code[code_of(path)].append(path)
    return {
        path: [BadRow(path, 1, f"task {code!r} is in several files: {', '.join(same)}")]
        for code, same in by_code.items()
        if len(same) > 1
        for path in same
    }


def _clashes(files: Sequence[SqlFile]) -> Mapping[str, BadRow]:
    """Files whose workflow, cut to its limit, has the code of another workflow."""
    first: dict[str, str] = {}
    clashes = {}
    for file in files:
        if name := file.header.workflow:
            other = first.setdefault(fitted(name), name)
            if other != name:
                reason = f"workflows {name!r} and {other!r} share the code {fitted(name)}"
                clashes[file.path] = BadRow(file.path, 1, reason)
    return clashes


def _batch(files: Sequence[SqlFile], bad: Sequence[BadRow]) -> ImportBatch:
    tables, doubts = _tables(files)
    workflows, differences = _workflows(files)
    unknown = [
        f"{file.path}: which tables these use is not known, the header may name them: {'; '.join(file.unknown)}"
        for file in files
        if file.unknown and not (file.header.reads or file.header.writes)
    ]
    return ImportBatch(
        tables=tables,
        tasks=tuple(map(_task, files)),
        lineage=tuple(LineageRow(up, view) for up, view in sorted({pair for file in files for pair in file.views})),
        relations=tuple(row for file in files for row in _relations(file)),
        memberships=tuple(MembershipDeclaration(f.code, fitted(f.header.workflow)) for f in files if f.header.workflow),
        dependencies=tuple(
            DependencyDeclaration(file.code, upstream, f"depends_on in {file.path}")
            for file in files
            for upstream in sorted(set(file.header.depends_on))
        ),
        workflows=workflows,
        bad=tuple(sorted(bad, key=lambda row: (row.file, row.line))),
        warnings=(*unknown, *doubts, *differences),
    )


def _task(file: SqlFile) -> TaskRow:
    said = file.header
    return TaskRow(
        code=file.code,
        name=said.name or file.code,
        text=file.text,
        description=said.description,
        datasource=said.datasource,
        schedule_cron=said.cron,
        priority=said.priority,
        timeout_seconds=said.timeout_seconds,
        retry_times=said.retries,
        retry_interval=said.retry_interval_seconds,
        owner=said.owner,
    )


def _relations(file: SqlFile) -> Iterator[RelationRow]:
    yield from (RelationRow(table, file.code, "read") for table in file.reads)
    yield from (RelationRow(table, file.code, "write") for table in file.writes)


def _tables(files: Sequence[SqlFile]) -> tuple[tuple[TableRow, ...], list[str]]:
    """Every table by name. What a table is, the first file that writes it and says so decides; and what is doubtful."""
    known: dict[str, TableRow] = {}
    for file in files:
        said = file.header
        made = {view for _, view in file.views}
        for name in file.writes:
            row = known.get(name, TableRow(name))
            known[name] = replace(
                row,
                layer=row.layer or said.layer,
                business_domain=row.business_domain or said.business_domain,
                data_domain=row.data_domain or said.data_domain,
                owner=row.owner or said.owner,
                table_type=row.table_type or ("view" if name in made else "table"),
            )
    for name in {name for file in files for name in file.reads}:
        known.setdefault(name, TableRow(name))
    folded: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(known):
        folded[name.casefold()].append(name)
    doubts = [f"tables that differ in case only are different tables: {', '.join(n)}" for n in folded.values() if n[1:]]
    return tuple(known[name] for name in sorted(known)), doubts


def _workflows(files: Sequence[SqlFile]) -> tuple[tuple[WorkflowSettings, ...], list[str]]:
    """A workflow's schedule is that of its tasks which name a cron; none if they differ, with a warning."""
    said: defaultdict[str, set[tuple[str, str | None]]] = defaultdict(set)
    for file in files:
        if file.header.workflow:
            said[file.header.workflow] |= {(file.header.cron, file.header.time_zone)} if file.header.cron else set()
    rows, differences = [], []
    for name, schedules in sorted(said.items()):
        cron, zone = next(iter(schedules)) if len(schedules) == 1 else (None, None)
        rows.append(WorkflowSettings(fitted(name), name, schedule_cron=cron, time_zone=zone))
        if len(schedules) > 1:
            several = ", ".join(sorted(f"{cron} ({zone or 'no zone'})" for cron, zone in schedules))
            differences.append(f"workflow {name}: its tasks have different schedules, so it has none: {several}")
    return tuple(rows), differences
