"""What a loop without Dagster does beside driving flows: fire schedules, have their instances run, deliver alerts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from wfgov_dagster.errors import InvalidInput, NotDelivered, WfgovError
from wfgov_dagster.ports.embedded import FireReport
from wfgov_dagster.usecases.deliver_alerts import DeliveryReport

EVERY_SECONDS: Final = 5.0  # at most so often: what is refused stays due


@dataclass(frozen=True, slots=True)
class Chores:
    """`launch`: have an instance run now, whoever else may be about to: who comes first gets it. `keep_counts`: write
    down how often flows were asked for; it has a pace of its own."""

    fire: Callable[[], FireReport]
    launch: Callable[[str], object]
    deliver: Callable[[], DeliveryReport]
    keep_counts: Callable[[], None]


def do_chores(chores: Chores, on_failure: Callable[[WfgovError], None]) -> None:
    """Never raises for what goes wrong: it is told, one chore does not hold up the other, and the next time comes."""
    try:
        report = chores.fire()
        for line in report.refused:
            on_failure(InvalidInput(f"a schedule cannot fire: {line}"))
        for one in report.fired:
            chores.launch(str(one.instance_id))
    except WfgovError as exc:
        on_failure(exc)
    try:
        error = chores.deliver().error
    except WfgovError as exc:
        on_failure(exc)
    else:
        if error is not None:
            on_failure(NotDelivered(error))
