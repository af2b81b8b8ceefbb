"""What an importer hands over: plain rows, named by code and table name, never by id."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Relation = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class TableRow:
    """A table. `name` is the full text `db.table`; it is split at its last dot when stored."""

    name: str
    layer: str | None = None
    business_domain: str | None = None
    data_domain: str | None = None
    owner: str | None = None
    table_type: str | None = None


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task. Times in seconds; `text` None becomes a SHELL node that echoes the code (design: issue "metadata")."""

    code: str
    name: str
    task_type: str = "batch"
    node_type: str = "SQL"
    text: str | None = None
    description: str | None = None
    datasource: str | None = None
    datasource_type: str | None = None
    schedule_cron: str | None = None
    priority: int | None = None
    timeout_seconds: int | None = None
    retry_times: int | None = None
    retry_interval: int | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class LineageRow:
    """With `task_code`: the task reads `upstream` and writes `downstream` (either may be None).

    Without: `downstream` is a view of `upstream`, and both are given.
    """

    upstream: str | None
    downstream: str | None
    task_code: str | None = None


@dataclass(frozen=True, slots=True)
class RelationRow:
    table: str
    task_code: str
    relation: Relation


@dataclass(frozen=True, slots=True)
class MembershipDeclaration:
    task_code: str
    workflow_code: str


@dataclass(frozen=True, slots=True)
class DependencyDeclaration:
    task_code: str
    upstream_code: str
    reason: str


@dataclass(frozen=True, slots=True)
class NodeDeclaration:
    """What the DAG node of a task needs beside its row. `spec`: domain.snapshot.task_spec."""

    task_code: str
    spec: str


@dataclass(frozen=True, slots=True)
class WorkflowSettings:
    """Settings of a declared workflow. `schedule_cron` has five fields; None = no schedule. `settings`: all of them at
    once, schedule included, as the `workflow` part of a w1 document."""

    workflow_code: str
    name: str | None = None
    description: str | None = None
    schedule_cron: str | None = None
    time_zone: str | None = None
    settings: str | None = None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was not taken; `line` counts from 1, the header included."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportBatch:
    """Everything one source holds now. What it held before and is not in here, is gone."""

    tables: Sequence[TableRow] = ()
    tasks: Sequence[TaskRow] = ()
    lineage: Sequence[LineageRow] = ()
    relations: Sequence[RelationRow] = ()
    memberships: Sequence[MembershipDeclaration] = ()
    dependencies: Sequence[DependencyDeclaration] = ()
    workflows: Sequence[WorkflowSettings] = ()
    nodes: Sequence[NodeDeclaration] = ()
    bad: Sequence[BadRow] = ()
    warnings: Sequence[str] = field(default_factory=tuple)
