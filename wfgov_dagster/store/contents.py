"""What versions consist of, read from the logs of their tasks and edges."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from wfgov_dagster.domain.version import Rebuilt, rebuild
from wfgov_dagster.store.intervals import covers
from wfgov_dagster.store.schema.workflow import (
    canonical_document,
    data_workflow,
    task_definition_log,
    workflow_edge_log,
    workflow_task_log,
    workflow_version,
)

_V, _W, _T, _G, _L = (
    workflow_version.c,
    data_workflow.c,
    workflow_task_log.c,
    workflow_edge_log.c,
    task_definition_log.c,
)
WITH_TASKS = workflow_version.join(
    workflow_task_log, (_T.workflow_id == _V.workflow_id) & covers(workflow_task_log, _V.version_no)
)
WITH_EDGES = workflow_version.join(data_workflow, _W.id == _V.workflow_id).join(
    workflow_edge_log, (_G.workflow_code == _W.workflow_code) & covers(workflow_edge_log, _V.version_no)
)


def rebuilt(conn: sa.Connection, versions: sa.Select[tuple[int]]) -> dict[int, Rebuilt]:
    """By workflow id; `versions`: ids, of each workflow one at most."""
    bodied = WITH_TASKS.join(task_definition_log, (_L.task_code == _T.task_code) & (_L.version == _T.task_version))
    bodied = bodied.join(canonical_document, canonical_document.c.hash == _L.body_hash)
    these = _V.id.in_(versions)
    held = sa.select(_V.workflow_id, _T.task_code, _T.task_version, canonical_document.c.body).select_from(bodied)
    tasks = _of_each(conn, held.where(these))
    drawn = sa.select(_V.workflow_id, _G.pre_task_code, _G.post_task_code).select_from(WITH_EDGES)
    edges = _of_each(conn, drawn.where(these))
    texts = conn.execute(sa.select(_V.workflow_id, _V.structure_snapshot).where(these)).all()
    return {
        workflow: Rebuilt(
            rebuild(text, [body for _, _, body in tasks.get(workflow, ())], edges.get(workflow, ())),
            {code: version for code, version, _ in tasks.get(workflow, ())},
        )
        for workflow, text in texts
    }


def task_versions(conn: sa.Connection, workflow_code: str, version_no: int) -> Mapping[str, int]:
    """Tasks of a version; none where there is no such version, or it was removed."""
    query = sa.select(_T.task_code, _T.task_version).select_from(
        WITH_TASKS.join(data_workflow, _W.id == _V.workflow_id)
    )
    this = (_W.workflow_code == workflow_code, _V.version_no == version_no, _V.removed_at.is_(None))
    return {row[0]: row[1] for row in conn.execute(query.where(*this).order_by(_T.task_code))}


def _of_each(conn: sa.Connection, query: sa.Select[Any]) -> Mapping[int, Sequence[tuple[Any, ...]]]:
    """Rows by their first column, sorted by the others as a document has them."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    for workflow, *row in conn.execute(query):
        found.setdefault(workflow, []).append(tuple(row))
    for rows in found.values():
        rows.sort()
    return found
