"""Going back to an older version, as a new version (design rule 11): to which one, and what speaks against it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from wfgov_dagster.domain.definition import Definition, Edge
from wfgov_dagster.domain.diff import SUMMARY_LIMIT, Diff, summary
from wfgov_dagster.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """`published`: an engine was seen to hold it, or it is a baseline."""

    version_no: int
    content_hash: str
    published: bool
    created_by: str
    rollback_of: int | None = None

    def sentence(self) -> str:
        """`V4 by ann, a rollback to V2`."""
        of = "" if self.rollback_of is None else f", a rollback to V{self.rollback_of}"
        return f"V{self.version_no} by {self.created_by}{of}"


@dataclass(frozen=True, slots=True)
class LineageCheck:
    """Both sorted. `gone`: edges that go back to it and that today's dependencies do not have; `missing`: dependencies
    between its tasks, today, that it has no edge for."""

    gone: tuple[Edge, ...]
    missing: tuple[Edge, ...]


_NOTHING: Final = "nothing to go back to"


def target_of(
    workflow_code: str, asked: int | None, kept: Mapping[int, KeptVersion], numbers: tuple[int | None, int | None]
) -> KeptVersion:
    """The version to go back to. `numbers`: current and last published version.

    Raises NotFound for one that is not kept, Conflict when none is asked for and the last published one is no choice.
    """
    where, hint = f"workflow {workflow_code}", f"--to N; wfgov version list {workflow_code}"
    current, published = numbers
    chosen = published if asked is None else asked
    if chosen is None:
        raise Conflict(f"{_NOTHING}: none of its versions was published", where=where, hint=hint)
    if asked is None and chosen == current:
        raise Conflict(f"{_NOTHING}: V{current} is both current and published last", where=where, hint=hint)
    if chosen not in kept:
        raise NotFound(f"no version V{chosen} is kept", where=where, hint=f"wfgov version list {workflow_code}")
    return kept[chosen]


def same_content(workflow_code: str, current: KeptVersion, target: KeptVersion) -> Conflict | None:
    if current.content_hash != target.content_hash:
        return None
    told = f"V{current.version_no} is current and has the content of V{target.version_no}: nothing to roll back"
    return Conflict(told, where=f"workflow {workflow_code}", hint="--to N: another version")


def never_published(workflow_code: str, target: KeptVersion) -> Conflict:
    told = f"V{target.version_no} was never published: nobody has seen it run"
    return Conflict(told, where=f"workflow {workflow_code}", hint="--unpublished, if it is meant")


def overtaken(workflow_code: str, seen: int, current: KeptVersion) -> Conflict:
    told = f"V{seen} was current when this began, meanwhile there is {current.sentence()}"
    hint = f"wfgov version diff {workflow_code} {seen} {current.version_no}; then decide anew"
    return Conflict(told, where=f"workflow {workflow_code}", hint=hint)


def moved_away(workflow_code: str, moved: Mapping[str, str]) -> Conflict:
    """`moved`: task → the workflow that it is in now."""
    told = ", ".join(f"{task} is in {code}" for task, code in moved.items())
    hint = "--take-back: then those workflows get a version without them"
    return Conflict(f"tasks of it have moved: {told}", where=f"workflow {workflow_code}", hint=hint)


def lineage_check(target: Definition, dependencies: Collection[Edge]) -> LineageCheck:
    """`dependencies`: today's (upstream, task) pairs, also of others."""
    codes, today = {task.code for task in target.tasks}, set(dependencies)
    inside = {(pre, post) for pre, post in today if pre in codes and post in codes}
    return LineageCheck(tuple(sorted(set(target.edges) - today)), tuple(sorted(inside - set(target.edges))))


def summary_of(target_no: int, found: Diff) -> str:
    head = f"rollback to V{target_no}: "
    return head + summary(found, {}, SUMMARY_LIMIT - len(head))
