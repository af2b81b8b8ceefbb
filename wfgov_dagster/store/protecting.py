"""What no clean-up touches: a list of queries, each with its reason. Whoever makes versions precious adds one.

Each takes a workflow's id and gives ids of its versions. They are asked while the workflow is locked, so none may cost
more than an index over that workflow's rows; each is built once, so it may only compare with the id.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import orjson
import sqlalchemy as sa

from wfgov_dagster.domain.change_set import UNDER_WAY, MemberState
from wfgov_dagster.domain.flow import FlowState
from wfgov_dagster.domain.retention import PUBLISHED, ROLLBACK, TAGGED
from wfgov_dagster.store.schema.change_set import change_set, change_set_member
from wfgov_dagster.store.schema.flow import flow
from wfgov_dagster.store.schema.publish import (
    engine_deployment,
    workflow_definition_snapshot,
    workflow_publish_record,
)
from wfgov_dagster.store.schema.retention import workflow_version_tag
from wfgov_dagster.store.schema.workflow import data_workflow, workflow_version

_W, _V, _D = data_workflow.c, workflow_version.c, engine_deployment.c
_S, _R, _F = workflow_definition_snapshot.c, workflow_publish_record.c, flow.c
_C, _M, _T = change_set.c, change_set_member.c, workflow_version_tag.c
_OVER: Final = (FlowState.FINISHED, FlowState.CANCELED)


def _current(workflow_id: int) -> sa.Select[Any]:
    return sa.select(_W.current_version_id).where(_W.id == workflow_id)


def _last_published(workflow_id: int) -> sa.Select[Any]:
    return sa.select(_W.last_published_version_id).where(_W.id == workflow_id)


def _newest(workflow_id: int) -> sa.Select[Any]:
    """The next version is its number + 1, so that no number is given twice."""
    return sa.select(_V.id).where(_V.workflow_id == workflow_id).order_by(_V.version_no.desc()).limit(1)


def _deployed(workflow_id: int) -> sa.Select[Any]:
    return sa.select(_D.version_id).where(_D.workflow_id == workflow_id)


def _baseline(workflow_id: int) -> sa.Select[Any]:
    return sa.select(_S.version_id).where(_S.workflow_id == workflow_id, _S.is_baseline == 1)


def _imported(workflow_id: int) -> sa.Select[Any]:
    """Nothing else says what was brought here."""
    return sa.select(_V.id).where(_V.workflow_id == workflow_id, _V.imported_from.is_not(None))


def _published(workflow_id: int) -> sa.Select[Any]:
    return sa.select(_S.version_id).where(_S.workflow_id == workflow_id, _S.status == "published")


def _tagged(workflow_id: int) -> sa.Select[Any]:
    return sa.select(_T.version_id).where(_T.workflow_id == workflow_id)


def _rollback_target(workflow_id: int) -> sa.Select[Any]:
    """Whose content a version that is there brought back."""
    source = workflow_version.alias("source")
    came_back = (source.c.workflow_id == workflow_id) & source.c.rollback_of.is_not(None)
    numbers = sa.select(source.c.rollback_of).where(came_back, source.c.removed_at.is_(None))
    return sa.select(_V.id).where(_V.workflow_id == workflow_id, _V.version_no.in_(numbers))


def _open_records(workflow_id: int) -> sa.Select[Any]:
    return sa.select(_R.id).where(_R.workflow_id == workflow_id, _R.status == "pending")


def _unfinished_records(workflow_id: int) -> sa.Select[Any]:
    """Whose flow a person may resume."""
    joined = workflow_publish_record.join(flow, _F.id == _R.flow_id)
    return sa.select(_R.id).select_from(joined).where(_R.workflow_id == workflow_id, _F.state.not_in(_OVER))


def _last_records(workflow_id: int) -> sa.CompoundSelect[Any]:
    """On each engine the newest, which a retry goes on with, and the newest that sent something, which the engine may
    hold also where nothing is confirmed."""
    mine = _R.workflow_id == workflow_id
    newest = sa.select(sa.func.max(_R.id)).where(mine).group_by(_R.engine_id)
    sent = sa.select(sa.func.max(_R.id)).where(mine, _R.found.is_not(None), _R.operation != "offline")
    return newest.union_all(sent.group_by(_R.engine_id))


Query = Callable[[Any], Any]
_WORKFLOW: Final[sa.BindParameter[int]] = sa.bindparam("workflow_asked")

PROTECTING: Final[Sequence[tuple[str, Query]]] = (
    ("current", _current),
    ("newest", _newest),
    ("last published", _last_published),
    ("deployed on an engine", _deployed),
    ("baseline", _baseline),
    ("imported", _imported),
    (ROLLBACK, _rollback_target),
    (TAGGED, _tagged),  # while the rule says so, as the next one
    (PUBLISHED, _published),
)
# Of publish records both versions count: the one it is about, and the one that it brings back.
PROTECTING_RECORDS: Final[Sequence[tuple[str, Query]]] = (
    ("in an open publish", _open_records),
    ("in a flow that has not ended", _unfinished_records),
    ("last publish on its engine", _last_records),
)


def protected(conn: sa.Connection, workflow_id: int) -> dict[int, list[str]]:
    """Version id → reasons, in the order of the lists."""
    found: dict[int, list[str]] = {}
    asked = {_WORKFLOW.key: workflow_id}
    order = [reason for reason, _ in PROTECTING]
    told = conn.execute(_versions(tuple(PROTECTING)), asked).all()
    for reason, version_id in sorted(told, key=lambda row: order.index(row[0])):
        _add(found, version_id, reason)
    order = [reason for reason, _ in PROTECTING_RECORDS]
    records = conn.execute(_records(tuple(PROTECTING_RECORDS)), asked).all()
    for reason, version_id, target in sorted(records, key=lambda row: order.index(row[0])):
        _add(found, version_id, reason)
        _add(found, None if target is None else orjson.loads(target).get("version_id"), reason)
    for version_id in _in_change_sets(conn, workflow_id):
        _add(found, version_id, "in a change set")
    return found


@cache
def _versions(listed: tuple[tuple[str, Query], ...]) -> sa.CompoundSelect[Any]:
    """(reason, version id), by all of them in one statement."""
    parts = []
    for reason, query in listed:
        found = query(_WORKFLOW).subquery()
        parts.append(sa.select(sa.literal(reason, literal_execute=True), *found.c))
    return sa.union_all(*parts)


@cache
def _records(listed: tuple[tuple[str, Query], ...]) -> sa.CompoundSelect[Any]:
    """(reason, version id, target) of the records."""
    about = (_R.version_id, _R.target)
    mine = _R.workflow_id == _WORKFLOW
    parts = (
        sa.select(sa.literal(reason, literal_execute=True), *about).where(mine, _R.id.in_(query(_WORKFLOW)))
        for reason, query in listed
    )
    return sa.union_all(*parts)


def _add(found: dict[int, list[str]], version_id: int | None, reason: str) -> None:
    if version_id is not None and reason not in found.setdefault(version_id, []):
        found[version_id].append(reason)


def _in_change_sets(conn: sa.Connection, workflow_id: int) -> Sequence[int]:
    """Versions that a set under way publishes, brings back, or would bring back."""
    numbers = set()
    for number, *texts in conn.execute(_members(), {_WORKFLOW.key: workflow_id}):
        numbers |= {number, *(orjson.loads(text).get("version_no") for text in texts if text is not None)}
    known = sa.select(_V.id).where(_V.workflow_id == workflow_id, _V.version_no.in_(numbers - {None}))
    return conn.scalars(known).all() if numbers else ()


@cache
def _members() -> sa.Select[Any]:
    moving = sa.or_(_C.state.in_(tuple(UNDER_WAY)), _M.state.in_((MemberState.WAITING, MemberState.OPEN)))
    joined = change_set_member.join(change_set, _C.id == _M.change_set_id)
    columns = (_M.version_no, _M.before, _M.target)
    return sa.select(*columns).select_from(joined).where(_M.workflow_id == _WORKFLOW, moving)
