"""A person confirms or rejects a dependency between two workflows; what follows from it is derived at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from wfgov_dagster.domain.todo import DEFINITIONS, MANUAL, workflow_key
from wfgov_dagster.errors import Conflict, CycleFound, InvalidInput, NotFound
from wfgov_dagster.ports.cross_edges import Decision
from wfgov_dagster.ports.queries import CrossWorkflowEdge
from wfgov_dagster.ports.store import Store, Todo, Work
from wfgov_dagster.usecases.define_workflows import define_workflows
from wfgov_dagster.usecases.orchestrate import steadily
from wfgov_dagster.usecases.propose import Proposed
from wfgov_dagster.usecases.save_versions import NewVersion, save_or_propose

CONFIRMED: Final = "confirmed"
REJECTED: Final = "rejected"
_LONGEST_REASON: Final = 2000


@dataclass(frozen=True, slots=True)
class Word:
    """What is said about which edge. `state` CONFIRMED or REJECTED."""

    upstream_task_code: str
    task_code: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decided:
    """The edge as it is now. `versions` that followed: the reader's one, or none; then `candidate` is what waits while
    the reader is pinned, or `broken` says why it has none."""

    edge: CrossWorkflowEdge
    before: str
    versions: Sequence[NewVersion] = field(default_factory=tuple)
    broken: str | None = None
    candidate: Proposed | None = None


def list_edges(store: Store, workflow_code: str | None, state: str | None) -> Sequence[CrossWorkflowEdge]:
    """Raises NotFound for a workflow that is none."""
    with store.read() as work:
        if workflow_code is not None and not work.queries.workflows(workflow_code):
            raise NotFound(f"no workflow {workflow_code!r}", where="workflows", hint="wfgov workflow list")
        return work.cross_edges.all(workflow_code, state)


def decide_edge(store: Store, actor: str, word: Word, time_zone: str) -> Decided:
    """Saying the same twice changes nothing. An edge that is confirmed now, or was, makes a version of the reader's
    workflow; a candidate while that is pinned.

    Raises NotFound, InvalidInput without a reason, or CycleFound with the circle; a refusal is on record too.
    """
    try:
        with store.write() as work:
            work.derivation.lock()
            before = _decide(work, actor, word)
    except (NotFound, InvalidInput, Conflict) as refusal:
        with store.write() as work:
            detail = {"upstream": word.upstream_task_code, "state": word.state, "error": refusal.sentence()}
            work.audit.add(actor, "decide_edge", ("task", word.task_code), detail, refused=True)
        raise
    defined = steadily(lambda: define_workflows(store, actor, time_zone))
    saved = steadily(lambda: save_or_propose(store, actor))
    with store.read() as work:
        edge = _found(work, word)
    reader = edge.workflow_code
    own = tuple(one for one in saved.versions if one.workflow_code == reader)
    waiting = next((one for one in saved.candidates if one.workflow_code == reader), None)
    return Decided(edge, before, own, (defined.broken or {}).get(reader), waiting)


def _decide(work: Work, actor: str, word: Word) -> str:
    """The state before."""
    reason = word.reason.strip()
    if not reason or len(reason) > _LONGEST_REASON:
        raise InvalidInput(f"why? 1 to {_LONGEST_REASON} characters", where="reason", hint="--reason TEXT")
    edge = _found(work, word)
    if edge.state == word.state:
        return edge.state
    if word.state == CONFIRMED:
        _refuse_circle(work, word)
    if not work.cross_edges.decide(
        actor, Decision(word.upstream_task_code, word.task_code, edge.state, word.state, reason)
    ):
        raise Conflict("somebody has just decided about it", where=_where(word), hint="wfgov edge list")
    if CONFIRMED in (edge.state, word.state):
        work.derivation.add_todo(DEFINITIONS, [Todo(workflow_key(edge.workflow_code), 0, MANUAL)])
    detail = {
        "upstream": f"{edge.upstream_workflow_code}/{edge.upstream_task_code}",
        "before": edge.state,
        "state": word.state,
        "reason": reason,
    }
    work.audit.add(actor, "decide_edge", ("task", word.task_code), detail)
    return edge.state


def _found(work: Work, word: Word) -> CrossWorkflowEdge:
    edge = work.cross_edges.find(word.upstream_task_code, word.task_code)
    if edge is None:
        hint = "wfgov edge list; inside one workflow it needs no word"
        raise NotFound("no dependency between two workflows", where=_where(word), hint=hint)
    return edge


def _refuse_circle(work: Work, word: Word) -> None:
    """Whether the upstream task waits for the reader already, inside workflows and over confirmed edges."""
    came_from: dict[str, str] = {word.task_code: ""}
    frontier = {word.task_code}
    while frontier and word.upstream_task_code not in came_from:
        reached = set()
        for task, waiting in work.cross_edges.followed_by(frontier):
            if waiting not in came_from:
                came_from[waiting] = task
                reached.add(waiting)
        frontier = reached
    if word.upstream_task_code not in came_from:
        return
    circle = [word.upstream_task_code]
    while circle[-1] != word.task_code:
        circle.append(came_from[circle[-1]])
    way = " → ".join((word.upstream_task_code, *reversed(circle)))
    raise CycleFound(
        f"the tasks would wait for each other in a circle: {way}",
        where=_where(word),
        hint="reject it, or reject another edge of the circle first",
    )


def _where(word: Word) -> str:
    return f"task {word.task_code} waits for {word.upstream_task_code}"
