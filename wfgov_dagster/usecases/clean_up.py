"""Ask for a clean-up: a durable flow that is due at once; and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from wfgov_dagster.domain.flow import MOVING, Biz, FlowState
from wfgov_dagster.errors import Conflict, NotFound
from wfgov_dagster.ports.flows import FlowFilter
from wfgov_dagster.ports.retention import Counted, EngineWord
from wfgov_dagster.ports.store import Store, Work
from wfgov_dagster.usecases import flow_changes
from wfgov_dagster.usecases.clean_up_flow import NAME
from wfgov_dagster.usecases.plan_clean_up import Scope, check

BIZ_TYPE: Final = "clean_up"
_EVERY: Final = "all"


@dataclass(frozen=True, slots=True)
class Report:
    """`removed`: by workflow, empty = of tasks. `engines`: each version that an engine was asked to forget."""

    flow_id: int
    state: FlowState
    error: str | None
    removed: Sequence[Counted]
    engines: Sequence[EngineWord]

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.removed)

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.removed)


def request(store: Store, actor: str, scope: Scope) -> int:
    """The id of its flow; nothing is removed yet. Raises NotFound, or Conflict while another clean-up is under way; a
    refusal is on record."""
    detail = {"workflows": None if scope.workflows is None else list(scope.workflows)}
    context = detail | {"engine_versions": scope.engine_versions}
    try:
        check(store, scope)
        with store.read() as work:  # what is loaded at the first use shall not be loaded under a lock
            _refuse_second(work)
        with store.write() as work:
            _refuse_second(work)
            biz = Biz(_EVERY if scope.workflows is None else ",".join(scope.workflows)[:255], BIZ_TYPE)
            flow_id = flow_changes.create(work, actor, biz, NAME, context)
            flow_changes.start(work, actor, flow_id)
            work.audit.add(actor, "clean_up", ("flow", str(flow_id)), context)
            return flow_id
    except (NotFound, Conflict) as refusal:
        with store.write() as work:
            work.audit.add(actor, "clean_up", ("flow", ""), context | {"error": refusal.sentence()}, refused=True)
        raise


def _refuse_second(work: Work) -> None:
    """Two would do no harm, but each would report a part of what was done."""
    for state in sorted(MOVING):
        for flow in work.flows.page(FlowFilter(biz_type=BIZ_TYPE, state=state), 1, 1):
            hint = f"wfgov flow show {flow.id}; wfgov flow stop {flow.id}"
            raise Conflict("a clean-up is under way", where=f"flow {flow.id} by {flow.created_by}", hint=hint)


def report(store: Store, flow_id: int) -> Report:
    """Also while it is under way. Raises NotFound."""
    with store.read() as work:
        flow = work.flows.get(flow_id)
        if flow.biz_type != BIZ_TYPE:
            raise NotFound("it is no clean-up", where=f"flow {flow_id}", hint=f"wfgov flow list --biz-type {BIZ_TYPE}")
        removed, words = work.retention.counts(flow_id), work.retention.engine_words(flow_id)
        return Report(flow_id, flow.state, flow.error, removed, words)
