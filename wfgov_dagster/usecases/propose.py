"""What orchestration makes of pinned workflows: candidates."""

from collections.abc import Sequence
from dataclasses import dataclass

from wfgov_dagster.domain.version import Draft
from wfgov_dagster.ports.candidates import NewCandidate
from wfgov_dagster.ports.store import Work


@dataclass(frozen=True, slots=True)
class Proposed:
    """A candidate that came, or took the place of another one."""

    workflow_code: str
    content_hash: str
    change_summary: str


def propose(work: Work, actor: str, drafts: Sequence[Draft]) -> list[Proposed]:
    """The drafts differ from the current versions. What a person has dropped is not proposed again; then nothing of
    this workflow is: what was open before is not what its definition says any more."""
    ids = [draft.workflow_id for draft in drafts]
    dropped, before = work.candidates.dropped(ids), work.candidates.open(ids)
    outdated = work.candidates.outdated() if before else set()
    proposed = []
    for draft in drafts:
        if (draft.workflow_id, draft.hashes.content) in dropped:
            work.candidates.take_back([draft.workflow_id])
            continue
        known = before.get(draft.workflow_id)
        same = known is not None and known.content_hash == draft.hashes.content
        if same and draft.definition.code not in outdated:
            continue
        _put(work, actor, draft)
        proposed.append(Proposed(draft.definition.code, draft.hashes.content, draft.change_summary))
    return proposed


def _put(work: Work, actor: str, draft: Draft) -> None:
    document = work.versions.current_documents([draft.workflow_id])[draft.workflow_id]
    work.versions.keep({draft.hashes.content: document})
    new = NewCandidate(
        draft.workflow_id,
        draft.hashes.content,
        draft.hashes.functional,
        draft.change_summary,
        draft.trigger_source,
    )
    work.candidates.put(actor, new)
