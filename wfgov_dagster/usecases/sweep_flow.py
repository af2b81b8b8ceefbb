"""The sweeper's flow: it looks again and again, and ends when nothing is left to look after."""

from collections.abc import Callable
from functools import partial

from wfgov_dagster.domain.flow import JSON, Again, FlowDefinition, FlowNode, NodeKind, Turn
from wfgov_dagster.usecases.call_sweeper import ACTOR, NAME
from wfgov_dagster.usecases.publisher import Publisher
from wfgov_dagster.usecases.sweep import Pace, sweep


def definition(publisher_of: Callable[[], Publisher], sleep: Callable[[float], None]) -> FlowDefinition:
    """`sleep` keeps the pace between two looks at an engine."""
    return FlowDefinition(NAME, 1, (FlowNode("sweep", NodeKind.POLL, partial(_sweep, publisher_of, sleep)),))


def _sweep(publisher_of: Callable[[], Publisher], sleep: Callable[[float], None], turn: Turn) -> "JSON | Again":
    publisher = publisher_of()

    def pause(seconds: float) -> None:
        sleep(seconds)
        turn.keep()

    found = sweep(publisher, ACTOR, Pace(pause))
    with publisher.store.read() as work:
        if work.publishing.has_to_be_swept(publisher.limits.horizon_seconds):
            return Again(publisher.limits.sweep_seconds)
    return {"looks": len(found)}
