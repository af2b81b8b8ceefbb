"""Runs that were killed unseen do not hold back the next ones."""

import os
import subprocess
import sys
from collections.abc import Callable

import dagster as dg
import pytest
from dagster._core.events import EngineEventData

from wfgov_dagster.ops import sweep as module
from wfgov_dagster.ops.sweep import sweep


@pytest.fixture
def a_run(instance: dg.DagsterInstance) -> Callable[[int | None, dg.DagsterRunStatus], str]:
    """A run whose process said that it was this pid; returns its id."""

    def make(pid: int | None, status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTED) -> str:
        run = instance.add_run(dg.DagsterRun("orchestrate", status=status))
        if pid is not None:
            said = EngineEventData(metadata={"pid": dg.MetadataValue.text(str(pid))})
            instance.report_engine_event("here I am", run, said)
        return run.run_id

    return make


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("status", ["STARTING", "STARTED", "CANCELING"])
def test_a_run_whose_process_is_gone_is_failed(
    instance: dg.DagsterInstance, a_run: Callable[..., str], status: str
) -> None:
    run_id = a_run(dead_pid(), dg.DagsterRunStatus[status])

    assert sweep(instance) == [run_id]

    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status == dg.DagsterRunStatus.FAILURE


def test_a_run_whose_process_lives_is_left_alone(instance: dg.DagsterInstance, a_run: Callable[..., str]) -> None:
    a_run(os.getpid())

    assert sweep(instance) == []


def test_a_run_that_has_ended_is_left_alone(instance: dg.DagsterInstance, a_run: Callable[..., str]) -> None:
    a_run(dead_pid(), dg.DagsterRunStatus.SUCCESS)

    assert sweep(instance) == []


def test_a_run_that_has_not_said_who_it_is_gets_time_to_say_it(
    instance: dg.DagsterInstance, a_run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = a_run(None)
    assert sweep(instance) == []

    monkeypatch.setattr(module, "SPEAKS_WITHIN_SECONDS", 0)

    assert sweep(instance) == [run_id]
