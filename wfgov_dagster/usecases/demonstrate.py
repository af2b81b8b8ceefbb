"""The whole path over a sample estate: publish its workflows, run each after those that it reads from."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from wfgov_dagster.domain.lifecycle import Event
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.errors import CycleFound
from wfgov_dagster.ports.engine import Engine, Instance
from wfgov_dagster.ports.store import Store
from wfgov_dagster.usecases.change_status import change_status
from wfgov_dagster.usecases.drive_publish import drive_publish
from wfgov_dagster.usecases.flow_manager import FlowManager
from wfgov_dagster.usecases.publisher import Done
from wfgov_dagster.usecases.request_publish import Request, request
from wfgov_dagster.usecases.start_instance import Start, start_instance


def in_order(store: Store, codes: Sequence[str]) -> list[str]:
    """The workflows, each after those whose tables it reads; ties by code. Raises CycleFound."""
    with store.read() as work:
        before = {
            code: {edge.upstream_workflow_code for edge in work.queries.crossing(code) if edge.workflow_code == code}
            & set(codes)
            for code in sorted(codes)
        }
    try:
        return list(TopologicalSorter(before).static_order())
    except CycleError as exc:
        raise CycleFound("workflows wait for each other: " + " → ".join(exc.args[1])) from exc


def publish_all(
    store: Store, flows: FlowManager, actor: str, engine: Engine, codes: Sequence[str], sleep: Callable[[float], None]
) -> Iterator[tuple[str, Operation, Done]]:
    """Deploy each workflow and bring it online, on the platform and on the engine."""
    for code in codes:
        change_status(store, actor, code, Event.ONLINE)
        for operation in (Operation.DEPLOY, Operation.ONLINE):
            record = request(store, actor, Request(code, operation, engine.name))
            end = drive_publish(flows, record, sleep)
            assert isinstance(end, Done), "it was waited for"
            yield code, operation, end


@dataclass(frozen=True, slots=True)
class Ran:
    instance: Instance
    run_id: str
    run_status: str


def run_all(
    store: Store, engine: Engine, actor: str, codes: Sequence[str], run: Callable[[str], tuple[str, str]], key: str
) -> Iterator[Ran]:
    """Start one instance of each and wait for it. `run`: instance id → (run id, how the run ended)."""
    for code in codes:
        started = start_instance(store, engine, actor, Start(code, f"{key}:{code}"))
        run_id, status = run(started.instance_id)
        yield Ran(engine.instance(started.instance_id), run_id, status)
