"""The only place that takes versions, edges, task definitions and texts away again. Each call is one small
transaction's work: it says what must hold when it is committed, whoever saves or publishes meanwhile."""

from collections.abc import Collection

import sqlalchemy as sa

from wfgov_dagster.ports.retention import IntervalKey, TaskKey
from wfgov_dagster.store.among import among
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.schema.candidate import workflow_candidate
from wfgov_dagster.store.schema.instances import engine_deployment_version
from wfgov_dagster.store.schema.publish import workflow_definition_snapshot, workflow_publish_record
from wfgov_dagster.store.schema.workflow import (
    canonical_document,
    task_definition,
    task_definition_log,
    workflow_edge_log,
    workflow_task_log,
    workflow_task_relation,
    workflow_version,
)

_V, _L, _H = workflow_version.c, task_definition_log.c, canonical_document.c.hash
# Whoever names a version for ever: its row stays for them, emptied.
_NAMING = (workflow_publish_record, workflow_definition_snapshot, engine_deployment_version)
_TEXTS = (
    task_definition_log.c.body_hash,
    task_definition.c.body_hash,
    workflow_definition_snapshot.c.content_hash,
    workflow_candidate.c.content_hash,
)


class SqlRemoval:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def remove_versions(self, workflow_id: int, ids: Collection[int]) -> None:
        """In as few statements as can be: while the workflow is locked, each is a way to the server and back."""
        naming = (
            sa.select(table.c.version_id).where(
                table.c.workflow_id == workflow_id, among(self._conn, table.c.version_id, ids)
            )
            for table in _NAMING
        )
        named = set(self._conn.scalars(sa.union(*naming)))
        gone = set(ids) - named
        if gone:
            r = workflow_task_relation.c
            lost = sa.update(workflow_task_relation).where(r.workflow_id == workflow_id)
            self._conn.execute(lost.where(among(self._conn, r.version_id, gone)).values(version_id=None))
            self._conn.execute(sa.delete(workflow_version).where(among(self._conn, _V.id, gone)))
        if named:
            emptied = sa.update(workflow_version).where(among(self._conn, _V.id, named))
            self._conn.execute(emptied.values(structure_snapshot="", functional_hash="", removed_at=db_now()))

    def remove_edges(self, keys: Collection[IntervalKey]) -> int:
        return self._remove_ended(workflow_edge_log, keys)

    def remove_members(self, keys: Collection[IntervalKey]) -> int:
        return self._remove_ended(workflow_task_log, keys)

    def _remove_ended(self, log: sa.Table, keys: Collection[IntervalKey]) -> int:
        """An interval never changes again once it has ended, and no later version can lie in it."""
        ended = sa.delete(log).where(among(self._conn, log.c.id, [one for _, one in keys]))
        return self._conn.execute(ended.where(log.c.to_version.is_not(None))).rowcount

    def remove_tasks(self, keys: Collection[TaskKey]) -> int:
        """A version of a task that is not current never becomes so again."""
        now = task_definition.alias("now")
        current = sa.exists().where(now.c.task_code == _L.task_code, now.c.version == _L.version)
        this = (_L.task_code == sa.bindparam("c")) & (_L.version == sa.bindparam("v"))
        gone = sa.delete(task_definition_log).where(this, sa.not_(current))
        return self._conn.execute(gone, [{"c": one, "v": number} for one, number in keys]).rowcount

    def remove_orphans(self, hashes: Collection[str]) -> int:
        """Locked first, then looked at again in a statement of its own: on PostgreSQL a save holds the texts that it
        has found and is about to name (`SqlVersions.keep`), and a statement sees what was committed before it."""
        lock = sa.select(_H).where(among(self._conn, _H, hashes)).with_for_update(skip_locked=True)
        free = list(self._conn.scalars(lock))
        gone = sa.delete(canonical_document).where(among(self._conn, _H, free), is_orphan())
        return self._conn.execute(gone).rowcount if free else 0


def is_orphan(*, but_for_the_log: bool = False) -> sa.ColumnElement[bool]:
    """Of a canonical text: nothing names it, or nothing but versions of tasks that are not current."""
    naming = _TEXTS[1:] if but_for_the_log else _TEXTS
    return sa.and_(*(sa.not_(sa.exists().where(column == _H).correlate(canonical_document)) for column in naming))
