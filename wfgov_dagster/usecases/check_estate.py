"""Are the derived tables sound? Asked by Dagster's asset checks; changes nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from wfgov_dagster.ports.checks import Checks, Offences, Row
from wfgov_dagster.ports.store import Store

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Question:
    """`offenders`: what is counted; `blames`: the answer No is an error, otherwise advice."""

    ask: Callable[[Checks, int], Offences]
    description: str
    offenders: str
    blames: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    question: Question
    count: int
    rows: Sequence[Row]

    @property
    def passed(self) -> bool:
        return self.count == 0


QUESTIONS: Final[Mapping[str, Question]] = {
    "no_cycle": Question(
        lambda checks, limit: checks.cycles(limit), "No task depends on itself through others.", "circles", True
    ),
    "one_task_one_workflow": Question(
        lambda checks, limit: checks.memberships(limit), "Each task is in exactly one workflow.", "tasks", True
    ),
    "counts_agree": Question(
        lambda checks, limit: checks.counts(limit),
        "The counts beside each task are those of the dependency view.",
        "tasks",
        True,
    ),
    "cross_workflow_edges_confirmed": Question(
        lambda checks, limit: checks.unconfirmed(limit),
        "Somebody has confirmed or rejected each dependency between two workflows.",
        "dependencies",
        False,
    ),
}


def check_estate(store: Store, name: str) -> Verdict:
    """The answer to one of QUESTIONS."""
    question = QUESTIONS[name]
    with store.read() as work:
        found = question.ask(work.checks, _SHOWN)
    return Verdict(question, found.count, found.rows)
