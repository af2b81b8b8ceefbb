"""Read models. Nothing in here needs polars: it would take longer to load than a small command runs."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from wfgov_dagster.ports.queries import (
    CrossWorkflowEdge,
    Direction,
    Evidence,
    Hop,
    MembershipRow,
    OpenFinding,
    VersionListRow,
    WorkflowDetail,
    WorkflowRow,
)
from wfgov_dagster.store.among import among
from wfgov_dagster.store.contents import task_versions
from wfgov_dagster.store.schema.derived import inspection_finding, task_dependency_view, task_topology
from wfgov_dagster.store.schema.given import data_lineage, data_table, data_task, metadata_change
from wfgov_dagster.store.schema.publish import engine, workflow_definition_snapshot, workflow_publish_record
from wfgov_dagster.store.schema.workflow import (
    cross_workflow_dependency,
    data_workflow,
    workflow_task_relation,
    workflow_version,
)

_W, _VER, _T, _R, _V = (
    data_workflow.c,
    workflow_version.c,
    data_task.c,
    workflow_task_relation.c,
    task_dependency_view.c,
)

_CRON = ("workflow", "schedule", "cron")  # path in the w1 document


class SqlQueries:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    # workflows

    def workflows(self, code: str | None = None) -> Sequence[WorkflowRow]:
        current, published = workflow_version.alias("current"), workflow_version.alias("published")
        query = (
            sa.select(
                _W.workflow_code, _W.workflow_name, _W.status, _W.publish_status,
                current.c.version_no, published.c.version_no,
                self._length(_W.definition_json, "tasks"), self._length(_W.definition_json, "edges"),
                self._length(_W.entry_task_ids), self._length(_W.exit_task_ids),
                _W.business_domain, _W.owner, self._cron(), _W.definition_error,
            )
            .outerjoin(current, current.c.id == _W.current_version_id)
            .outerjoin(published, published.c.id == _W.last_published_version_id)
            .order_by(_W.workflow_code)
        )  # fmt: skip
        if code is not None:
            query = query.where(_W.workflow_code == code)
        return [WorkflowRow(*row) for row in self._conn.execute(query)]

    def workflow_detail(self, code: str) -> WorkflowDetail | None:
        query: sa.Select[Any] = sa.select(
            _W.description, _W.origin, _W.owner_team, _W.pinned_reason, _W.pinned_by, _W.pinned_until,
            _W.created_by, _W.created_at, _W.updated_by, _W.updated_at, engine.c.name, _W.definition_json,
        ).outerjoin(engine, engine.c.id == _W.engine_id).where(_W.workflow_code == code)  # fmt: skip
        row = self._conn.execute(query).one_or_none()
        return None if row is None else WorkflowDetail(*row)

    def members(self, code: str) -> Sequence[MembershipRow]:
        query = (
            sa.select(
                _T.task_code, task_topology.c.level, _R.workflow_inheritance_mode,
                _R.upstream_task_count, _R.downstream_task_count,
            )
            .select_from(workflow_task_relation)
            .join(data_workflow, _W.id == _R.workflow_id)
            .join(data_task, sa.and_(_T.id == _R.task_id, _T.deleted == 0))
            .outerjoin(task_topology, task_topology.c.task_id == _T.id)
            .where(_W.workflow_code == code)
            .order_by(_T.task_code)
        )  # fmt: skip
        return [MembershipRow(*row) for row in self._conn.execute(query)]

    def crossing(self, code: str) -> Sequence[CrossWorkflowEdge]:
        x, up_flow, up_task = cross_workflow_dependency.c, data_workflow.alias("up_flow"), data_task.alias("up_task")
        columns = (up_flow.c.workflow_code, up_task.c.task_code, _W.workflow_code, _T.task_code)
        query = (
            sa.select(*columns, x.state, x.decided_by, x.reason)
            .select_from(cross_workflow_dependency)
            .join(data_workflow, _W.id == x.workflow_id)
            .join(up_flow, up_flow.c.id == x.upstream_workflow_id)
            .join(data_task, _T.id == x.task_id)
            .join(up_task, up_task.c.id == x.upstream_task_id)
            .where(sa.or_(_W.workflow_code == code, up_flow.c.workflow_code == code))
            .order_by(*columns)
        )
        return [CrossWorkflowEdge(*row) for row in self._conn.execute(query)]

    def findings(self, code: str) -> Sequence[OpenFinding]:
        f = inspection_finding.c
        about = (f.closed_at.is_(None), f.object_type == "workflow", f.object_code == code)
        query = sa.select(f.rule, f.message, f.opened_at).where(*about).order_by(f.rule, f.id)
        return [OpenFinding(*row) for row in self._conn.execute(query)]

    # dependencies

    def knows_task(self, code: str) -> bool:
        query = sa.select(_T.id).where(_T.task_code == code, _T.deleted == 0)
        return self._conn.execute(query).first() is not None

    def hops(self, codes: Collection[str], direction: Direction) -> Sequence[Hop]:
        up, down = data_task.alias("up"), data_task.alias("down")
        near, far = (down, up) if direction == "upstream" else (up, down)
        query = (
            sa.select(near.c.task_code, far.c.task_code, _V.kind, _V.table_read_id, _V.table_written_id, _V.chain)
            .select_from(task_dependency_view)
            .join(up, up.c.id == _V.upstream_task_id)
            .join(down, down.c.id == _V.task_id)
            .where(among(self._conn, near.c.task_code, codes))
            .order_by(far.c.task_code, near.c.task_code)
        )
        rows = self._conn.execute(query).all()
        chains = [_chain(row[2], row[3], row[5]) for row in rows]
        names = self._table_names({table for chain in chains for table in chain})
        return [
            Hop(
                row[0],
                row[1],
                Evidence(row[2], names.get(row[3]), names.get(row[4]), [names[table] for table in chain]),
            )
            for row, chain in zip(rows, chains, strict=True)
        ]

    def dependency_counts(self) -> Mapping[str, int]:
        counted = self._conn.execute(sa.select(_V.kind, sa.func.count()).group_by(_V.kind))
        return dict.fromkeys(("direct", "view", "declared"), 0) | {row[0]: row[1] for row in counted}

    def totals(self) -> Mapping[str, int]:
        """Rows of each noun; metadata without what was deleted, publishes that succeeded."""
        counted = {
            "tasks": sa.select(sa.func.count()).select_from(data_task).where(_T.deleted == 0),
            "tables": sa.select(sa.func.count()).select_from(data_table).where(data_table.c.deleted == 0),
            "lineage_rows": sa.select(sa.func.count()).select_from(data_lineage).where(data_lineage.c.deleted == 0),
            "workflows": sa.select(sa.func.count()).select_from(data_workflow),
            "versions": sa.select(sa.func.count()).where(_VER.removed_at.is_(None)),
            "publishes": sa.select(sa.func.count())
            .select_from(workflow_publish_record)
            .where(workflow_publish_record.c.status == "success"),
        }
        return {name: int(self._conn.scalar(query) or 0) for name, query in counted.items()}

    def open_changes(self) -> int:
        open_rows = sa.select(sa.func.count()).where(metadata_change.c.batch_id.is_(None))
        return int(self._conn.scalar(open_rows) or 0)

    def _table_names(self, tables: Collection[int]) -> dict[int, str]:
        """A table that only lineage rows name is `#<id>`."""
        t = data_table.c
        full = sa.case((t.db_name == "", t.table_name), else_=t.db_name + "." + t.table_name)
        found = self._conn.execute(sa.select(t.id, full).where(among(self._conn, t.id, tables)))
        return {table: f"#{table}" for table in tables} | {row[0]: row[1] for row in found}

    # versions

    def versions(self, code: str) -> Sequence[VersionListRow]:
        s = workflow_definition_snapshot.c
        seen = sa.exists().where(s.version_id == _VER.id, s.status == "published")
        query = (
            sa.select(
                _VER.version_no, _VER.content_hash, _VER.functional_hash, _VER.above_hash, _VER.change_summary,
                _VER.trigger_source, _VER.created_by, _VER.created_at, _VER.rollback_of, seen, _VER.imported_from,
            )
            .join(data_workflow, _W.id == _VER.workflow_id)
            .where(_W.workflow_code == code, _VER.removed_at.is_(None))
            .order_by(_VER.version_no)
        )  # fmt: skip
        return [VersionListRow(*row) for row in self._conn.execute(query)]

    def task_versions(self, code: str, version_no: int) -> Mapping[str, int]:
        return task_versions(self._conn, code, version_no)

    # JSON kept as text

    def _length(self, text: sa.ColumnElement[Any], member: str | None = None) -> sa.ColumnElement[int]:
        """Items of a JSON list, or of a list that is a member; 0 for NULL."""
        if self._conn.dialect.name == "sqlite":
            length = sa.func.json_array_length(text, "$" if member is None else f"$.{member}")
        else:
            whole = sa.cast(text, postgresql.JSON)
            length = sa.func.json_array_length(whole if member is None else whole[member])
        return sa.func.coalesce(length, 0)

    def _cron(self) -> sa.ColumnElement[str | None]:
        if self._conn.dialect.name == "sqlite":
            return sa.func.json_extract(_W.definition_json, "$." + ".".join(_CRON))
        cron: sa.ColumnElement[str | None] = sa.cast(_W.definition_json, postgresql.JSON)[_CRON].astext
        return cron


def _chain(kind: str, read: int, chain: str | None) -> list[int]:
    if kind == "declared":
        return []
    return [read] if chain is None else list(orjson.loads(chain))
