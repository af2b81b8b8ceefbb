"""Judges change sets on top of their workflows, which have a judge each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.simulation.database import VirtualDatabase
from tests.simulation.doors import Process, Request
from tests.simulation.scheduler import Scheduler
from tests.simulation.witness import Judge

_MOVING = ("waiting", "open")
_UNDER_WAY = ("running", "restoring")
_MEMBERS = """SELECT member.*, workflow_code FROM change_set_member AS member
    JOIN data_workflow AS workflow ON workflow.id = member.workflow_id ORDER BY member.id"""
Row = dict[str, Any]


@dataclass(eq=False)
class Bench:
    """All that a process does is told to whom it concerns. What is on one list is on it in the order of time."""

    judges: dict[str, Judge]
    sets: "SetsJudge"

    @classmethod
    def of(cls, scheduler: Scheduler, database: VirtualDatabase, made: Sequence[Callable[..., Judge]]) -> "Bench":
        first = made[0]()
        shared = {name: getattr(first, name) for name in ("retried", "processes", "history", "violations", "seen")}
        judges = [first, *(make(**shared) for make in made[1:])]
        by_code = {judge.code: judge for judge in judges}
        return cls(by_code, SetsJudge(scheduler, database, by_code, first))

    def __getattr__(self, name: str) -> Any:
        """What all of them share."""
        return getattr(self.sets.first, name)

    @property
    def requests(self) -> list[Request]:
        return [one for judge in self.judges.values() for one in judge.requests]

    @property
    def longest_offline(self) -> float:
        return max(judge.longest_offline for judge in self.judges.values())

    def on_the_way(self) -> list[Request]:
        return [one for judge in self.judges.values() for one in judge.on_the_way()]

    def looked(self, process: Process) -> None:
        for judge in self.judges.values():
            judge.looked(process)

    def committed(self, process: Process) -> None:
        for judge in self.judges.values():
            judge.committed(process)
        self.sets.committed(process)

    def sending(self, process: Process, call: str, code: str) -> Request:
        return self.judges[code].sending(process, call, code)

    def arriving(self, request: Request) -> None:
        self.judges[request.code].arriving(request)

    def decided(self, record_id: int) -> None:
        for judge in self.judges.values():
            judge.decided(record_id)


@dataclass(eq=False)
class SetsJudge:
    """`first`: whose lists are everybody's."""

    scheduler: Scheduler
    database: VirtualDatabase
    judges: dict[str, Judge]
    first: Judge
    _sets: dict[int, Row] = field(default_factory=dict)
    _members: dict[int, Row] = field(default_factory=dict)

    def committed(self, process: Process) -> None:
        sets = {row["id"]: row for row in self.database.rows("SELECT * FROM change_set ORDER BY id")}
        members = {row["id"]: row for row in self.database.rows(_MEMBERS)} if sets else {}
        old_sets, old_members = self._sets, self._members
        if (sets, members) == (old_sets, old_members):
            return
        self._sets, self._members = sets, members
        for row in members.values():
            before = old_members.get(row["id"])
            if before is None:
                self._born(process, row)
            if before is None or before["state"] != row["state"]:
                self._judge_member(process, before, row, old_sets.get(row["change_set_id"]))
        for row in sets.values():
            known = old_sets.get(row["id"])
            if known is not None and known["state"] != row["state"]:
                self._judge_set(process, known, row)

    def at_the_end(self) -> None:
        for row in self._sets.values():
            if row["state"] in _UNDER_WAY:
                self.first.wrong("stuck", f"set {row['id']} is {row['state']}")
                continue
            (flow,) = self.database.rows("SELECT * FROM flow WHERE id = ?", row["flow_id"])
            good = row["state"] in {"success", "canceled"}
            if row["state"].startswith("restore"):  # perhaps by a person, when its flow had long ended
                continue
            if row["restores"] is None and flow["state"] not in {"Canceled", "Finished" if good else "Error"}:
                self.first.wrong("unreported", f"set {row['id']} is {row['state']}, its flow is {flow['state']}")

    # --- members ---------------------------------------------------------------------------------

    def _of(self, change_set_id: int) -> list[Row]:
        return [row for row in self._members.values() if row["change_set_id"] == change_set_id]

    def _born(self, process: Process, row: Row) -> None:
        found = self._sets[row["change_set_id"]]
        restores = f" that restores {found['restores']}" if found["restores"] else ""
        told = f"{found['operation']} on failure {found['on_failure']}, {found['parallel']} side by side{restores}"
        self.first.note(process.holder, f"set {found['id']} ({told}) has {_name(row)} in wave {row['wave']}")

    def _judge_member(self, process: Process, before: Row | None, row: Row, old_set: Row | None) -> None:
        found, state = self._sets[row["change_set_id"]], row["state"]
        if before is not None:
            told = f" ({row['reason']})" if row["reason"] else ""
            self.first.note(process.holder, f"set {found['id']}: {_name(row)} {before['state']} → {state}{told}")
            self.first.seen[f"member {state}"] += 1
            if before["state"] not in _MOVING:
                self.first.wrong("ended_twice", f"{_name(row)} of set {found['id']} was {before['state']}")
        if row["record_id"] is not None and (before is None or before["record_id"] is None):
            self._judge_begin(found, row, old_set)
        if state in {"failed", "skipped"} and not row["reason"]:
            self.first.wrong("unreported", f"{_name(row)} of set {found['id']} is {state} and nobody knows why")
        if before is not None and state in {"success", "failed"}:
            self._judge_end(found, row)

    def _judge_begin(self, found: Row, row: Row, old_set: Row | None) -> None:
        name = f"{_name(row)} of set {found['id']} begins"
        others = self._of(found["id"])
        early = [_name(one) for one in others if one["wave"] < row["wave"] and one["state"] in _MOVING]
        failed = [_name(one) for one in others if one["state"] == "failed" and
                  (found["on_failure"] == "restore" or one["wave"] < row["wave"])]  # fmt: skip
        if early:
            self.first.wrong("waves", f"{name} before {', '.join(early)} ended")
        if failed and found["on_failure"] != "go_on":
            self.first.wrong("waves", f"{name} after {', '.join(failed)} failed")
        if old_set is not None and (old_set["canceled_by"] or old_set["state"] != "running"):
            self.first.wrong("waves", f"{name} though it is {old_set['state']}, canceled by {old_set['canceled_by']}")
        opened = [one for one in others if one["state"] == "open"]
        if len(opened) > found["parallel"]:
            self.first.wrong("too_many_open", f"{name} as the {len(opened)}th")
        if found["restores"] is not None:
            newer = self._others_since(row, found["restores"], row["record_id"])
            if newer:
                self.first.wrong("newer_wish", f"{name} over the records {newer}")

    def _judge_end(self, found: Row, row: Row) -> None:
        if row["record_id"] is None:  # it could not even be begun
            return
        (record,) = self.database.rows("SELECT * FROM workflow_publish_record WHERE id = ?", row["record_id"])
        name = f"{_name(row)} of set {found['id']} is {row['state']}, its record {record['id']} {record['phase']}"
        if row["state"] == "success" and record["status"] != "success":
            self.first.wrong("false_success", name)
        waits = record["status"] == "pending" and record["phase"] in {"paused", "parked"}
        if row["state"] == "failed" and record["status"] != "failed" and not waits:
            self.first.wrong("false_failed", name)

    # --- sets ------------------------------------------------------------------------------------

    def _judge_set(self, process: Process, before: Row, row: Row) -> None:
        state, number = row["state"], row["id"]
        self.first.note(process.holder, f"set {number}: {before['state']} → {state}")
        self.first.seen[f"set {state}"] += 1
        members = self._of(number)
        states = {one["state"] for one in members}
        if before["state"] == "running" and states & set(_MOVING):
            self.first.wrong("unreported", f"set {number} is {state} with members that are {sorted(states)}")
        if (state == "success") != (states == {"success"}) and before["state"] == "running":
            self.first.wrong("false_success" if state == "success" else "false_failed", f"set {number}: {state}")
        if row["on_failure"] == "restore" and state in {"failed", "canceled"}:
            self.first.wrong("not_restored", f"set {number} was to be restored and is {state}")
        if state == "restored":
            for one in members:
                self._judge_restored(row, one)
        if state == "restore_failed":
            self._judge_not_restored(row)

    def _judge_restored(self, found: Row, row: Row) -> None:
        judge, record_id = self.judges[row["workflow_code"]], row["record_id"]
        if record_id is None or judge.edits or any(one.zombie for one in judge.requests):
            return
        own = self._own_records(row, found["id"])
        if own & self.first.retried or self._others_since(row, found["id"], None):
            return
        (record,) = self.database.rows("SELECT * FROM workflow_publish_record WHERE id = ?", record_id)
        steps = self.database.rows("SELECT id FROM publish_step WHERE record_id = ?", record_id)
        if not steps or record["found"] is None:
            return
        before, saw, shown = row["before"] and orjson.loads(row["before"]), orjson.loads(record["found"]), judge.shown()
        if before is None or not saw["present"]:
            if shown is not None and shown.online:
                self.first.wrong("not_restored", f"{_name(row)} of set {found['id']} was new and is online")
            return
        version = "SELECT id FROM workflow_version WHERE workflow_id = ? AND version_no = ?"
        (known,) = self.database.rows(version, row["workflow_id"], before["version_no"])
        content = judge.versions[known["id"]][0]
        if shown is None or (shown.content, shown.online) != (content, saw["online"]):
            told = f"{content}, online={saw['online']} was there before, it shows {shown}"
            self.first.wrong("not_restored", f"{_name(row)} of set {found['id']}: {told}")

    def _judge_not_restored(self, found: Row) -> None:
        newest = max((one["id"] for one in self._sets.values() if one["restores"] == found["id"]), default=None)
        if newest is not None and {one["state"] for one in self._of(newest)} == {"success"}:
            self.first.wrong("false_failed", f"set {found['id']} is restore_failed, set {newest} succeeded")

    # --- records ---------------------------------------------------------------------------------

    def _own_records(self, row: Row, change_set_id: int) -> set[int]:
        """Of this workflow by the set, and by those that restored it."""
        ours = {change_set_id, *(one["id"] for one in self._sets.values() if one["restores"] == change_set_id)}
        return {one["record_id"] for one in self._members.values() if one["change_set_id"] in ours
                and one["workflow_id"] == row["workflow_id"] and one["record_id"] is not None}  # fmt: skip

    def _others_since(self, row: Row, change_set_id: int, before: int | None) -> list[int]:
        """Records that somebody else asked for after the set's own first one."""
        own = self._own_records(row, change_set_id)
        query = "SELECT id FROM workflow_publish_record WHERE workflow_id = ? AND id > ? ORDER BY id"
        ids = [one["id"] for one in self.database.rows(query, row["workflow_id"], min(own, default=0))]
        return [one for one in ids if one not in own and (before is None or one < before)]


def _name(row: Row) -> str:
    return f"{row['workflow_code']}"
