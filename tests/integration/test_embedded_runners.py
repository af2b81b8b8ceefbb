"""What a task's process is given, tells and leaves behind."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.integration.embedded_support import is_alive, until
from wfgov_dagster.domain.definition import Parameter, Task
from wfgov_dagster.ports.runtime import Runner, TaskResult
from wfgov_dagster.runners import process
from wfgov_dagster.runners.duckdb_sql import DuckDbRunner
from wfgov_dagster.runners.python import python_runner
from wfgov_dagster.runners.shell import shell_runner


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs" / "task.log"


def never() -> bool:
    return False


def run(runner: Runner, log: Path, text: str, should_stop: Callable[[], bool] = never, **more: object) -> TaskResult:
    return runner.run(Task("a", "a", text=text, **more), log, should_stop)  # type: ignore[arg-type]


# --- any process -------------------------------------------------------------------------------


def test_success_is_exit_code_0_and_output_is_in_the_log(data: Path, log: Path) -> None:
    assert run(shell_runner(data), log, "echo out; echo err >&2") == TaskResult(0)
    assert log.read_text() == "out\nerr\n"


def test_a_second_try_appends_to_the_log(data: Path, log: Path) -> None:
    run(shell_runner(data), log, "echo one")
    run(shell_runner(data), log, "echo two")
    assert log.read_text() == "one\ntwo\n"


def test_a_failure_tells_the_exit_code_and_the_last_line(data: Path, log: Path) -> None:
    assert run(shell_runner(data), log, "echo fine; echo 'no such host'; exit 5") == TaskResult(
        5, "exit code 5: no such host"
    )
    assert run(shell_runner(data), log, "exit 6") == TaskResult(6, "exit code 6")


def test_death_by_a_signal_is_128_and_its_number(data: Path, log: Path) -> None:
    assert run(shell_runner(data), log, "kill -9 $$").exit_code == 137


def test_a_killed_supervisor_takes_its_command_along(data: Path, log: Path) -> None:
    result = run(shell_runner(data), log, "echo $$ > pid; kill -9 $PPID; sleep 60")
    assert result.exit_code == 137
    until(lambda: not is_alive(int((data / "pid").read_text())))


def test_what_runs_on_in_the_background_is_ended_with_its_task(data: Path, log: Path) -> None:
    begun = time.monotonic()
    assert run(shell_runner(data), log, "sleep 60 & echo $! > pid").exit_code == 0
    assert time.monotonic() - begun < 10
    until(lambda: not is_alive(int((data / "pid").read_text())))


def test_a_command_that_ignores_the_request_is_killed(data: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.3)
    result = run(shell_runner(data), log, "trap '' TERM; echo $$ > pid; while :; do sleep 0.1; done", timeout=1)
    assert (result.exit_code, result.timed_out) == (process.TIMED_OUT, True)
    until(lambda: not is_alive(int((data / "pid").read_text())))


def test_a_command_may_clean_up_when_it_is_stopped(data: Path, log: Path) -> None:
    text = "trap 'echo cleaned; exit 0' TERM; touch begun; while :; do sleep 0.1; done"
    result = run(shell_runner(data), log, text, (data / "begun").exists)
    assert result == TaskResult(process.STOPPED, "stopped", stopped=True)
    assert "cleaned" in log.read_text()


def test_the_environment_is_clean(data: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFGOV_DATABASE_URL", "postgresql://ann:secret@db/x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    run(shell_runner(data), log, "env", parameters=(Parameter("day", "1"), Parameter("out", "x", direction="OUT")))
    names = {line.partition("=")[0] for line in log.read_text().splitlines()}
    assert names - {"PATH", "HOME", "LANG", "TZ", "PWD", "SHLVL", "_", "OLDPWD"} == {"WFGOV_TASK_CODE", "PARAM_day"}
    assert "secret" not in log.read_text()


def test_a_value_that_no_environment_can_hold_fails_the_task(data: Path, log: Path) -> None:
    result = run(shell_runner(data), log, "true", parameters=(Parameter("day", "a\0b"),))
    assert result.exit_code == process.NOT_STARTED
    assert "null byte" in str(result.error)


def test_nothing_is_left_open(data: Path, log: Path) -> None:
    run(shell_runner(data), log, "true")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted, not listed
    for _ in range(3):
        run(shell_runner(data), log, "true")
        run(shell_runner(data), log, "true", parameters=(Parameter("day", "a\0b"),))
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


# --- SHELL and PYTHON --------------------------------------------------------------------------


def test_the_first_command_that_fails_ends_a_shell_script(data: Path, log: Path) -> None:
    assert run(shell_runner(data), log, "echo one; false; echo two").exit_code == 1
    assert log.read_text() == "one\n"


def test_a_script_has_its_stdin_to_itself_and_may_be_long(data: Path, log: Path) -> None:
    assert run(shell_runner(data), log, "cat\n" + "# padding\n" * 50_000 + "echo '订单 end'").exit_code == 0
    assert log.read_text() == "订单 end\n"


def test_python_runs_by_our_interpreter_with_its_packages(data: Path, log: Path) -> None:
    text = "import duckdb, json, os\nprint(duckdb.execute('select 41 + 1').fetchone()[0], os.getcwd())"
    assert run(python_runner(data), log, text).exit_code == 0
    assert log.read_text() == f"42 {data.resolve()}\n"


def test_no_script_of_another_task_is_imported_by_chance(data: Path, log: Path) -> None:
    log.with_name("json.py").write_text("raise SystemExit('the wrong json')")
    assert run(python_runner(data), log, "import json; print(json.dumps(1))") == TaskResult(0)


def test_a_python_error_is_the_reason(data: Path, log: Path) -> None:
    assert run(python_runner(data), log, "raise ValueError('bad day')").error == "exit code 1: ValueError: bad day"


# --- SQL on DuckDB -----------------------------------------------------------------------------


def test_statements_run_in_order_and_tell_what_they_did(data: Path, log: Path) -> None:
    text = "CREATE TABLE t AS SELECT * FROM range(5) r(i);\nDELETE FROM t WHERE i > 2; SELECT i, '值' AS v FROM t"
    assert run(DuckDbRunner(data), log, text) == TaskResult(0)
    assert log.read_text().splitlines() == [
        "statement 1 of 3: CREATE, 5 rows",
        "statement 2 of 3: DELETE, 2 rows",
        "statement 3 of 3: SELECT",
        "i\tv",
        "0\t值",
        "1\t值",
        "2\t值",
    ]
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as conn:
        assert conn.execute("SELECT count(*) FROM t").fetchone() == (3,)


def test_a_long_result_is_cut(data: Path, log: Path) -> None:
    run(DuckDbRunner(data), log, "SELECT repeat('x', 1000) AS x FROM range(1000)")
    lines = log.read_text().splitlines()
    assert lines[-1] == "…"
    assert len(lines) == 1 + 1 + 20 + 1
    assert max(map(len, lines)) == 60


def test_a_statement_that_fails_is_named_and_the_ones_before_it_stay(data: Path, log: Path) -> None:
    result = run(DuckDbRunner(data), log, "CREATE TABLE t (i INTEGER); INSERT INTO nowhere VALUES (1); DROP TABLE t;")
    assert result.exit_code == 1
    assert "statement 2 of 3 failed: Catalog Error" in str(result.error)
    assert run(DuckDbRunner(data), log, "SELECT * FROM t") == TaskResult(0)


def test_a_script_that_does_not_parse_runs_no_statement(data: Path, log: Path) -> None:
    result = run(DuckDbRunner(data), log, "CREATE TABLE t (i INTEGER); SELEC 2;")
    assert "the script failed: Parser Error" in str(result.error)
    assert "CREATE" not in log.read_text().split("Parser Error")[0]
    assert run(DuckDbRunner(data), log, "SELECT * FROM t").exit_code == 1


@pytest.mark.parametrize("text", ["", "-- nothing\n;;"])
def test_a_script_without_statements_succeeds(data: Path, log: Path, text: str) -> None:
    assert run(DuckDbRunner(data), log, text) == TaskResult(0)


def test_a_time_out_ends_a_query(data: Path, log: Path) -> None:
    text = "SELECT count(*) FROM range(1000000000) a(i), range(1000000000) b(j) WHERE i % 7 = j % 5"
    result = run(DuckDbRunner(data), log, text, timeout=1)
    assert (result.exit_code, result.timed_out) == (process.TIMED_OUT, True)
    assert run(DuckDbRunner(data), log, "SELECT 1") == TaskResult(0)


@pytest.mark.parametrize("source", ["../../up", "/abs", "订单", "..", "x" * 255])
def test_a_hostile_data_source_stays_in_its_folder(data: Path, log: Path, source: str) -> None:
    runner = DuckDbRunner(data)
    assert run(runner, log, "CREATE TABLE t (i INTEGER)", datasource=source) == TaskResult(0)
    assert runner.file(source).parent == data.resolve()
    assert runner.file(source).exists()
    assert len(list(data.glob("*.duckdb"))) == 1


def test_no_data_source_is_the_warehouse(data: Path) -> None:
    runner = DuckDbRunner(data)
    texts = {runner.exclusive(Task("a", "a", datasource=source)) for source in (None, "", "warehouse")}
    assert texts == {str(data.resolve() / "warehouse.duckdb")}
    assert runner.exclusive(Task("a", "a", datasource="other")) not in texts


def test_the_wait_for_the_file_is_not_the_tasks_time(data: Path, log: Path) -> None:
    other = log.with_name("other.log")
    slow = (
        "CREATE TABLE t AS SELECT 1 AS i;"
        + "INSERT INTO t SELECT count(*) FROM range(60000000) WHERE range % 7 = 3;" * 8
    )
    holder = threading.Thread(target=run, args=(DuckDbRunner(data), other, slow))
    holder.start()
    until(lambda: other.exists() and "statement 1" in other.read_text())
    begun = time.monotonic()
    assert run(DuckDbRunner(data), log, "SELECT count(*) FROM t", timeout=2) == TaskResult(0)
    waited = time.monotonic() - begun
    holder.join()
    assert waited > 0.2
    assert "\n9\n" in log.read_text() + "\n"
