"""The sweeper is called when there is something to look after, so that nobody looks while all is well."""

from typing import Final

from wfgov_dagster.domain.flow import Biz, FlowState
from wfgov_dagster.ports.flows import FlowFilter
from wfgov_dagster.ports.store import Work
from wfgov_dagster.usecases import flow_changes

NAME: Final = "sweep"  # of its flow
ACTOR: Final = "system"
_BIZ: Final = Biz("publishes", "sweep")


def call_sweeper(work: Work) -> None:
    """In the transaction that writes down what has to be looked after: one flow for everything."""
    if not work.flows.page(FlowFilter(_BIZ.biz_id, _BIZ.biz_type, FlowState.PROCESSING), 1, 1):
        flow_id = flow_changes.create(work, ACTOR, _BIZ, NAME)
        flow_changes.start(work, ACTOR, flow_id)
