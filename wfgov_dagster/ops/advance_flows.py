"""Job `advance_flows`: drive the flows that are due, each until it ends or has to wait."""

from threading import Event, Lock
from typing import TYPE_CHECKING, Final

import dagster as dg
from pydantic import Field

from resources.store import StoreResource
from wfgov_dagster.ops import present, timeline
from wfgov_dagster.ops.failures import as_dagster_failure

if TYPE_CHECKING:
    from wfgov_dagster.errors import WfgovError
    from wfgov_dagster.usecases.flow_manager import NodeReport
    from wfgov_dagster.usecases.watch_flows import Said

OP: Final = "drive_due_flows"
SECONDS: Final = 30.0  # then what is still due is another run's: nobody waits behind a run that has no end


class FlowsConfig(dg.Config):
    seconds: float = Field(default=SECONDS, gt=0, le=3600, description="Begin no flow node after so many seconds.")
    workers: int = Field(default=4, ge=1, le=64, description="Flows at a time.")


@dg.op(name=OP, description="Drive what is due until nothing is. A flow that has to wait is found again when due.")
def drive_due_flows(context: dg.OpExecutionContext, config: FlowsConfig, store: StoreResource) -> None:
    from wfgov_dagster.ops.publish_end import mark_untold, tell_ends
    from wfgov_dagster.usecases.flow_manager import Ended
    from wfgov_dagster.usecases.show_past import past_of_flows
    from wfgov_dagster.usecases.watch_flows import Ears, describe, describe_event

    events: list[NodeReport] = []
    left: dict[int, str] = {}
    ended: set[int] = set()
    one_at_a_time = Lock()

    def on_event(event: "NodeReport") -> None:
        with one_at_a_time:
            events.append(event)
            context.log.info(describe_event(event))

    def on_said(flow_id: int, said: "Said") -> None:
        left[flow_id] = describe(flow_id, said)
        if isinstance(said, Ended):
            ended.add(flow_id)

    def on_failure(failure: "WfgovError") -> None:
        context.log.warning(failure.sentence())

    with as_dagster_failure():
        store.platform.watch_flows(Event(), Ears(on_event, on_said, on_failure), config.seconds, config.workers)
        tell_ends(context, store, ended)
        marked = mark_untold(context, store)
        past = timeline.of_flows(past_of_flows(store.open(), sorted(left)[: present.ROWS]))
    context.add_output_metadata(
        {
            "flows": dg.MetadataValue.int(len(left)),
            "words": dg.MetadataValue.int(len(events)),
            "left_as": present.lines([left[flow_id] for flow_id in sorted(left)][: present.ROWS]),
            "what_happened": present.table([_row(event) for event in events]),
            "deployments_marked": dg.MetadataValue.int(marked),
            **past,
        }
    )


def _row(event: "NodeReport") -> dict[str, object]:
    return {
        "flow": event.flow_id,
        "name": event.flow_name,
        "flow node": event.node,
        "action": event.action,
        "try": event.attempt,
        "outcome": event.outcome,
        "message": event.message,
    }


@dg.job(
    name="advance_flows",
    description="Drive the durable flows that are due: publishes, change sets. Sensor `flow_watch` starts it; running "
    "it at any other time does no harm.",
    tags={"dagster/priority": "15", "dagster/max_runtime": "7200"},
)
def advance_flows_job() -> None:
    drive_due_flows()
