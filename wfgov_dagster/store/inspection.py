"""What inspections start from and keep: one query for all workflows of an engine."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from wfgov_dagster.domain.publish import WAITING, VersionRef
from wfgov_dagster.ports.inspection import Area, Deployed, Held, Stand
from wfgov_dagster.store.among import among
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.schema.derived import inspection_finding
from wfgov_dagster.store.schema.publish import engine_deployment, publish_step, workflow_publish_record
from wfgov_dagster.store.schema.workflow import data_workflow, workflow_version

_W, _D, _R, _P = data_workflow.c, engine_deployment.c, workflow_publish_record.c, publish_step.c
_F = inspection_finding.c
_CURRENT, _CONFIRMED = workflow_version.alias("current"), workflow_version.alias("confirmed")
_DEPLOYED = (_D.engine_workflow_code, _D.online, _D.schedule_online, _D.confirmed_at, _D.seen_revision)
_LONGEST_CODE = 255


class SqlInspections:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def engines_of(self, codes: Collection[str]) -> Mapping[str, Collection[int]]:
        joined = data_workflow.outerjoin(engine_deployment, _D.workflow_id == _W.id)
        query = sa.select(_W.workflow_code, _D.engine_id).select_from(joined)
        found: dict[str, set[int]] = {}
        for code, engine_id in self._conn.execute(query.where(among(self._conn, _W.workflow_code, codes))):
            found.setdefault(code, set()).update([] if engine_id is None else [engine_id])
        return found

    def stands(self, engine_id: int, codes: Collection[str] | None) -> Sequence[Stand]:
        here = (_R.engine_id == engine_id) & (_R.workflow_id == _W.id)
        driven = sa.exists().where(here, _R.status == "pending", _R.phase.not_in(WAITING))
        newest = sa.select(sa.func.max(_R.id)).where(here).correlate(data_workflow).scalar_subquery()
        joined = (
            data_workflow.outerjoin(engine_deployment, (_D.workflow_id == _W.id) & (_D.engine_id == engine_id))
            .outerjoin(_CURRENT, _CURRENT.c.id == _W.current_version_id)
            .outerjoin(_CONFIRMED, _CONFIRMED.c.id == _D.version_id)
        )
        own = (_W.id, _W.workflow_code, sa.func.coalesce(_W.owner, _W.owner_team), driven, newest)
        query = sa.select(*own, *_version(_CURRENT), *_version(_CONFIRMED), *_DEPLOYED).select_from(joined)
        chosen = _D.engine_id.is_not(None) if codes is None else among(self._conn, _W.workflow_code, codes)
        return [_stand(row) for row in self._conn.execute(query.where(chosen).order_by(_W.workflow_code))]

    def late_steps(self, engine_id: int, horizon_seconds: float) -> Mapping[int, frozenset[str]]:
        late = (_P.outcome == "unknown") & (_P.ended_at > db_now(-horizon_seconds)) & (_R.engine_id == engine_id)
        query = sa.select(_R.workflow_id, _P.step).join(workflow_publish_record, _R.id == _P.record_id)
        found: dict[int, set[str]] = {}
        for workflow_id, step in self._conn.execute(query.where(late)):
            found.setdefault(workflow_id, set()).add(step)
        return {workflow_id: frozenset(steps) for workflow_id, steps in found.items()}

    def saw(self, engine_id: int, revisions: Mapping[int, str | None]) -> None:
        for workflow_id, revision in sorted(revisions.items()):
            this = (_D.engine_id == engine_id) & (_D.workflow_id == workflow_id)
            self._conn.execute(sa.update(engine_deployment).where(this).values(seen_revision=revision))

    def settle(self, rules: str, area: Area, found: Sequence[Held]) -> Mapping[tuple[str, str], datetime]:
        rows = self._open(rules, area)
        open_now = {(row.rule, row.object_code): row for row in reversed(rows)}
        wanted = {(one.rule, one.code[:_LONGEST_CODE]): one for one in found}
        kept = {row.id for key, row in open_now.items() if key in wanted}
        gone = [row.id for row in rows if row.id not in kept]
        if gone:
            closing = sa.update(inspection_finding).where(among(self._conn, _F.id, gone))
            self._conn.execute(closing.values(closed_at=db_now()))
        since: dict[tuple[str, str], datetime] = {}
        for key, one in sorted(wanted.items()):
            said = {"message": one.message, "owner": one.owner}
            before = open_now.get(key)
            if before is None:
                values = {"rule": key[0], "object_type": area.object_type, "object_code": key[1], **said}
                made = sa.insert(inspection_finding).values(**values, opened_at=db_now()).returning(_F.opened_at)
                since[key] = self._conn.execute(made).scalar_one()
                continue
            since[key] = before.opened_at
            if (before.message, before.owner) != (one.message, one.owner):
                self._conn.execute(sa.update(inspection_finding).where(_F.id == before.id).values(**said))
        return since

    def _open(self, rules: str, area: Area) -> Sequence[Any]:
        """The oldest first."""
        query = sa.select(_F.id, _F.rule, _F.object_code, _F.message, _F.owner, _F.opened_at).where(
            _F.closed_at.is_(None),
            _F.object_type == area.object_type,
            sa.func.substr(_F.rule, 1, len(rules)) == rules,
            sa.func.substr(_F.object_code, 1, len(area.prefix)) == area.prefix,
        )
        chosen = area.codes is None
        return [
            row
            for row in self._conn.execute(query.order_by(_F.id))
            if row.object_code not in area.without and (chosen or row.object_code in (area.codes or ()))
        ]


def _version(versions: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    return [versions.c.id, versions.c.version_no, versions.c.content_hash]


def _stand(row: Sequence[Any]) -> Stand:
    identity, code, owner, driven, newest = row[:5]
    current, confirmed, rest = row[5:8], row[8:11], row[11:]
    deployed = None
    if confirmed[0] is not None:
        engine_code, online, schedule_online, confirmed_at, seen = rest
        deployed = Deployed(
            VersionRef(*confirmed), engine_code, bool(online), bool(schedule_online), confirmed_at, seen
        )
    ref = None if current[0] is None else VersionRef(*current)
    return Stand(identity, code, owner, ref, deployed, bool(driven), newest)
