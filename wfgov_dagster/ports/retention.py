"""Rules, tags and what a clean-up reads and removes. Bytes are those of the content, without indexes and page ends."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wfgov_dagster.domain.retention import HeldVersion, Month, Rule, RuleChange

TaskKey = tuple[str, int]  # task code, version
IntervalKey = tuple[int, int]  # last version, id


@dataclass(frozen=True, slots=True)
class RuleRow:
    """`workflow_code` empty: for every workflow that has no word of its own."""

    workflow_code: str
    said: RuleChange
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class TagRow:
    tag: str
    version_no: int
    tagged_by: str
    tagged_at: datetime


@dataclass(frozen=True, slots=True)
class Scanned:
    """A workflow that may have something to clean up. `versions`: that are there."""

    id: int
    code: str
    versions: int


@dataclass(frozen=True, slots=True)
class Interval:
    """Of an edge that ended, or of a task in that version."""

    key: IntervalKey
    first: int
    last: int
    bytes: int
    task: TaskKey | None = None


@dataclass(frozen=True, slots=True)
class OldTask:
    """`named`: by so many intervals."""

    key: TaskKey
    bytes: int
    body_hash: str
    named: int


@dataclass(frozen=True, slots=True)
class Removed:
    rows: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """What a clean-up has removed. `workflow_code` empty: of tasks."""

    workflow_code: str
    what: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class EngineWord:
    """What an engine said to one of its versions. `engine_version` 0: its list could not be read. `outcome`: removed,
    refused, unknown; None = it was asked and has not answered."""

    engine: str
    workflow_code: str
    engine_version: int
    outcome: str | None
    message: str | None


@dataclass(frozen=True, slots=True)
class Size:
    rows: int
    bytes: int
    months: Sequence[Month]


class Retention(Protocol):
    # --- rules and tags --------------------------------------------------------------------------

    def rules(self) -> Sequence[RuleRow]:
        """By workflow; the one for every workflow comes first."""

    def rule(self, workflow_code: str) -> Rule:
        """What counts for it."""

    def set_rule(self, workflow_code: str, said: RuleChange, actor: str) -> None:
        """What is not said stays as it is."""

    def unset_rule(self, workflow_code: str) -> bool:
        """False: there was none."""

    def tags(self, workflow_id: int) -> Sequence[TagRow]:
        """By name."""

    def tag(self, workflow_id: int, tag: str, version_id: int, actor: str) -> int | None:
        """From now on the name of this version; the number of the one that had it."""

    def untag(self, workflow_id: int, tag: str) -> bool:
        """False: no version has it."""

    def is_there(self, version_id: int) -> bool:
        """False: a clean-up has removed it."""

    # --- what there is ---------------------------------------------------------------------------

    def now(self) -> datetime:
        """By the database's clock."""

    def workflows(self, codes: Collection[str] | None, after: str, limit: int) -> Sequence[Scanned]:
        """By code; those after it."""

    def unknown(self, codes: Collection[str]) -> Sequence[str]:
        """Which of them are no workflows."""

    def held(self, workflow_id: int) -> Sequence[HeldVersion]:
        """Its versions that are there, from the first on, with what protects them."""

    def protected(self, workflow_id: int) -> Mapping[int, Sequence[str]]:
        """Version → reasons. It holds until the transaction ends if the workflow is locked."""

    def rollbacks(self, workflow_id: int) -> Mapping[int, frozenset[int]]:
        """Version number → ids of the versions that are there and brought its content back."""

    def numbers(self, workflow_id: int) -> Sequence[int]:
        """Of its versions that are there, ascending."""

    def edge_intervals(self, workflow_code: str, after: IntervalKey, limit: int) -> Sequence[Interval]:
        """Of its edges that ended, by key."""

    def task_intervals(self, workflow_id: int, after: IntervalKey, limit: int) -> Sequence[Interval]:
        """Of its tasks that left or changed, by key."""

    def old_tasks(self, after: TaskKey, limit: int) -> Sequence[OldTask]:
        """Task definitions that are neither current nor their task's newest, by key. Those that a save may just be
        using are left out."""

    def orphans(self, after: str, limit: int) -> Sequence[tuple[str, int]]:
        """(hash, bytes) of canonical texts that nothing names, by hash."""

    def only_logged(self, hashes: Collection[str]) -> Sequence[tuple[str, int, int]]:
        """(hash, bytes, number of those) of texts that only versions of tasks in the log name, by hash."""

    # --- what goes: small transactions -----------------------------------------------------------

    def remove_versions(self, workflow_id: int, ids: Collection[int]) -> None:
        """A version that a publish or a run names is emptied, its row stays with number, hash and who made it."""

    def remove_edges(self, keys: Collection[IntervalKey]) -> int: ...
    def remove_members(self, keys: Collection[IntervalKey]) -> int: ...
    def remove_tasks(self, keys: Collection[TaskKey]) -> int: ...
    def remove_orphans(self, hashes: Collection[str]) -> int:
        """Those that still are, and that nobody is about to name."""

    # --- how it comes on -------------------------------------------------------------------------

    def done_to(self, flow_id: int, step: str) -> str:
        """Empty = nothing yet."""

    def set_done_to(self, flow_id: int, step: str, key: str) -> None: ...
    def count(self, flow_id: int, workflow_code: str, what: str, removed: Removed) -> None:
        """Add to what was removed."""

    def counts(self, flow_id: int) -> Sequence[Counted]:
        """By workflow, then what."""

    # --- engines ---------------------------------------------------------------------------------

    def deployed_on(self, workflow_id: int) -> Sequence[str]:
        """Engines that were confirmed to hold it, by name."""

    def is_publishing(self, workflow_id: int) -> bool:
        """A publish of it has not ended."""

    def ask_engine(self, flow_id: int, engine_id: int, workflow_code: str, engine_version: int) -> bool:
        """False: it was asked by this clean-up, and has answered."""

    def engine_said(self, flow_id: int, engine_id: int, workflow_code: str, word: EngineWord) -> None: ...
    def engine_words(self, flow_id: int) -> Sequence[EngineWord]:
        """By engine, workflow, version."""

    # --- growth ----------------------------------------------------------------------------------

    def sizes(self) -> Mapping[str, Size]:
        """versions, members, tasks, edges, bodies; by the month in which each was made."""
