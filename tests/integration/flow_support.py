"""Flows over a real database: managers that can die, an outside world that counts, and waits that cost no time."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from tests.integration.publish_support import WatchedStore
from wfgov_dagster.domain.flow import JSON, Again, Biz, FlowDefinition, FlowNode, NodeKind, Turn
from wfgov_dagster.runs.meter import MemoryMeter
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema.flow import flow, flow_attempt, flow_node
from wfgov_dagster.store.schema.types import metadata
from wfgov_dagster.store.schema.workflow import workflow_operation_log
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases.flows import (
    Detail,
    Ended,
    FlowLimits,
    FlowManager,
    Held,
    NodeReport,
    Registry,
    create_flow,
    detail,
    drive_flow,
    start_flow,
)

CALL, POLL = NodeKind.CALL, NodeKind.POLL
ACTOR = "ann"


class Killed(BaseException):
    """As kill -9: nothing in the program catches it."""


@dataclass
class World:
    """What flow nodes do outside. `keys`: of each (flow, function) that had its effect. `says`: what the function of a
    flow node answers, the last one for ever; an error is raised. `hook` is called before and after each effect."""

    keys: dict[tuple[int, str], set[str]] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    says: dict[str, list[Any]] = field(default_factory=dict)
    hook: Callable[[], None] = lambda: None

    def do(self, turn: Turn) -> "JSON | Again":
        return self._act(turn.node, turn)

    def undo(self, turn: Turn) -> "JSON | Again":
        return self._act(f"undo {turn.node}", turn)

    def _act(self, name: str, turn: Turn) -> "JSON | Again":
        self.hook()
        self.turns.append(turn)
        answers = self.says.get(name, [{"node": name}])
        said = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(said):
            said = said(turn)
        if isinstance(said, BaseException):
            raise said
        if not isinstance(said, Again):
            self.keys.setdefault((turn.flow_id, name), set()).add(turn.key)
        self.hook()
        return said

    def acted(self, flow_id: int) -> list[str]:
        """Functions that had their effect, in the order of their first one."""
        return [name for flow, name in self.keys if flow == flow_id]

    def calls(self, flow_id: int) -> Counter[str]:
        return Counter(turn.node for turn in self.turns if turn.flow_id == flow_id)


class House:
    """One store. Each manager is a process of its own; those in `dead` are known to be gone."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = WatchedStore(SqlStore(database))
        self.clear()

    def clear(self) -> None:
        self.world, self.meter, self.registry = World(), MemoryMeter(), Registry()
        self.dead: set[str] = set()
        self.sleeps: list[float] = []
        self.events: list[NodeReport] = []
        self.on_sleep: Callable[[], None] = lambda: None
        self.store.hook = lambda: None
        self._managers = 0
        with self.database.write() as conn:
            for table in (flow, flow_node, flow_attempt, workflow_operation_log):
                conn.execute(sa.delete(table))

    # --- definitions and managers ----------------------------------------------------------------

    def node(self, name: str, kind: NodeKind = CALL, *, undo: bool = False, **options: Any) -> FlowNode:
        return FlowNode(name, kind, self.world.do, compensate=self.world.undo if undo else None, **options)

    def define(self, *nodes: FlowNode, name: str = "f", version: int = 1, **options: Any) -> FlowDefinition:
        definition = FlowDefinition(name, version, nodes, **options)
        self.registry.register(definition)
        return definition

    def manager(self, registry: Registry | None = None, **limits: Any) -> FlowManager:
        self._managers += 1
        return FlowManager(
            self.store,
            self.registry if registry is None else registry,
            f"holder {self._managers}",
            self.dead.__contains__,
            lambda: 1.0,
            replace(FlowLimits(), **limits),
            self.meter,
            self.events.append,
        )

    # --- flows -----------------------------------------------------------------------------------

    def begin(self, name: str = "f", biz: Biz | None = None) -> int:
        """Created and started."""
        manager = self.manager()
        flow_id = create_flow(manager, ACTOR, biz or Biz("7", "thing"), name)
        start_flow(manager, ACTOR, flow_id)
        return flow_id

    def drive(self, flow_id: int, manager: FlowManager | None = None) -> Ended | Again | Held:
        """To its end: every wait is over at once."""

        def sleep(seconds: float) -> None:
            self.sleeps.append(seconds)
            self.on_sleep()
            self.make_due(flow_id)

        return drive_flow(manager or self.manager(), flow_id, sleep, patience_seconds=1e9)

    def run(self, name: str = "f") -> tuple[int, Ended | Again | Held]:
        flow_id = self.begin(name)
        return flow_id, self.drive(flow_id)

    def make_due(self, flow_id: int) -> None:
        """If it moves. Past the watched store: this is no part of what is watched."""
        with SqlStore(self.database).write() as work:
            work.flows.wake(flow_id)

    def lapse(self, flow_id: int) -> None:
        """The lease of whoever died runs out."""
        self._set(flow_id, until=db_now(-1))

    def pass_deadlines(self, flow_id: int) -> None:
        """Those that there are have passed, of the flow and of its flow nodes; it is due."""
        self.make_due(flow_id)
        with self.database.write() as conn:
            for table, this in ((flow, flow.c.id == flow_id), (flow_node, flow_node.c.flow_id == flow_id)):
                there = this & table.c.deadline_at.is_not(None)
                conn.execute(sa.update(table).where(there).values(deadline_at=db_now(-1)))

    def _set(self, flow_id: int, **values: Any) -> None:
        with self.database.write() as conn:
            conn.execute(sa.update(flow).where(flow.c.id == flow_id).values(values))

    # --- what is there ---------------------------------------------------------------------------

    def detail(self, flow_id: int) -> Detail:
        return detail(self.manager(), flow_id)

    def state(self, flow_id: int) -> str:
        return self.detail(flow_id).flow.state.value

    def nodes(self, flow_id: int) -> list[str]:
        return [one.state.value for one in self.detail(flow_id).nodes]

    def attempts(self, flow_id: int) -> list[tuple[str, int, str, str | None]]:
        """(flow node, number, action, outcome)."""
        return [(one.node_name, one.no, one.action.value, one.outcome) for one in self.detail(flow_id).attempts]

    def audit(self, flow_id: int | None = None) -> Sequence[tuple[str, str]]:
        """(action, outcome), of one flow or of all."""
        log = metadata.tables["workflow_operation_log"].c
        query = sa.select(log.action, log.outcome).where(log.object_type == "flow").order_by(log.id)
        if flow_id is not None:
            query = query.where(log.object_code == str(flow_id))
        with self.database.read() as conn:
            return [(row.action, row.outcome) for row in conn.execute(query)]
