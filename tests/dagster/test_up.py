"""`wfgov up`, for real: two servers, one home, and a change of the metadata that becomes a version by itself."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import httpx
import psutil
import pytest

from tests.dagster import estate
from tests.dagster.estate import REPORT, RETAIL
from tests.support.served import WFGOV, Up, serving, started, until
from tests.support.size import size
from wfgov_dagster.runs.adapter import DagsterRuns
from wfgov_dagster.runs.home import DagsterHome
from wfgov_dagster.settings import Settings


@pytest.fixture(scope="module")
def up(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with estate.at_home(sqlite_template, tmp_path_factory.mktemp("up")) as home, serving(home) as up:
        until(estate.versions, lambda found: found == {RETAIL: 1, REPORT: 1})
        yield up


def wfgov(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [WFGOV, *words]
    env = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env, timeout=120)


def seconds_from_the_tick_to(made: datetime, home: Path) -> float:
    """From when the sensor asked for the newest run of orchestrate."""
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        run = instance.get_run_records(dg.RunsFilter(job_name="orchestrate"), limit=1)[0]
    return (made - run.create_timestamp).total_seconds()


def test_a_lineage_row_becomes_a_version_of_the_workflow_that_it_concerns(up: Up) -> None:
    estate.add_read("audit", "dwd", "orders")

    until(estate.versions, lambda found: found[RETAIL] == 2)

    latency = seconds_from_the_tick_to(datetime.now(UTC), up.home)
    assert estate.versions() == {RETAIL: 2, REPORT: 1}
    assert "+edge clean → audit (reads dwd.orders)" in estate.summary(RETAIL)
    assert latency < size(60, 10), f"{latency:.1f} s from the tick to the version"


def test_a_home_is_served_once(up: Up) -> None:
    second = wfgov("up")

    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr.startswith(f"conflict: this home is served already, at {up.url} — ")
    assert str(up.process.pid) in second.stderr


def test_it_listens_on_this_machine_only(up: Up) -> None:
    connections = up.of_each(lambda child: child.net_connections())

    listening = {one.laddr.ip for child in connections for one in child if one.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


def test_nothing_is_told_to_the_vendor(up: Up) -> None:
    assert "telemetry: {enabled: false}" in (up.home / "dagster" / "dagster.yaml").read_text()
    assert set(up.of_each(lambda child: child.environ()["DAGSTER_DISABLE_TELEMETRY"])) == {"1"}


def test_a_run_that_is_asked_for_goes_through_the_webserver(up: Up) -> None:
    runs = DagsterRuns(Settings())

    run_id = runs.start("orchestrate", {}, {"wfgov/actor": "ann"})

    assert runs.wait(run_id, 120) == "SUCCESS"
    page = httpx.get(f"{up.url}/runs/{run_id}", trust_env=False)
    assert page.is_success


def test_what_was_submitted_is_run(up: Up) -> None:
    estate.deploy_online(RETAIL)
    number = estate.submit(RETAIL)

    assert (
        until(lambda: estate.instance(number).state, lambda state: state not in {"submitted", "running"}) == "success"
    )


def test_asked_to_stop_it_ends_what_runs_and_leaves_nobody_behind(up: Up) -> None:
    """After all that ask this file's server."""
    estate.execute("UPDATE data_task SET task_sql = 'sleep 600' WHERE task_code = 'clean'")
    until(estate.versions, lambda found: found[RETAIL] == 3)
    estate.deploy_online(RETAIL)
    number = estate.submit(RETAIL, "again")
    until(lambda: estate.task_states(number)["clean"], lambda state: state == "running")

    assert up.stop(signal.SIGTERM) == 0

    assert [child for child in up.children if child.is_running()] == []
    assert DagsterHome(up.home).url() is None
    assert estate.instance(number).state == "failed"
    assert "its runner was interrupted" in str(estate.instance(number).error)
    assert estate.task_states(number)["clean"] == "stopped"


def are_the_two_servers(children: list[psutil.Process]) -> bool:
    """The first child, who removes what a killed server left, is another one."""
    return len(children) == len({"dagster-webserver", "dagster-daemon"})


def test_killed_it_leaves_the_home_to_the_servers_that_live_on(sqlite_template: Path, tmp_path: Path) -> None:
    with estate.at_home(sqlite_template, tmp_path) as home, started(home) as process:
        children = until(psutil.Process(process.pid).children, are_the_two_servers)
        process.kill()
        process.wait()

        second = wfgov("up")
        for child in children:  # each leads a group: what it had started by now goes with it
            os.killpg(child.pid, signal.SIGKILL)

    assert second.returncode == 1
    assert "is served already" in second.stderr


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://wfgov:hush@127.0.0.1:1/none", "store: "),
        ("oracle://x", "invalid: "),
        ("sqlite:////dev/null/x", ""),
    ],
)
def test_a_database_that_cannot_be_used_is_told_at_once(tmp_path: Path, url: str, said: str) -> None:
    refused = wfgov("up", WFGOV_DATABASE_URL=url, WFGOV_HOME=str(tmp_path / "home"))

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(said)
    assert "hush" not in refused.stderr
    assert not (tmp_path / "home" / "dagster").exists()


def test_a_port_that_is_taken_is_told_at_once(tmp_path: Path) -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        refused = wfgov("up", "--port", str(other.getsockname()[1]), WFGOV_HOME=str(tmp_path / "home"))

    assert refused.returncode == 1
    assert "is taken" in refused.stderr


def test_without_a_server_a_run_is_a_child_process_in_the_same_history(sqlite_template: Path, tmp_path: Path) -> None:
    with estate.at_home(sqlite_template, tmp_path) as home:
        runs = DagsterRuns(Settings())

        run_id = runs.start("orchestrate", {}, {"wfgov/actor": "ann"})

        assert runs.wait(run_id, 120) == "SUCCESS"
        with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
            run = instance.get_run_by_id(run_id)
        assert run is not None
        assert (run.job_name, run.tags["wfgov/actor"], run.status.value) == ("orchestrate", "ann", "SUCCESS")
