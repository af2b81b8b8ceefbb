"""An instance of the embedded engine that fails tells so in the same transaction."""

import sqlalchemy as sa

from wfgov_dagster.domain.alert import FailedInstance, of_instance
from wfgov_dagster.store.alerts import SqlAlerts
from wfgov_dagster.store.markers import marker_from
from wfgov_dagster.store.schema.embedded import embedded_instance as instances
from wfgov_dagster.store.schema.embedded import embedded_task_instance as tasks


def raise_alert(conn: sa.Connection, instance_id: int) -> None:
    """Of the task that failed first, and its last try."""
    i, t = instances.c, tasks.c
    query = sa.select(i.engine_name, i.workflow_code, i.marker, i.error, i.run_id).where(i.id == instance_id)
    row = conn.execute(query).one()
    failed = (t.instance_id == instance_id) & (t.state == "failed")
    first = sa.select(t.task_code, t.exit_code).where(failed).order_by(t.ended_at, t.task_code).limit(1)
    task_code, exit_code = conn.execute(first).one_or_none() or (None, None)
    marker = marker_from(row.marker)
    SqlAlerts(conn).add(
        of_instance(
            FailedInstance(
                instance_id,
                row.engine_name,
                row.workflow_code,
                None if marker is None else marker.version_no,
                row.error or "see its tasks",
                row.run_id,
                task_code,
                exit_code,
            )
        )
    )
