"""Managers that die, stall or race: each flow node has its effect once per key, and a late word is not written."""

import random
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.integration.flow_support import ACTOR, CALL, POLL, House, Killed
from tests.support.size import SEED, size
from wfgov_dagster.domain.flow import Again, FlowNode, FlowState, Turn
from wfgov_dagster.errors import EngineUnreachable, LeaseHeld, StoreError
from wfgov_dagster.store import flows as flow_rows
from wfgov_dagster.store.db import Database
from wfgov_dagster.usecases.flows import (
    Biz,
    Ended,
    FlowManager,
    Held,
    advance_flow,
    cancel_flow,
    create,
    drive_flow,
    due,
    resume_flow,
    start,
)
from wfgov_dagster.usecases.watch_flows import Sleeper, take_care

DONE = {"there": True}
LEASE = 1.0


@pytest.fixture(scope="module")
def small_shared(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path_factory.mktemp('flows') / 'wfgov.db')}")
    yield House(database)
    database.dispose()


@pytest.fixture
def small_house(small_shared: House) -> House:
    small_shared.clear()
    return small_shared


# --- kills ---------------------------------------------------------------------------------------


class Fuse:
    """Burns at the n-th commit or effect; before and after each count."""

    def __init__(self, house: House) -> None:
        self.left, self.burnt = 0, 0
        house.store.hook = house.world.hook = self

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.burnt += 1
            raise Killed


def define(house: House) -> None:
    """A call, a poll that has to wait, a call that fails once, a call; all but one can be undone."""
    house.define(
        house.node("a", undo=True),
        house.node("b", POLL, undo=True),
        house.node("c"),
        house.node("d", undo=True),
    )


def answers(house: House) -> None:
    house.world.says["b"] = [Again(30.0), DONE]
    house.world.says["c"] = [EngineUnreachable("down"), DONE]


def drive_through_kills(house: House, fuse: Fuse, flow_id: int, kills: list[int]) -> Ended | Again | Held:
    """Each manager is killed at its point, or gets to the end; the last one lives. It is known dead, or its lease has
    to run out."""
    for at in [*kills, 0]:
        manager = house.manager()
        fuse.left = at
        try:
            return house.drive(flow_id, manager)
        except Killed:
            fuse.left = 0
            if at % 2:
                house.dead.add(manager.holder)
            else:
                house.lapse(flow_id)
            house.make_due(flow_id)
    raise AssertionError("the last manager lives")


def check_finished(house: House, flow_id: int, end: object) -> None:
    assert end == Ended(flow_id, FlowState.FINISHED)
    assert house.world.acted(flow_id) == ["a", "b", "c", "d"]
    assert {len(keys) for (flow, _), keys in house.world.keys.items() if flow == flow_id} == {1}
    assert house.nodes(flow_id) == ["done"] * 4
    assert all(outcome is not None for *_, outcome in house.attempts(flow_id))


def check_canceled(house: House, flow_id: int, end: object) -> None:
    assert end == Ended(flow_id, FlowState.CANCELED)
    assert house.world.acted(flow_id) == ["a", "b", "undo b", "undo a"]
    assert {len(keys) for (flow, _), keys in house.world.keys.items() if flow == flow_id} == {1}
    assert house.nodes(flow_id) == ["undone", "undone", "waiting", "waiting"]


def kill_at_every_point(house: House, *, cancel: bool) -> int:
    """How many points there are."""
    define(house)
    fuse, at, burnt = Fuse(house), 0, -1
    while fuse.burnt > burnt:  # until the flow has no point so late
        at, burnt = at + 1, fuse.burnt
        answers(house)
        flow_id = house.begin()
        if cancel:
            manager = house.manager()
            while house.world.acted(flow_id)[-1:] != ["b"]:
                advance_flow(manager, flow_id)
                house.make_due(flow_id)
            cancel_flow(manager, ACTOR, flow_id, "not wanted any more")
        end = drive_through_kills(house, fuse, flow_id, [at])
        (check_canceled if cancel else check_finished)(house, flow_id, end)
    return at - 1


def test_killed_at_any_point_the_next_manager_finishes_it(small_house: House) -> None:
    assert kill_at_every_point(small_house, cancel=False) == 35


def test_killed_at_any_point_while_it_is_undone_the_next_manager_undoes_the_rest(house: House) -> None:
    assert kill_at_every_point(house, cancel=True) == 12


def test_many_flows_with_random_kills_each_flow_node_has_its_effect_once(small_house: House) -> None:
    house, chance = small_house, random.Random(SEED)
    define(house)
    house.world.says["b"] = [lambda turn: Again(30.0) if chance.random() < 0.3 else DONE]
    house.world.says["c"] = [lambda turn: EngineUnreachable("down") if chance.random() < 0.2 else DONE]
    fuse, open_ = Fuse(house), [house.begin() for _ in range(size(20, 1000))]
    kills = 0
    while open_:
        flow_id = chance.choice(open_)
        manager = house.manager()
        fuse.left = chance.randint(1, 40)
        try:
            end = house.drive(flow_id, manager)
        except Killed:
            kills += 1
            house.lapse(flow_id) if chance.random() < 0.5 else house.dead.add(manager.holder)
            house.make_due(flow_id)
            continue
        finally:
            fuse.left = 0
        check_finished(house, flow_id, end)
        open_.remove(flow_id)
    assert kills >= size(20, 1000)


def test_a_process_that_dies_in_it_again_and_again_is_the_flow_nodes_fault(house: House) -> None:
    house.define(house.node("a", POLL))
    house.world.says["a"] = [Killed(), Killed(), Killed(), DONE]
    flow_id = house.begin()
    for _ in range(3):
        manager = house.manager(interruptions=3)
        with pytest.raises(Killed):
            advance_flow(manager, flow_id)
        house.dead.add(manager.holder)
    end = advance_flow(house.manager(interruptions=3), flow_id)
    assert isinstance(end, Ended)
    assert (end.state, end.error_code) == ("Error", "WORKFLOW_NODE_INTERRUPTED")
    assert "3 processes died in it" in str(end.message)
    resume_flow(house.manager(), ACTOR, flow_id)
    assert house.drive(flow_id) == Ended(flow_id, FlowState.FINISHED)


def test_a_poll_that_comes_to_a_word_between_may_be_killed_as_often_as_it_likes(house: House) -> None:
    house.define(house.node("a", POLL))
    house.world.says["a"] = [*([Killed(), Killed(), Again(0.0)] * 4), DONE]
    flow_id = house.begin()
    for _ in range(4):
        for _ in range(2):
            manager = house.manager(interruptions=3)
            with pytest.raises(Killed):
                advance_flow(manager, flow_id)
            house.dead.add(manager.holder)
        assert advance_flow(house.manager(interruptions=3), flow_id) == Again(0.0)
    assert house.drive(flow_id) == Ended(flow_id, FlowState.FINISHED)


def test_what_was_interrupted_is_an_attempt_that_is_told(house: House) -> None:
    house.define(house.node("a"))
    house.world.says["a"] = [Killed(), DONE]
    flow_id, first = house.begin(), house.manager()
    with pytest.raises(Killed):
        advance_flow(first, flow_id)
    assert house.attempts(flow_id) == [("a", 1, "do", None)]
    house.dead.add(first.holder)
    house.drive(flow_id)
    assert house.attempts(flow_id) == [("a", 1, "do", "interrupted"), ("a", 2, "do", "ok")]


# --- leases --------------------------------------------------------------------------------------


def test_while_one_manager_is_at_it_no_other_is(house: House) -> None:
    house.define(house.node("a"))
    flow_id, seen = house.begin(), []

    def meanwhile(_turn: Turn) -> object:
        other = house.manager()
        seen.append((due(other), advance_flow(other, flow_id)))
        return DONE

    house.world.says["a"] = [meanwhile]
    house.drive(flow_id)
    ((found, held),) = seen
    assert isinstance(held, Held)
    assert (found, held.flow_id, 0 < held.seconds <= 60) == ([], flow_id, True)
    assert held.holder != house.manager().holder


def test_a_manager_does_not_take_its_own_flow_twice(house: House) -> None:
    house.define(house.node("a"))
    flow_id, manager, seen = house.begin(), house.manager(), []
    house.world.says["a"] = [lambda _: seen.append(advance_flow(manager, flow_id))]
    house.drive(flow_id, manager)
    assert isinstance(seen[0], Held)


def test_the_late_word_of_a_manager_that_was_overtaken_is_not_written(house: House) -> None:
    house.define(house.node("a"), house.node("b"))
    flow_id = house.begin()

    def stalled(_turn: Turn) -> object:
        house.lapse(flow_id)
        house.world.says["a"] = [{"by": "the second"}]
        assert isinstance(advance_flow(house.manager(), flow_id), Again)
        return {"by": "the first"}

    house.world.says["a"] = [stalled]
    said = advance_flow(house.manager(), flow_id)
    assert isinstance(said, Held)
    assert house.detail(flow_id).nodes[0].result == {"by": "the second"}
    assert house.attempts(flow_id) == [("a", 1, "do", "interrupted"), ("a", 2, "do", "ok")]
    assert house.drive(flow_id) == Ended(flow_id, FlowState.FINISHED)


def test_the_late_error_of_a_manager_that_was_overtaken_does_not_end_the_flow(house: House) -> None:
    house.define(house.node("a"))
    flow_id = house.begin()

    def stalled(_turn: Turn) -> object:
        house.lapse(flow_id)
        with house.store.write() as work:
            assert work.flows.take(flow_id, "the second", 60)
        raise ValueError("late")

    house.world.says["a"] = [stalled]
    assert advance_flow(house.manager(), flow_id) == Held(flow_id, "the second", pytest.approx(60, abs=2))
    assert house.state(flow_id) == "Processing"


def test_a_late_word_is_not_written_when_the_same_manager_has_taken_over_from_itself(house: House) -> None:
    house.define(house.node("a"))
    flow_id, manager = house.begin(), house.manager()

    def stalled(_turn: Turn) -> object:
        house.lapse(flow_id)
        with house.store.write() as work:
            assert work.flows.take(flow_id, manager.holder, 60)
        return DONE

    house.world.says["a"] = [stalled]
    assert isinstance(advance_flow(manager, flow_id), Held)
    assert house.nodes(flow_id) == ["running"]


def test_a_late_word_counts_when_nobody_has_taken_over(house: House) -> None:
    house.define(house.node("a"))
    flow_id = house.begin()
    house.world.says["a"] = [lambda _: house.lapse(flow_id)]
    assert advance_flow(house.manager(), flow_id) == Ended(flow_id, FlowState.FINISHED)


def test_a_long_flow_node_keeps_its_lease_and_learns_that_it_lost_it(house: House) -> None:
    house.define(house.node("a"))
    flow_id, lost = house.begin(), []

    def long(turn: Turn) -> object:
        house.lapse(flow_id)
        turn.keep()
        assert isinstance(advance_flow(house.manager(), flow_id), Held)
        house.lapse(flow_id)
        with house.store.write() as work:
            assert work.flows.take(flow_id, "another", 60)
        with pytest.raises(LeaseHeld) as refused:
            turn.keep()
        lost.append(refused.value)
        raise refused.value

    house.world.says["a"] = [long]
    assert isinstance(advance_flow(house.manager(), flow_id), Held)
    assert "another manager has taken over" in str(lost[0])


def test_a_dead_holder_is_overtaken_at_once_another_when_its_lease_ends(house: House) -> None:
    house.define(house.node("a"))
    house.world.says["a"] = [Killed(), Killed(), DONE]
    known, slow = house.begin(), house.begin()
    for flow_id in (known, slow):
        manager = house.manager(lease_seconds=LEASE)
        with pytest.raises(Killed):
            advance_flow(manager, flow_id)
        if flow_id == known:
            house.dead.add(manager.holder)
    began, watching = time.monotonic(), house.manager(lease_seconds=LEASE)
    assert due(watching) == [known]
    assert advance_flow(watching, known) == Ended(known, FlowState.FINISHED)
    assert isinstance(advance_flow(watching, slow), Held)
    while not due(watching):
        time.sleep(0.05)
    assert LEASE - 0.5 < time.monotonic() - began < LEASE + 1.0
    assert advance_flow(watching, slow) == Ended(slow, FlowState.FINISHED)


def test_many_managers_at_once_call_each_function_once(house: House) -> None:
    house.define(*(FlowNode(name, CALL, house.world.do) for name in "abc"))
    ids, failures = [house.begin() for _ in range(6)], []

    def work(manager: FlowManager) -> None:
        try:
            for flow_id in ids:
                drive_flow(manager, flow_id, time.sleep, patience_seconds=60)
        except BaseException as exc:  # noqa: BLE001 - told below
            failures.append(exc)

    threads = [threading.Thread(target=work, args=[house.manager()]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [house.state(flow_id) for flow_id in ids] == ["Finished"] * 6
    assert [house.world.calls(flow_id) for flow_id in ids] == [{"a": 1, "b": 1, "c": 1}] * 6


def test_who_drives_waits_for_another_who_is_at_it_and_goes_on(house: House) -> None:
    house.define(house.node("a"))
    flow_id, sleeps = house.begin(), []
    with house.store.write() as work:
        lease = work.flows.take(flow_id, "another", 60)
    assert lease is not None
    assert isinstance(drive_flow(house.manager(), flow_id, sleeps.append), Held)
    assert sum(sleeps) == pytest.approx(2.0, abs=0.2)

    def sleep(_seconds: float) -> None:
        with house.store.write() as work:
            work.flows.give_back(lease)

    assert drive_flow(house.manager(), flow_id, sleep) == Ended(flow_id, FlowState.FINISHED)


def test_who_drives_can_be_told_to_stop_between_two_flow_nodes(house: House) -> None:
    house.define(house.node("a"), house.node("b"))
    flow_id = house.begin()
    assert drive_flow(house.manager(), flow_id, time.sleep, should_stop=lambda: True) == Again(0.0)
    assert (house.nodes(flow_id), due(house.manager())) == (["done", "waiting"], [flow_id])


# --- one transaction, and neighbours -------------------------------------------------------------


def test_a_flow_is_made_with_what_it_is_about_or_not_at_all(house: House) -> None:
    house.define(house.node("a"))

    def half_done() -> None:
        with house.store.write() as work:
            start(work, ACTOR, create(work, ACTOR, Biz("7", "thing"), "f"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_done()
    assert due(house.manager()) == []
    with house.store.write() as work:
        flow_id = create(work, ACTOR, Biz("7", "thing"), "f")
        start(work, ACTOR, flow_id)
    assert house.detail(flow_id).nodes == []
    assert house.drive(flow_id) == Ended(flow_id, FlowState.FINISHED)
    assert house.detail(flow_id).flow.definition_version == 1, "whoever advanced it first chose"


def test_a_step_of_a_long_flow_reads_no_more_flow_nodes_than_one_of_a_short_flow(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, counted = flow_rows._node, {}
    rows: list[sa.RowMapping] = []
    monkeypatch.setattr(flow_rows, "_node", lambda row: rows.append(row) or read(row))  # type: ignore[func-returns-value]
    for count in (3, 60):
        house.define(*(house.node(f"n{at}") for at in range(count)), name=f"of {count}")
        flow_id, manager = house.begin(f"of {count}"), house.manager()
        advance_flow(manager, flow_id)
        rows.clear()
        advance_flow(manager, flow_id)
        counted[count] = len(rows)
    assert counted[3] == counted[60] > 0


def test_who_is_woken_while_it_looks_looks_again_at_once(house: House) -> None:
    house.define(house.node("a", POLL))
    flow_id = house.begin()

    def looks(_turn: Turn) -> object:
        with house.store.write() as work:
            assert work.flows.wake(flow_id)
        return Again(60.0)

    house.world.says["a"] = [looks, DONE]
    assert advance_flow(house.manager(), flow_id) == Again(0.0)
    assert advance_flow(house.manager(), flow_id) == Ended(flow_id, FlowState.FINISHED)


def test_a_flow_that_cannot_even_be_advanced_is_put_off_and_its_neighbours_go_on(house: House) -> None:
    house.define(house.node("a"))
    broken, fine = house.begin(), house.begin()
    house._set(broken, context="{not json")
    manager, sleeper = house.manager(), Sleeper(time.sleep, lambda: False)
    said = take_care(manager, broken, sleeper)
    assert getattr(said, "code", None) == "internal"
    assert due(manager) == [fine]
    assert take_care(manager, fine, sleeper) == Ended(fine, FlowState.FINISHED)
    house._set(broken, context="{}")
    assert str(house.detail(broken).flow.error).startswith("JSONDecodeError")
    assert house.drive(broken) == Ended(broken, FlowState.FINISHED)


def test_a_database_that_fails_at_the_word_is_no_end(house: House) -> None:
    house.define(house.node("a"))
    flow_id, commits = house.begin(), [0]

    def fail_once() -> None:
        commits[0] += 1
        if commits[0] == 3:
            raise StoreError("disk full")

    house.store.hook = fail_once
    manager = house.manager()
    assert getattr(take_care(manager, flow_id, Sleeper(time.sleep, lambda: False)), "code", None) == "store"
    house.make_due(flow_id)
    house.dead.add(manager.holder)
    assert house.drive(flow_id) == Ended(flow_id, FlowState.FINISHED)
    assert len({turn.key for turn in house.world.turns}) == 1
