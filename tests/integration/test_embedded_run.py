"""Instances that really run, in this process, on both databases."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.embedded_support import Workshop, is_alive, shell, until
from wfgov_dagster.domain.definition import Parameter, Settings, Task
from wfgov_dagster.engines.embedded.run import NO_RUNNER, TaskEvent, lost, run_instance
from wfgov_dagster.errors import Conflict, StoreError
from wfgov_dagster.ports.embedded import Claim, TaskEnd


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Workshop]:
    shop = Workshop(database_url, tmp_path)
    yield shop
    shop.database.dispose()


def in_background(shop: Workshop, instance_id: str, run_id: str = "run") -> threading.Thread:
    thread = threading.Thread(target=run_instance, args=(shop.store, shop.host(), int(instance_id), run_id))
    thread.start()
    return thread


def spans(shop: Workshop, *names: str) -> list[tuple[float, float]]:
    """What tasks wrote with `timed`."""
    lines = [(shop.data / name).read_text().split() for name in names]
    return [(float(begun), float(ended)) for begun, ended in lines]


def timed(name: str, seconds: float) -> str:
    return f"a=$(date +%s.%N); sleep {seconds}; echo $a $(date +%s.%N) > {name}"


# --- order, slots, priorities ------------------------------------------------------------------


def test_tasks_run_in_the_order_of_their_edges(shop: Workshop) -> None:
    chain = [shell(code, f"echo {code} >> order") for code in "cab"]
    instance_id = shop.run(chain, [("c", "a"), ("a", "b")])
    assert shop.instance(instance_id).state == "success"
    assert (shop.data / "order").read_text().split() == ["c", "a", "b"]


def test_two_tasks_overlap_and_a_third_waits_for_a_slot(shop: Workshop) -> None:
    shop.run([shell(name, timed(name, 0.6)) for name in "abc"])
    (a, b, c) = spans(shop, "a", "b", "c")
    assert max(a[0], b[0]) < min(a[1], b[1])
    assert c[0] >= min(a[1], b[1])


def test_two_tasks_on_one_duckdb_file_do_not_overlap(shop: Workshop) -> None:
    slow = "CREATE OR REPLACE TABLE {0} AS SELECT count(*) AS n FROM range(20000000) a(i) WHERE i % 7 = 3;"
    instance_id = shop.run([Task(code, code, text=slow.format(code)) for code in "ab"])
    assert shop.instance(instance_id).state == "success"
    begun = [event.task_code for event in shop.events if event.state == "running"]
    assert [event.state for event in shop.events] == ["running", "success"] * 2
    assert begun == ["a", "b"]


def test_two_instances_on_one_duckdb_file_take_turns(shop: Workshop) -> None:
    text = "CREATE TABLE IF NOT EXISTS t (i INTEGER); INSERT INTO t SELECT i FROM range(1000) r(i);"
    first = shop.submit([Task("a", "a", text=text)], settings=Settings("one", "one"))
    second = shop.submit([Task("b", "b", text=text)], settings=Settings("two", "two"))
    for thread in [in_background(shop, first, "1"), in_background(shop, second, "2")]:
        thread.join()
    assert [shop.instance(one).state for one in (first, second)] == ["success", "success"]


def test_two_duckdb_files_are_free_of_each_other(shop: Workshop) -> None:
    slow = "CREATE OR REPLACE TABLE t AS SELECT count(*) AS n FROM range(30000000) a(i) WHERE i % 7 = 3;"
    shop.run([Task("a", "a", text=slow, datasource="one"), Task("b", "b", text=slow, datasource="two")])
    assert [event.state for event in shop.events[:2]] == ["running", "running"]
    assert {file.name for file in shop.data.glob("*.duckdb")} == {"one.duckdb", "two.duckdb"}


# --- failures ----------------------------------------------------------------------------------


def test_continue_runs_the_other_branch_and_skips_what_depends(shop: Workshop) -> None:
    tasks = [shell("a", "exit 3"), shell("b"), shell("x", "sleep 0.3"), shell("y")]
    instance_id = shop.run(tasks, [("a", "b"), ("x", "y")])
    assert shop.states(instance_id) == {"a": "failed", "b": "skipped", "x": "success", "y": "success"}
    assert shop.instance(instance_id).state == "failed"
    assert shop.instance(instance_id).error == "a: exit code 3"


def test_end_starts_nothing_new_after_a_failure(shop: Workshop) -> None:
    tasks = [shell("a", "exit 3"), shell("x", "sleep 0.5"), shell("y"), shell("z", priority=1)]
    instance_id = shop.run(tasks, [("x", "y")], Settings("w", "w", failure_strategy="end"))
    assert shop.states(instance_id) == {"a": "failed", "x": "success", "y": "skipped", "z": "skipped"}
    assert shop.instance(instance_id).state == "failed"


def test_a_task_is_tried_again_and_may_succeed(shop: Workshop) -> None:
    instance_id = shop.run([shell("a", "test -e mark || { touch mark; exit 1; }", retries=2), shell("b")], [("a", "b")])
    assert shop.states(instance_id) == {"a": "success", "b": "success"}
    task = shop.tasks(instance_id)["a"]
    assert (task.attempt, task.exit_code, task.error) == (2, 0, None)
    assert "[wfgov] try 1 of 3" in shop.log(instance_id, "a")
    assert "[wfgov] try 2 of 3" in shop.log(instance_id, "a")


def test_a_task_fails_after_its_last_try(shop: Workshop) -> None:
    instance_id = shop.run([shell("a", "echo nope; exit 7", retries=2)])
    task = shop.tasks(instance_id)["a"]
    assert (task.state, task.attempt, task.exit_code, task.error) == ("failed", 3, 7, "exit code 7: nope")
    assert [event.state for event in shop.events] == ["running", "waiting", "running", "waiting", "running", "failed"]


def test_the_retry_interval_is_kept_and_gives_the_slot_to_others(shop: Workshop) -> None:
    tasks = [
        shell("a", "date +%s.%N >> tries; exit 1", retries=1, retry_interval=1),
        *(shell(f"b{n}") for n in range(5)),
    ]
    instance_id = shop.run(tasks)
    first, second = map(float, (shop.data / "tries").read_text().split())
    assert second - first >= 1
    ended = [event.task_code for event in shop.events if event.state in {"success", "failed"}]
    assert ended[-1] == "a"
    assert set(shop.states(instance_id).values()) == {"success", "failed"}


def test_a_task_between_two_tries_has_failed_when_the_instance_ends_early(shop: Workshop) -> None:
    tasks = [shell("a", "exit 4", retries=9, retry_interval=600), shell("b", "sleep 0.3; exit 5")]
    instance_id = shop.run(tasks, settings=Settings("w", "w", failure_strategy="end"))
    assert shop.states(instance_id) == {"a": "failed", "b": "failed"}
    assert shop.tasks(instance_id)["a"].exit_code == 4


def test_a_time_out_ends_the_task_and_its_children(shop: Workshop) -> None:
    instance_id = shop.run([shell("a", "sleep 60 & echo $! > pid; wait", timeout=1)])
    task = shop.tasks(instance_id)["a"]
    assert (task.state, task.exit_code, task.error) == ("failed", 124, "its time-out of 1 s was over")
    assert not is_alive(int((shop.data / "pid").read_text()))


def test_the_workflows_own_time_out_fails_the_instance(shop: Workshop) -> None:
    instance_id = shop.run([shell("a", "sleep 60"), shell("b")], [("a", "b")], Settings("w", "w", timeout=1))
    assert shop.states(instance_id) == {"a": "stopped", "b": "skipped"}
    assert shop.instance(instance_id).state == "failed"
    assert shop.instance(instance_id).error == "the workflow's time-out of 1 s was over"


def test_an_unknown_node_type_fails_at_once_and_says_what_runs_here(shop: Workshop) -> None:
    instance_id = shop.run([Task("a", "a", node_type="SPARK", retries=3)])
    task = shop.tasks(instance_id)["a"]
    assert (task.state, task.attempt, task.exit_code) == ("failed", 1, NO_RUNNER)
    assert task.error == "node type SPARK does not run here — this engine runs: PYTHON, SHELL, SQL"
    assert "PYTHON, SHELL, SQL" in shop.log(instance_id, "a")


def test_a_log_folder_that_cannot_be_made_fails_the_instance(shop: Workshop) -> None:
    instance_id = shop.submit([shell("a")])
    (shop.home / "logs").write_text("a file")
    with pytest.raises(OSError, match="logs"):
        run_instance(shop.store, shop.host(), int(instance_id), "run")
    assert shop.instance(instance_id).state == "failed"
    assert "interrupted" in (shop.instance(instance_id).error or "")


# --- stop --------------------------------------------------------------------------------------


def test_stop_ends_what_runs_and_skips_the_rest(shop: Workshop) -> None:
    instance_id = shop.submit([shell("a", "touch begun; sleep 60"), shell("b")], [("a", "b")])
    thread = in_background(shop, instance_id)
    until((shop.data / "begun").exists)
    begun = time.monotonic()
    shop.engine.stop(instance_id)
    thread.join()
    assert time.monotonic() - begun < 5
    assert shop.states(instance_id) == {"a": "stopped", "b": "skipped"}
    assert shop.instance(instance_id).state == "stopped"
    assert shop.tasks(instance_id)["a"].exit_code == 143


def test_a_stop_before_it_began_leaves_nothing_to_claim(shop: Workshop) -> None:
    instance_id = shop.submit([shell("a")])
    shop.engine.stop(instance_id)
    assert shop.instance(instance_id).state == "stopped"
    assert shop.states(instance_id) == {"a": "skipped"}
    assert run_instance(shop.store, shop.host(), int(instance_id), "run") is None


def test_stop_reaches_a_task_that_waits_for_its_database(shop: Workshop) -> None:
    holder = shop.submit([Task("a", "a", text=_LONG)], settings=Settings("one", "one"))
    waiter = shop.submit([Task("b", "b", text="SELECT 1;")], settings=Settings("two", "two"))
    first = in_background(shop, holder, "1")
    until((shop.data / "warehouse.duckdb").exists)
    second = in_background(shop, waiter, "2")
    until(lambda: shop.states(waiter)["b"] == "running")
    shop.engine.stop(waiter)
    second.join()
    assert shop.states(waiter) == {"b": "stopped"}
    assert shop.states(holder) == {"a": "running"}
    shop.engine.stop(holder)
    first.join()
    assert shop.states(holder) == {"a": "stopped"}


_LONG = (
    "CREATE TABLE t AS SELECT count(*) AS n FROM range(1000000000) a(i), range(1000000000) b(j) WHERE i % 7 = j % 5;"
)


# --- who has it --------------------------------------------------------------------------------


def test_of_many_claimers_exactly_one_wins(shop: Workshop) -> None:
    instance_id = int(shop.submit([shell("a")]))
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda number: shop.store.claim(Claim(instance_id, f"run-{number}")), range(8)))
    assert sum(document is not None for document in got) == 1


def test_whoever_comes_second_returns_quietly(shop: Workshop) -> None:
    instance_id = shop.run([shell("a")])
    before = shop.instance(instance_id)
    assert run_instance(shop.store, shop.host(), int(instance_id), "other") is None
    assert shop.instance(instance_id) == before


def test_an_instance_without_a_sign_of_life_is_lost(shop: Workshop) -> None:
    instance_id = int(shop.submit([shell("a"), shell("b")], [("a", "b")]))
    claim = Claim(instance_id, "run")
    shop.store.claim(claim)
    shop.store.begin_task(claim, "a", 1, "x.log")
    assert lost(shop.store, 30) == []
    time.sleep(1.1)
    assert lost(shop.store, 1) == [instance_id]
    assert lost(shop.store, 1) == []
    assert shop.instance(str(instance_id)).state == "failed"
    assert "lost" in (shop.instance(str(instance_id)).error or "")
    assert shop.states(str(instance_id)) == {"a": "failed", "b": "skipped"}


def test_a_runner_that_comes_back_late_changes_nothing(shop: Workshop) -> None:
    instance_id = int(shop.submit([shell("a")]))
    claim = Claim(instance_id, "run")
    shop.store.claim(claim)
    lost(shop.store, -1)
    before = shop.instance(str(instance_id)), shop.tasks(str(instance_id))
    late = [
        lambda: shop.store.beat(claim),
        lambda: shop.store.begin_task(claim, "a", 1, "x.log"),
        lambda: shop.store.end_task(claim, "a", TaskEnd("success", 0)),
        lambda: shop.store.skip_tasks(claim, ["a"]),
        lambda: shop.store.finish(claim, "success", None),
        lambda: shop.store.beat(Claim(instance_id, "other")),
    ]
    for call in late:
        with pytest.raises(Conflict, match="does not have it any more"):
            call()
    assert (shop.instance(str(instance_id)), shop.tasks(str(instance_id))) == before


def test_a_runner_whose_instance_was_declared_lost_stops_its_tasks(shop: Workshop) -> None:
    instance_id = shop.submit([shell("a", "touch begun; sleep 60")])
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run_instance, shop.store, shop.host(), int(instance_id), "run")
        until((shop.data / "begun").exists)
        lost(shop.store, -1)
        with pytest.raises(Conflict):
            running.result(timeout=10)
    assert shop.instance(instance_id).state == "failed"
    assert "lost" in (shop.instance(instance_id).error or "")


def test_a_running_instance_is_not_lost_while_its_task_is_silent(shop: Workshop) -> None:
    instance_id = shop.submit([shell("a", "touch begun; sleep 2")])
    thread = in_background(shop, instance_id)
    until((shop.data / "begun").exists)
    time.sleep(1.2)
    assert lost(shop.store, 1) == []
    thread.join()
    assert shop.instance(instance_id).state == "success"


def test_a_database_that_is_away_for_a_moment_ends_no_instance(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    beat, missed = shop.store.beat, iter(range(3))

    def falters(claim: Claim) -> bool:
        if next(missed, None) is not None:
            raise StoreError("connection refused")
        return beat(claim)

    monkeypatch.setattr(shop.store, "beat", falters)
    instance_id = shop.run([shell("a", "sleep 1.5")])
    assert shop.instance(instance_id).state == "success"
    assert next(missed, None) is None


def test_a_database_that_stays_away_ends_the_tasks(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(claim: Claim) -> bool:
        raise StoreError("connection refused")

    monkeypatch.setattr(shop.store, "beat", refuses)
    shop.heartbeat_seconds = 0.05
    begun = time.monotonic()
    with pytest.raises(StoreError, match="connection refused"):
        shop.run([shell("a", "sleep 60")])
    assert time.monotonic() - begun < 20


# --- what tasks are given ----------------------------------------------------------------------


def test_a_task_gets_the_workflows_parameters_and_its_own(shop: Workshop) -> None:
    own = Task("a", "a", node_type="SHELL", text='echo "$PARAM_day $PARAM_zone"', parameters=(Parameter("day", "2"),))
    settings = Settings("w", "w", parameters=(Parameter("day", "1"), Parameter("zone", "x y")))
    instance_id = shop.run([own], settings=settings)
    assert "2 x y\n" in shop.log(instance_id, "a")


def test_hostile_codes_stay_in_their_folder(shop: Workshop) -> None:
    codes = ["../../up", "/abs", "订单/日汇总", "x" * 255, "..", "a\nb"]
    instance_id = shop.run([shell(code, "echo here") for code in codes])
    assert set(shop.states(instance_id).values()) == {"success"}
    assert all("here" in shop.log(instance_id, code) for code in codes)
    assert len(list((shop.home / "logs" / instance_id).glob("*.log"))) == len(codes)
    assert {path.name for path in shop.home.iterdir()} - {"wfgov.db", "wfgov.db-wal", "wfgov.db-shm"} == {
        "data",
        "logs",
    }


def test_events_tell_each_try_in_order(shop: Workshop) -> None:
    shop.run([shell("a", "exit 1"), shell("b")], [("a", "b")])
    assert shop.events == [
        TaskEvent("a", "running", 1),
        TaskEvent("a", "failed", 1, "exit code 1"),
        TaskEvent("b", "skipped", 0),
    ]
