"""Durable flows and publishes on SQLite: how long from flow node to flow node, what an idle watch loop asks, how many
publishes a minute, one after the other and side by side."""

import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr

from tests.integration.publish_support import Office, a_definition
from wfgov_dagster.domain.flow import Biz, FlowDefinition, FlowNode, NodeKind, Turn
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.settings import Settings
from wfgov_dagster.store import migrate
from wfgov_dagster.usecases.advance_flow import drive_flow
from wfgov_dagster.usecases.engines import EMBEDDED
from wfgov_dagster.usecases.flows import create_flow, start_flow
from wfgov_dagster.usecases.request_publish import Request, request
from wfgov_dagster.usecases.watch_flows import Ears
from wfgov_dagster.wiring import Platform

FLOWS, FLOW_NODES = 40, 10
LONG = (10, 100, 400)
IDLE_SECONDS = 5.0
WORKFLOWS = 40
SIDE_BY_SIDE = 4
CALL_SECONDS = 0.05  # of an engine that is reached over a network


def report(folder: Path, runs: int) -> None:
    with installation(folder / "flows.db") as platform:
        _node_to_node(platform)
    with installation(folder / "long.db") as platform:
        _long_flows(platform)
    with installation(folder / "idle.db") as platform:
        _idle(platform)
    print(f"\npublishes a minute ({WORKFLOWS} new workflows), one after the other and {SIDE_BY_SIDE} side by side")
    print(f"{'engine':>28} {'one':>7} {SIDE_BY_SIDE:>7} {'ratio':>6}")
    for name, seconds in (("embedded", 0.0), (f"embedded, {1000 * CALL_SECONDS:.0f} ms a call", CALL_SECONDS)):
        rates: dict[int, list[float]] = {1: [], SIDE_BY_SIDE: []}
        for run in range(runs):
            for workers, found in rates.items():
                with installation(folder / f"publish-{seconds}-{run}-{workers}.db") as platform:
                    found.append(_publishes_a_minute(platform, workers, seconds))
        one, many = (statistics.median(found) for found in rates.values())
        print(f"{name:>28} {one:>7.0f} {many:>7.0f} {many / one:>5.1f}x", flush=True)


@contextmanager
def installation(file: Path) -> Iterator[Platform]:
    url = f"sqlite:///{file}"
    migrate.upgrade(url)
    platform = Platform(Settings(home=file.parent, database_url=SecretStr(url), engine_writes_per_second=0))
    yield platform
    platform.close()


def _node_to_node(platform: Platform) -> None:
    """From the return of one flow node's function to the call of the next one's, in one process."""
    called: list[float] = []
    gaps: list[float] = []

    def do(turn: Turn) -> str:
        now = time.perf_counter()
        if turn.results:
            gaps.append(1000 * (now - called[-1]))
        called.append(time.perf_counter())
        return turn.node

    nodes = tuple(FlowNode(f"n{at}", NodeKind.CALL, do) for at in range(FLOW_NODES))
    platform.definitions.register(FlowDefinition("bench", 1, nodes))
    manager = platform.flows()
    spent = time.process_time()
    for at in range(FLOWS):
        flow_id = create_flow(manager, "bench", Biz(str(at), "bench"), "bench")
        start_flow(manager, "bench", flow_id)
        drive_flow(manager, flow_id, time.sleep)
    cpu = 1000 * (time.process_time() - spent) / (FLOWS * FLOW_NODES)
    assert len(gaps) == FLOWS * (FLOW_NODES - 1), "a flow did not come to its end"
    print(f"\nflow node to flow node, {FLOWS} flows of {FLOW_NODES}: median {statistics.median(gaps):.1f} ms, "
          f"p95 {statistics.quantiles(gaps, n=20)[-1]:.1f} ms, slowest {max(gaps):.1f} ms; "
          f"processor time {cpu:.1f} ms each", flush=True)  # fmt: skip


def _long_flows(platform: Platform) -> None:
    """Processor time of a flow node by how many there are, one flow each."""
    told = []
    for count in LONG:
        nodes = tuple(FlowNode(f"n{at}", NodeKind.CALL, lambda turn: turn.node) for at in range(count))
        platform.definitions.register(FlowDefinition(f"of {count}", 1, nodes))
        manager = platform.flows()
        flow_id = create_flow(manager, "bench", Biz(str(count), "bench"), f"of {count}")
        start_flow(manager, "bench", flow_id)
        spent = time.process_time()
        drive_flow(manager, flow_id, time.sleep)
        told.append(f"{1000 * (time.process_time() - spent) / count:.1f} ms each of {count}")
    print(f"processor time of flow nodes: {', '.join(told)}", flush=True)


def _idle(platform: Platform) -> None:
    """Statements of the watch loop while nothing is due, transactions not counted."""
    asked: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.startswith("BEGIN"):
            asked.append(statement)

    sa.event.listen(platform.database.engine, "before_cursor_execute", note)
    stop = threading.Event()
    timer = threading.Timer(IDLE_SECONDS, stop.set)
    begun, spent = time.monotonic(), time.process_time()
    timer.start()
    platform.watch_flows(stop, Ears(_nothing, _nothing, _nothing))
    seconds, cpu = time.monotonic() - begun, time.process_time() - spent
    timer.join()
    print(f"idle watch loop: {len(asked) / seconds:.2f} queries a second, {100 * cpu / seconds:.1f} % of a core",
          flush=True)  # fmt: skip


def _publishes_a_minute(platform: Platform, workers: int, call_seconds: float) -> float:
    """New workflows deployed, each by its own durable flow, until the last one is confirmed."""
    office = Office(platform.database)
    codes = [f"w{at}" for at in range(WORKFLOWS)]
    for code in codes:
        office.save(a_definition(code))
    if call_seconds:
        _slow_down(platform, call_seconds)
    begun = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        ends = list(pool.map(lambda code: _deploy(platform, code), codes))
    seconds = time.perf_counter() - begun
    assert set(ends) == {"success"}, "a publish failed"
    return 60 * len(codes) / seconds


def _deploy(platform: Platform, code: str) -> str:
    record_id = request(platform.store, "bench", Request(code, Operation.DEPLOY, EMBEDDED))
    with platform.store.read() as work:
        flow_id = work.publishing.job(record_id).flow_id
    assert flow_id is not None
    drive_flow(platform.flows(), flow_id, time.sleep)
    with platform.store.read() as work:
        return work.publishing.job(record_id).status


def _slow_down(platform: Platform, seconds: float) -> None:
    engine_of = platform.engine_of

    class Distant:
        """Each call takes its time, as over a network."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            if name not in {"name", "kind"}:
                time.sleep(seconds)
            return getattr(self._inner, name)

    platform.engine_of = lambda registered: Distant(engine_of(registered))  # type: ignore[method-assign]


def _nothing(*_told: object) -> None:
    """Nobody listens."""
