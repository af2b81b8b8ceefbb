"""The outbox of alerts: one alert a fault, a storm told as one, each delivered at least once."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.doubles.notifier import Channel
from tests.integration.publish_support import WatchedStore
from tests.support.size import size
from wfgov_dagster.domain.alert import TOGETHER_SECONDS, Alert, AlertKind
from wfgov_dagster.errors import NotFound
from wfgov_dagster.ports.alerts import AlertRow
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema.alert import alert as alerts
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases.deliver_alerts import LIMITS, DeliveryLimits, deliver_alerts

FAILED = AlertKind.PUBLISH_FAILED


class Killed(BaseException):
    """As the process would be: nobody catches it."""


class Outbox:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = WatchedStore(SqlStore(database))
        self.channel = Channel()

    def add(self, key: str, workflow: str | None = "w", kind: AlertKind = FAILED, step: str | None = None) -> bool:
        with self.store.write() as work:
            return work.alerts.add(Alert(kind, key, f"{key} failed", workflow, step=step))

    def deliver(self, limits: DeliveryLimits = LIMITS) -> tuple[int, str | None]:
        report = deliver_alerts(self.store, self.channel, limits)
        return report.delivered, report.error

    def list(self, *, undelivered: bool = False) -> list[AlertRow]:
        with self.store.read() as work:
            return list(work.alerts.list(10_000, undelivered=undelivered))

    def get(self, key: str) -> AlertRow:
        with self.store.read() as work:
            found = work._conn.scalar(sa.select(alerts.c.id).where(alerts.c.dedupe_key == key))
            return work.alerts.get(found)

    def age(self, seconds: float) -> None:
        """Everything was raised, and came due, so much earlier."""
        with self.database.write() as conn:
            conn.execute(sa.update(alerts).values(raised_at=db_now(-seconds), due_at=db_now(-seconds)))

    def make_due(self) -> None:
        with self.database.write() as conn:
            conn.execute(sa.update(alerts).values(due_at=db_now(-1)))


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


# --- one alert a fault ---------------------------------------------------------------------------


def test_a_fault_is_told_once_whoever_notices_it(outbox: Outbox) -> None:
    assert outbox.add("record:1:failed")
    assert not outbox.add("record:1:failed")
    outbox.deliver()
    assert not outbox.add("record:1:failed")
    assert outbox.channel.told == [("record:1:failed", 1)]


def test_of_eight_who_tell_the_same_fault_at_once_one_does(outbox: Outbox) -> None:
    start = threading.Barrier(8)

    def tell(_: int) -> bool:
        own = Database(outbox.database.url.render_as_string(hide_password=False))
        start.wait()
        with SqlStore(own).write() as work:
            told = work.alerts.add(Alert(FAILED, "instance:7:failed", "it failed", "w"))
        own.dispose()
        return told

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(tell, range(8))) == [False] * 7 + [True]
    assert outbox.deliver() == (1, None)


def test_an_alert_lives_and_dies_with_the_transaction_that_fails(outbox: Outbox) -> None:
    outbox.store.hook = kill
    with pytest.raises(Killed):
        outbox.add("record:1:failed")
    assert outbox.list() == []


def test_everything_that_is_told_is_kept_without_its_secrets(outbox: Outbox) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    links = {"look": "wfgov record show 1", "run": "/runs/x"}
    told = Alert(FAILED, "record:1:failed", "no: token=hush", "w", 3, "t", "deploy", "embedded", "engine", links)
    with outbox.store.write() as work:
        work.alerts.add(told)
    (row,) = outbox.list()
    assert row.alert.at is not None
    assert before <= row.alert.at <= datetime.now(UTC) + timedelta(seconds=5)
    shown = row.alert
    assert (shown.workflow_code, shown.version_no, shown.task_code, shown.step, shown.engine, shown.error_code) == (
        "w", 3, "t", "deploy", "embedded", "engine",
    )  # fmt: skip
    assert (shown.message, shown.links, shown.kind, shown.dedupe_key) == (
        "no: token=***", links, FAILED, "record:1:failed",
    )  # fmt: skip


def test_what_was_told_about_a_thing_is_found_by_its_own_name_and_time_only(outbox: Outbox) -> None:
    outbox.add("record:1:failed:2")
    now = datetime.now(UTC)
    with outbox.store.read() as work:
        found = [work.alerts.about(one, now - timedelta(hours=1)) for one in ("record:1", "record", "record:11", "rec")]
        assert found == [True, True, False, False]
        assert not work.alerts.about("record:1", now + timedelta(hours=1))


def test_an_unknown_alert_is_not_found(outbox: Outbox) -> None:
    with pytest.raises(NotFound, match="no alert 7"), outbox.store.read() as work:
        work.alerts.get(7)


# --- storms --------------------------------------------------------------------------------------


def test_a_storm_of_failures_of_one_workflow_is_one_alert_with_its_count(outbox: Outbox) -> None:
    count = size(200, 1000)
    for ten in range(count // 10):
        with outbox.store.write() as work:
            for one in range(10):
                assert work.alerts.add(Alert(FAILED, f"record:{10 * ten + one}:failed", "it failed", "w"))
    assert outbox.deliver() == (1, None)
    assert outbox.channel.told == [("record:0:failed", count)]
    (row,) = outbox.list()
    assert (row.count, row.state) == (count, "delivered")
    assert outbox.list(undelivered=True) == []


def test_other_workflows_and_other_kinds_speak_for_themselves(outbox: Outbox) -> None:
    for workflow in ("w", "v"):
        for kind in (FAILED, AlertKind.INSTANCE_FAILED):
            outbox.add(f"{workflow}:{kind}", workflow, kind)
    assert outbox.deliver() == (4, None)


def test_without_a_workflow_what_failed_at_the_same_step_is_told_together(outbox: Outbox) -> None:
    for number, step in enumerate(["settle", "settle", "check", None, None]):
        outbox.add(f"flow:{number}:1", None, AlertKind.FLOW_FAILED, step)
    assert sorted(row.count for row in outbox.list()) == [1, 2, 2]


def test_after_a_while_the_same_trouble_is_told_again(outbox: Outbox) -> None:
    outbox.add("record:1:failed")
    outbox.deliver()
    outbox.add("record:2:failed")
    outbox.age(TOGETHER_SECONDS + 1)
    outbox.add("record:3:failed")
    assert outbox.deliver() == (1, None)
    assert outbox.channel.told == [("record:1:failed", 1), ("record:3:failed", 1)]
    assert outbox.get("record:2:failed").lead_id == outbox.get("record:1:failed").id


def test_nothing_hides_behind_an_alert_that_could_not_be_delivered(outbox: Outbox) -> None:
    outbox.add("record:1:failed")
    outbox.channel.refusals = 1
    outbox.deliver(DeliveryLimits(attempts=1))
    outbox.add("record:2:failed")
    assert outbox.deliver() == (1, None)
    assert outbox.channel.told == [("record:2:failed", 1)]


# --- delivery ------------------------------------------------------------------------------------


def test_alerts_are_delivered_in_the_order_they_were_raised(outbox: Outbox) -> None:
    for name in "cab":
        outbox.add(f"record:{name}:failed", name)
    assert outbox.deliver() == (3, None)
    assert [key for key, _ in outbox.channel.told] == ["record:c:failed", "record:a:failed", "record:b:failed"]
    assert outbox.deliver() == (0, None)


def test_no_transaction_is_open_while_the_channel_is_called(outbox: Outbox) -> None:
    open_then: list[int] = []
    outbox.channel.hook = lambda: open_then.append(outbox.store.open)
    outbox.add("record:1:failed")
    outbox.deliver()
    assert open_then == [0]


def test_a_channel_that_refuses_is_tried_again_ever_later_and_then_works(outbox: Outbox) -> None:
    outbox.add("record:1:failed")
    outbox.channel.refusals = 3
    waits = []
    for _ in range(3):
        delivered, error = outbox.deliver()
        assert delivered == 0
        assert error == "not_delivered: the channel is closed, token=*** — channel"
        assert outbox.deliver() == (0, None)
        row = outbox.get("record:1:failed")
        assert row.last_error == error
        waits.append(round((row.due_at - datetime.now(UTC)).total_seconds(), -1) if row.attempts > 2 else None)
        outbox.make_due()
    assert [LIMITS.wait(number) for number in (1, 2, 3, 20)] == [5.0, 10.0, 20.0, 3600.0]
    assert waits == [None, None, 20.0]
    assert outbox.deliver() == (1, None)
    row = outbox.get("record:1:failed")
    assert (row.state, row.attempts, row.last_error) == ("delivered", 4, None)
    assert row.delivered_at is not None


def test_while_the_channel_refuses_the_others_wait_and_none_is_lost(outbox: Outbox) -> None:
    for name in "abc":
        outbox.add(f"record:{name}:failed", name)
    outbox.channel.refusals = 2
    results = []
    for _ in range(4):
        results.append(outbox.deliver()[0])
        outbox.make_due()
    assert results == [0, 0, 3, 0]
    assert sorted(key for key, _ in outbox.channel.told) == ["record:a:failed", "record:b:failed", "record:c:failed"]


def test_after_its_last_attempt_an_alert_is_dead_and_stays_to_be_seen(outbox: Outbox) -> None:
    outbox.add("record:1:failed")
    outbox.channel.refusals = 2
    for _ in range(3):
        outbox.deliver(DeliveryLimits(attempts=2))
        outbox.make_due()
    (row,) = outbox.list(undelivered=True)
    assert (row.state, row.attempts, row.delivered_at) == ("dead", 2, None)
    assert outbox.channel.told == []


def test_of_eight_who_deliver_at_once_each_alert_is_delivered_by_one(outbox: Outbox) -> None:
    count = size(20, 500)
    for number in range(count):
        outbox.add(f"record:{number}:failed", f"w{number}")
    start, told = threading.Barrier(8), Channel()

    def work(_: int) -> int:
        own = Database(outbox.database.url.render_as_string(hide_password=False))
        start.wait()
        done = deliver_alerts(SqlStore(own), told, DeliveryLimits(at_once=count)).delivered
        own.dispose()
        return done

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == count
    assert set(Counter(told.told).values()) == {1}
    assert len(told.told) == count


# --- kills ---------------------------------------------------------------------------------------


def test_killed_between_delivery_and_its_mark_an_alert_comes_once_more_when_the_claim_is_over(outbox: Outbox) -> None:
    outbox.add("record:1:failed")
    outbox.channel.hook = kill
    with pytest.raises(Killed):
        outbox.deliver()
    outbox.channel.hook = lambda: None
    assert outbox.deliver() == (0, None)
    outbox.make_due()
    assert outbox.deliver() == (1, None)
    assert outbox.channel.told == [("record:1:failed", 1)] * 2
    outbox.make_due()
    assert outbox.deliver() == (0, None)


def test_killed_at_any_commit_every_alert_is_delivered_and_at_most_one_twice(outbox: Outbox) -> None:
    moments = 0
    for moment in range(100):
        keys = {f"record:{moment}-{name}:failed" for name in "abc"}
        for key in keys:
            outbox.add(key, key)
        outbox.channel.told.clear()
        outbox.store.hook = dying_at(moment)
        try:
            outbox.deliver()
        except Killed:
            moments += 1
        finally:
            outbox.store.hook = lambda: None
        outbox.make_due()
        outbox.deliver()
        told = Counter(key for key, _ in outbox.channel.told)
        assert set(told) == keys
        assert sum(told.values()) <= len(keys) + 1
        if moments <= moment:
            break
    assert moments == 12  # three alerts, each with a claim and a mark, each with a moment before its commit and after


def test_an_alert_that_kills_whoever_delivers_it_ends_dead_and_lets_the_others_pass(outbox: Outbox) -> None:
    outbox.add("record:1:failed", "bad")
    outbox.channel.hook = kill
    for _ in range(2):
        with pytest.raises(Killed):
            outbox.deliver(DeliveryLimits(attempts=2))
        outbox.make_due()
    outbox.channel.hook = lambda: None
    outbox.add("record:2:failed", "good")
    outbox.deliver(DeliveryLimits(attempts=2))
    outbox.make_due()
    assert outbox.deliver(DeliveryLimits(attempts=2)) == (1, None)
    assert outbox.get("record:1:failed").state == "dead"
    assert outbox.get("record:2:failed").state == "delivered"


def kill() -> None:
    raise Killed


def dying_at(moment: int) -> Callable[[], None]:
    moments: Iterator[int] = iter(range(10_000))

    def hook() -> None:
        if next(moments) == moment:
            raise Killed

    return hook
