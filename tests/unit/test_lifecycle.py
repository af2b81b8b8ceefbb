"""The platform state of a workflow, all of it."""

from itertools import product

import pytest

from wfgov_dagster.domain.lifecycle import TRANSITIONS, Event, Status, advance
from wfgov_dagster.errors import IllegalTransition


@pytest.mark.parametrize(("status", "event"), list(product(Status, Event)))
def test_every_pair_moves_by_the_table_or_is_refused(status: Status, event: Event) -> None:
    if (status, event) in TRANSITIONS:
        assert advance(status, event) is TRANSITIONS[status, event]
    else:
        with pytest.raises(IllegalTransition, match=f"{event} is not possible in state {status}"):
            advance(status, event)


@pytest.mark.parametrize(("status", "event"), list(TRANSITIONS))
def test_saying_the_same_twice_changes_nothing(status: Status, event: Event) -> None:
    once = advance(status, event)
    assert advance(once, event) is once


@pytest.mark.parametrize("status", [Status.DRAFT, Status.ARCHIVED])
@pytest.mark.parametrize("event", list(Event))
def test_what_is_no_good_or_history_goes_nowhere(status: Status, event: Event) -> None:
    assert (status, event) not in TRANSITIONS
