"""A dry run: what a publish would do now. No row is written and the engine is only looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wfgov_dagster.domain.diff import diff, summary
from wfgov_dagster.domain.not_held import warnings
from wfgov_dagster.domain.plan import Step, desired_row, plan
from wfgov_dagster.domain.protocol import pauses
from wfgov_dagster.domain.publish import Content, Found, Operation, content, found, wanted
from wfgov_dagster.ports.engine import Observed
from wfgov_dagster.usecases.foreign_edits import Place, strange_parts
from wfgov_dagster.usecases.publisher import Publisher
from wfgov_dagster.usecases.request_publish import Request, check
from wfgov_dagster.usecases.show_waits import unconfirmed, waits_of


@dataclass(frozen=True, slots=True)
class Preview:
    """`steps` as they would be taken; `change_summary`: how the content would differ from what the engine holds.
    `observed`: what it holds; `foreign`: its parts that somebody changed there, for which it would be paused.
    `waits`: a line for each task of another workflow that it would wait for; `warnings`: for others that are nobody's
    decision yet, and for what would run differently there, because the engine cannot hold it."""

    workflow_code: str
    operation: Operation
    engine: str
    version_no: int
    content_hash: str
    observed: Observed | None
    found: Found
    desired: Mapping[str, object]
    steps: Sequence[Step]
    change_summary: str
    foreign: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def preview(publisher: Publisher, request: Request) -> Preview:
    """Raises what the publish would be refused or fail with: NotFound, Conflict, EngineUnreachable."""
    with publisher.store.read() as work:
        checked = check(work, request)
        engine, workflow, version = checked.engine, checked.workflow, checked.version
        sends = request.operation is not Operation.OFFLINE
        definition = work.versions.definition(workflow.code, version.version_no) if sends else None
        before = work.publishing.unfinished(engine.id, workflow.id)
        shows = publisher.engine_of(engine)
        sent = None if definition is None else content(version, definition, shows)
        waits = () if sent is None else waits_of(work, sent)
        told = unconfirmed(work, workflow.code) if sends else ()
    live = shows.observe(workflow.code)
    strange: Mapping[str, str] = {}
    if live is not None and pauses(request.operation):
        strange = strange_parts(publisher.store, Place(engine.id, workflow.id, shows, sent), live)
    seen = found(live, before)
    desired = wanted(request.operation, workflow.code, sent, seen)
    steps = plan(desired, live)
    return Preview(
        workflow.code,
        request.operation,
        engine.name,
        version.version_no,
        version.content_hash,
        live,
        seen,
        desired_row(desired),
        steps,
        _changes(sent, live),
        tuple(sorted(strange)) if steps else (),
        waits,
        told if definition is None else (*told, *warnings(definition, shows.shown(definition))),
    )


def _changes(sent: Content | None, live: Observed | None) -> str:
    if sent is None:
        return ""
    return summary(diff(None if live is None else live.definition, sent.definition), {})
