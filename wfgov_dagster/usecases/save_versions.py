"""Step 3: current definitions whose content changed → versions V1, V2 …; of pinned workflows → candidates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wfgov_dagster.domain.todo import TASK_CHANGE, VERSIONS, stronger, workflow_of
from wfgov_dagster.ports.store import Store, Work
from wfgov_dagster.usecases.new_versions import NewVersion, drafts_of, save_drafts
from wfgov_dagster.usecases.propose import Proposed, propose

__all__ = ["NewVersion", "VersionReport", "save_or_propose", "save_versions"]

_SLICE = 500  # workflows a round: bounds the memory of a first run over a large estate


@dataclass(frozen=True, slots=True)
class VersionReport:
    """By workflow code."""

    versions: tuple[NewVersion, ...]
    candidates: tuple[Proposed, ...]


def save_versions(store: Store, actor: str, *, full: bool = False) -> tuple[NewVersion, ...]:
    """The versions that `save_or_propose` made."""
    return save_or_propose(store, actor, full=full).versions


def save_or_propose(store: Store, actor: str, *, full: bool = False) -> VersionReport:
    """Equal content makes nothing; a draft keeps its last good version. While a pin is in force its workflow gets a
    candidate; when it has run out, the version.

    `full` looks at every workflow, not only at those that the step before changed.
    """
    with store.write() as work:
        work.derivation.lock()
        reasons = {code: one.reason for one in work.derivation.take_todo(VERSIONS) if (code := workflow_of(one.key))}
        reasons |= {code: reasons.get(code, "") for code in work.candidates.outdated()}
        reasons |= {code: reasons.get(code, "") for code in _end_pins(work, actor).values()}
        waiting = work.versions.waiting(None if full else list(reasons))
        made: list[NewVersion] = []
        proposed: list[Proposed] = []
        for start in range(0, len(waiting), _SLICE):
            some = _save(work, actor, waiting[start : start + _SLICE], reasons)
            made += some.versions
            proposed += some.candidates
        work.candidates.settle()
        if made or proposed:
            told = {"versions": len(made)} | ({"candidates": len(proposed)} if proposed else {})
            work.audit.add(actor, "save_versions", ("metadata", ""), told)
        return VersionReport(tuple(made), tuple(proposed))


def _end_pins(work: Work, actor: str) -> Mapping[int, str]:
    """Workflows whose pin has run out, code by id: it is no more, and what was dropped under it counts no more."""
    ended = work.pins.run_out()
    for workflow, code in ended.items():
        pin = work.pins.of(workflow)
        detail = {"ran_out": None if pin is None else pin.until}
        work.audit.add(actor, "unpin", ("workflow", code), detail)
    if ended:
        work.pins.clear(actor, ended)
        work.candidates.forget(ended)
    return ended


def _save(work: Work, actor: str, waiting: Sequence[tuple[int, str]], reasons: Mapping[str, str]) -> VersionReport:
    ids = [workflow for workflow, _ in waiting]
    known = {workflow: one.trigger_source for workflow, one in work.candidates.open(ids).items()}
    triggers = {workflow: _trigger(reasons.get(code), known.get(workflow)) for workflow, code in waiting}
    documents = work.versions.current_documents(ids)
    drafts = drafts_of(work, {workflow: documents[workflow] for workflow in ids}, triggers)
    pinned = work.pins.in_force(ids)
    proposed = propose(work, actor, [one for one in drafts if one.workflow_id in pinned])
    made = save_drafts(work, actor, [one for one in drafts if one.workflow_id not in pinned])
    return VersionReport(tuple(made), tuple(proposed))


def _trigger(reason: str | None, known: str | None) -> str:
    """`known`: of the candidate that the definition has grown out of."""
    found = {one for one in (reason, known) if one}
    return stronger(found) if found else TASK_CHANGE
