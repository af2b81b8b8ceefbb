"""What an inspection of engines starts from, and what it keeps."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wfgov_dagster.domain.publish import VersionRef


@dataclass(frozen=True, slots=True)
class Deployed:
    """What was last confirmed. `seen_revision`: of the engine, at the last inspection without a difference."""

    version: VersionRef
    engine_workflow_code: str
    online: bool
    schedule_online: bool
    confirmed_at: datetime
    seen_revision: str | None


@dataclass(frozen=True, slots=True)
class Stand:
    """A workflow on an engine. `driven`: a publish is under way; `last_record`: id of its newest one. Two that are
    equal: nothing was published and no version was made in between."""

    workflow_id: int
    workflow_code: str
    owner: str | None
    current: VersionRef | None
    deployed: Deployed | None
    driven: bool
    last_record: int | None


@dataclass(frozen=True, slots=True)
class Held:
    """A finding of an inspection; `rule` and `code` are its identity, its age goes on when the message changes."""

    rule: str
    code: str
    message: str
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Area:
    """What was looked at: objects of a type whose code begins with `prefix`; `codes` None = all but `without`."""

    object_type: str
    prefix: str
    codes: Collection[str] | None = None
    without: Collection[str] = ()


class Inspections(Protocol):
    def engines_of(self, codes: Collection[str]) -> Mapping[str, Collection[int]]:
        """Workflow code → engines on which something of it was confirmed; every code that is known is in it."""

    def stands(self, engine_id: int, codes: Collection[str] | None) -> Sequence[Stand]:
        """By code. None: those that were ever confirmed there; else these, confirmed or not."""

    def late_steps(self, engine_id: int, horizon_seconds: float) -> Mapping[int, frozenset[str]]:
        """Workflow → names of the steps without an answer that ended within the horizon."""

    def saw(self, engine_id: int, revisions: Mapping[int, str | None]) -> None:
        """Workflow → revision at which it had no difference; None = it had."""

    def settle(self, rules: str, area: Area, found: Sequence[Held]) -> Mapping[tuple[str, str], datetime]:
        """Make the open findings of the area whose rule begins with `rules` be `found`: others close, new ones open.
        (rule, code) → since when."""
