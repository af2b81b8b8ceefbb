"""Whether anything waits, in one statement over the indexes of what is due when."""

from collections.abc import Collection

import sqlalchemy as sa

from wfgov_dagster.ports.looks import Waiting
from wfgov_dagster.store.alerts import is_alert_due
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.flow_statements import is_flow_due
from wfgov_dagster.store.schema.alert import alert
from wfgov_dagster.store.schema.embedded import embedded_workflow
from wfgov_dagster.store.schema.flow import flow


class SqlLooks:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def waiting(self, known: Collection[tuple[str, int]]) -> Waiting:
        flows = sa.exists(sa.select(flow.c.id).where(is_flow_due(list(known))))
        fires = sa.exists(sa.select(embedded_workflow.c.id).where(embedded_workflow.c.next_fire_at <= db_now()))
        alerts = sa.exists(sa.select(alert.c.id).where(is_alert_due()))
        row = self._conn.execute(sa.select(flows, fires, alerts)).one()
        return Waiting(bool(row[0]), bool(row[1] or row[2]))
