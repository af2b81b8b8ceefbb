"""What `wfgov flow watch` does beside driving flows."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.embedded_support import until
from tests.integration.fire_support import Belfry, utc
from wfgov_dagster.domain.alert import Alert, AlertKind
from wfgov_dagster.domain.definition import Schedule
from wfgov_dagster.errors import Conflict, StoreError, WfgovError
from wfgov_dagster.ports.embedded import Fired, FireReport
from wfgov_dagster.settings import CHECKOUT
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases.deliver_alerts import DeliveryReport
from wfgov_dagster.usecases.do_chores import Chores, do_chores

FIRED = Fired("embedded", "w", utc("2026-05-01 11:00"), 7, 0)


def broken() -> FireReport:
    raise StoreError("the database is gone")


@pytest.mark.parametrize(
    ("chores", "told"),
    [
        (Chores(lambda: FireReport([FIRED], []), lambda _: None, DeliveryReport, lambda: None), []),
        (Chores(lambda: FireReport([], ["w: no zone"]), lambda _: None, DeliveryReport, lambda: None), ["invalid"]),
        (Chores(broken, lambda _: None, lambda: DeliveryReport(0, "closed"), lambda: None), ["store", "not_delivered"]),
    ],
    ids=["nothing", "a bad schedule", "everything"],
)
def test_what_goes_wrong_is_told_and_holds_up_nothing(chores: Chores, told: list[str]) -> None:
    failures: list[WfgovError] = []
    do_chores(chores, failures.append)
    assert [one.code for one in failures] == told


def test_what_fired_is_launched_and_alerts_are_delivered_though_it_cannot_be() -> None:
    launched, delivered, failures = [], [], []

    def launch(instance_id: str) -> None:
        launched.append(instance_id)
        raise Conflict("no process for the run")

    def deliver() -> DeliveryReport:
        delivered.append(True)
        return DeliveryReport(1)

    do_chores(Chores(lambda: FireReport([FIRED], []), launch, deliver, lambda: None), failures.append)
    assert (launched, delivered, [one.code for one in failures]) == (["7"], [True], ["conflict"])


def test_without_dagster_the_watch_loop_fires_runs_and_delivers(sqlite_url: str, tmp_path: Path) -> None:
    belfry, home = Belfry(sqlite_url), tmp_path / "home"
    belfry.schedule(Schedule("0 0 1 1 *", "UTC"), "2024-05-01 10:30")
    with SqlStore(belfry.database).write() as work:
        work.alerts.add(Alert(AlertKind.FLOW_FAILED, "flow:1:1", "it failed"))
    env = os.environ | {
        "WFGOV_DATABASE_URL": sqlite_url,
        "WFGOV_HOME": str(home),
        "WFGOV_WEBSERVER_URL": "http://127.0.0.1:1",
    }
    command = [Path(sys.executable).with_name("wfgov"), "flow", "watch"]
    watch = subprocess.Popen(command, cwd=CHECKOUT, env=env, stderr=subprocess.PIPE)
    try:
        until(lambda: [one.state for one in belfry.instances()] == ["success"], 90)
        until((home / "logs" / "alerts.jsonl").exists)
    finally:
        watch.send_signal(signal.SIGTERM)
        said = watch.communicate(timeout=60)[1].decode()
    assert watch.returncode == 0, said
    assert json.loads((home / "logs" / "alerts.jsonl").read_text())["dedupe_key"] == "flow:1:1"
    assert len(belfry.fires()) == 1
    belfry.database.dispose()
