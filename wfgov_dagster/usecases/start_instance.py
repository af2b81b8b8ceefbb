"""Ask an engine for one run of a workflow. The platform starts only what is online here (design rule 7)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from wfgov_dagster.domain.lifecycle import Status
from wfgov_dagster.errors import Conflict, EngineError, IllegalTransition, NotFound, OutcomeUnknown
from wfgov_dagster.ports.engine import Engine, Instance
from wfgov_dagster.ports.runtime import Runs
from wfgov_dagster.ports.store import Store
from wfgov_dagster.usecases.show_workflows import unknown_workflow

ENDED: Final = frozenset({"success", "failed", "stopped"})
_ACTION = "start_instance"
_LOOK_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Start:
    """`request_key`: the same one again is the same instance."""

    workflow_code: str
    request_key: str


def start_instance(store: Store, engine: Engine, actor: str, wanted: Start) -> Instance:
    """Raises NotFound, IllegalTransition while it is not online on the platform, or what the engine says.

    After OutcomeUnknown the same request key is the way to find out.
    """
    subject, detail = ("workflow", wanted.workflow_code), {"engine": engine.name, "request_key": wanted.request_key}
    try:
        _check(store, wanted.workflow_code)
        instance = engine.instance(engine.start(wanted.workflow_code, wanted.request_key, actor))
    except (NotFound, Conflict, EngineError) as failure:
        with store.write() as work:
            refused = not isinstance(failure, OutcomeUnknown)
            work.audit.add(actor, _ACTION, subject, detail | {"error": failure.sentence()}, refused=refused)
        raise
    with store.write() as work:
        work.audit.add(actor, _ACTION, subject, detail | {"instance_id": instance.instance_id})
    return instance


def wait_for_end(
    engine: Engine, instance: Instance, seconds: float, sleep: Callable[[float], None], monotonic: Callable[[], float]
) -> Instance:
    """How it stands when it has ended, or after so many seconds: for an engine that runs its instances itself."""
    end = monotonic() + seconds
    while instance.state not in ENDED and (left := end - monotonic()) > 0:
        sleep(min(_LOOK_SECONDS, left))
        instance = engine.instance(instance.instance_id)
    return instance


def launch(runs: Runs, instance_id: str) -> str:
    """Have an instance of the embedded engine run now, without waiting for a sensor; the Dagster run's id.

    Whoever claims the instance first runs it, so launching one twice runs it once.
    """
    config = {"ops": {"run_instance": {"config": {"instance_id": int(instance_id)}}}}
    return runs.start("run_workflow", config, {"wfgov/instance": instance_id})


def _check(store: Store, workflow_code: str) -> None:
    with store.read() as work:
        found = work.queries.workflows(workflow_code)
    if not found:
        raise unknown_workflow(workflow_code)
    if found[0].status != Status.ONLINE:
        raise IllegalTransition(
            f"the platform starts instances of online workflows, this one is {found[0].status}",
            where=f"workflow {workflow_code}",
            hint=f"wfgov workflow online {workflow_code}",
        )
