"""Change sets on both databases: waves, what follows from a failure, who is refused, and that nobody is unreported."""

import pytest

from tests.doubles.engine import Fault
from tests.integration.change_set_support import Sets, states
from tests.integration.publish_support import Office, a_definition
from wfgov_dagster.store.db import Database


@pytest.fixture
def sets(database: Database) -> Sets:
    return Sets(Office(database))


def test_a_set_is_published_upstream_first(sets: Sets) -> None:
    sets.estate("abc")
    shown = sets.publish("cab")
    assert (shown.change_set.state, sets.texts("abc")) == ("success", "NNN")
    assert [(one.workflow_code, one.wave) for one in shown.members] == [("a", 1), ("b", 2), ("c", 3)]
    records = [one.record_id for one in shown.members]
    assert records == sorted(records, key=int)
