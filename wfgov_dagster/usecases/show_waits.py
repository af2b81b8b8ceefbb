"""What a plan says of dependencies on other workflows."""

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.domain.publish import Content
from wfgov_dagster.domain.window import DEFAULT, choose, stored
from wfgov_dagster.ports.store import Work


def waits_of(work: Work, sent: Content) -> tuple[str, ...]:
    """A line for each confirmed edge: which run of the writer is waited for, and why that one."""
    lines = []
    for edge in sent.definition.cross_edges:
        chosen = choose(sent.schedule, _schedule(work, edge.upstream_workflow))
        reason = chosen.reason if stored(chosen) == edge.window else "as its version was made; the crons differ now"
        window = edge.window or DEFAULT
        lines.append(f"{edge.task} waits for {edge.upstream_workflow}/{edge.upstream_task}: {window} ({reason})")
    return tuple(lines)


def unconfirmed(work: Work, workflow_code: str) -> tuple[str, ...]:
    """A sentence for each edge into the workflow that nobody has decided about."""
    return tuple(
        f"{one.task_code} reads what {one.upstream_workflow_code}/{one.upstream_task_code} writes and will not wait "
        f"for it: wfgov edge confirm {one.task_code} {one.upstream_task_code}, or reject"
        for one in work.cross_edges.all(workflow_code, "unconfirmed")
        if one.workflow_code == workflow_code
    )


def _schedule(work: Work, workflow_code: str) -> Schedule | None:
    detail = work.queries.workflow_detail(workflow_code)
    if detail is None or detail.definition_json is None:
        return None
    return snapshot.parse(detail.definition_json).settings.schedule
