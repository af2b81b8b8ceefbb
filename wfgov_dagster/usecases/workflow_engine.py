"""Which engine a workflow is published to: the one that is told, else the one it names, else the default one."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from wfgov_dagster.errors import Conflict, InvalidInput, NotFound
from wfgov_dagster.ports.engines import Held, WorkflowEngine
from wfgov_dagster.ports.store import Store, Work
from wfgov_dagster.usecases import engines
from wfgov_dagster.usecases.show_workflows import unknown_workflow


@dataclass(frozen=True, slots=True)
class NamedEngine:
    """None = the default one. `stays`: what engines that are not this one were last confirmed to hold of the workflow;
    naming an engine touches none of them."""

    workflow_code: str
    before: str | None
    engine: str | None
    stays: Sequence[Held]


def engine_for(store: Store, workflow_code: str, told: str | None, default: str) -> str:
    """A workflow that is not known has the default one: whoever asks for it is told."""
    if told:
        return told
    with store.read() as work:
        return work.engines.named([workflow_code]).get(workflow_code, default)


def engine_for_all(store: Store, codes: Collection[str], told: str | None, default: str) -> str:
    """Many that are published as one are on one engine. Raises InvalidInput for those that name several."""
    if told:
        return told
    with store.read() as work:
        named = work.engines.named(codes)
    counts = Counter(named.get(code, default) for code in sorted(set(codes)))
    if len(counts) > 1:
        listed = ", ".join(f"{count} on {name}" for name, count in sorted(counts.items()))
        hint = "a set for each, or --engine NAME for all of them"
        raise InvalidInput(f"they are on several engines: {listed}", where="change set", hint=hint)
    return next(iter(counts), default)


def elsewhere(store: Store, engine: str) -> dict[str, int]:
    """Other engines that workflows name, with their number."""
    with store.read() as work:
        found = {one.name: len(work.engines.use(one.id).named_by) for one in work.publishing.engines()}
    return {name: count for name, count in found.items() if count and name != engine}


def name_engine(store: Store, actor: str, workflow_code: str, engine: str | None, default: str) -> NamedEngine:
    """`engine` None = the default one. Raises NotFound, or Conflict while a publish of the workflow is open; a refusal
    is on record too."""
    try:
        with store.write() as work:
            return _name(work, actor, workflow_code, engine, default)
    except (NotFound, Conflict) as refusal:
        with store.write() as work:
            detail = {"engine": engine, "error": refusal.sentence()}
            work.audit.add(actor, "name_engine", ("workflow", workflow_code), detail, refused=True)
        raise


def _name(work: Work, actor: str, workflow_code: str, engine: str | None, default: str) -> NamedEngine:
    found = work.engines.of_workflow(workflow_code, lock=True)
    if found is None:
        raise unknown_workflow(workflow_code)
    engine_id = None if engine is None else engines.get(work, engine).id
    if engine != found.engine:
        _refuse_open(workflow_code, found)
        work.engines.name(found.workflow_id, engine_id, actor)
        detail = {"before": found.engine, "after": engine, "default": default}
        work.audit.add(actor, "name_engine", ("workflow", workflow_code), detail)
    stays = [one for one in found.held if one.engine != (engine or default)]
    return NamedEngine(workflow_code, found.engine, engine, stays)


def _refuse_open(workflow_code: str, found: WorkflowEngine) -> None:
    where = f"workflow {workflow_code}"
    if found.open_records:
        listed = ", ".join(str(one) for one in found.open_records)
        hint = f"see how it ends: wfgov record show {found.open_records[0]}"
        raise Conflict(f"publish record {listed} has not ended", where=where, hint=hint)
    if found.change_sets:
        hint = f"wait for it, or: wfgov change-set cancel {found.change_sets[0]}"
        raise Conflict(f"change set {found.change_sets[0]} has not ended with it", where=where, hint=hint)
