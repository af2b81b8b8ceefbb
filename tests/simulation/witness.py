"""Hears every commit and every call of a schedule, writes its history and judges it as it happens."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from tests.doubles.dolphin_manners import EPOCH, DolphinManners, Entry
from tests.simulation.checks import Expected, Shown, Violation
from tests.simulation.database import VirtualDatabase
from tests.simulation.doors import Process, Request
from tests.simulation.scheduler import Scheduler
from wfgov_dagster.domain.definition import Definition, Schedule
from wfgov_dagster.domain.snapshot import document
from wfgov_dagster.ports.engine import Observed

FAILED = ("failed", "rejected", "aborted")
_OF_ITS = "workflow_id = (SELECT id FROM data_workflow WHERE workflow_code = ?)"
_RECORDS = f"SELECT * FROM workflow_publish_record WHERE {_OF_ITS} ORDER BY id"
_STEPS = f"""SELECT * FROM publish_step WHERE id > ?
    AND record_id IN (SELECT id FROM workflow_publish_record WHERE {_OF_ITS}) ORDER BY id"""
_CALLS_OVER_EDITS = {"deploy": "content", "put_schedule": "cron"}


@dataclass(eq=False)
class Judge:
    """`labels`: what our versions are called by their content. `edits`: when a person last edited what.
    `decided_at`: when a person last chose to overwrite an edit. `learn` looks for new versions."""

    code: str
    scheduler: Scheduler
    database: VirtualDatabase
    engine: DolphinManners
    settle_seconds: float
    call_seconds: float
    offline_bound_seconds: float
    labels: dict[bytes, str] = field(default_factory=dict)
    versions: dict[int, tuple[str, str | None]] = field(default_factory=dict)
    learn: Callable[[], None] = lambda: None
    expected: Expected = field(default_factory=Expected)
    edits: dict[str, float] = field(default_factory=dict)
    decided_at: float = -1.0
    retried: set[int] = field(default_factory=set)
    processes: dict[str, Process] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    longest_offline: float = 0.0
    _records: dict[int, dict[str, Any]] = field(default_factory=dict)
    _born: dict[int, float] = field(default_factory=dict)
    _lease: dict[str, Any] | None = None
    _last_step: int = 0

    # --- words -----------------------------------------------------------------------------------

    def note(self, who: str, what: str) -> None:
        self.history.append(f"{self.scheduler.now:9.2f}  {who:<12} {what}")

    def wrong(self, check: str, message: str) -> None:
        self.note("CHECK", f"{check}: {message}")
        self.violations.append(Violation(check, self.scheduler.now, message))

    def label(self, definition: Definition) -> str:
        body = document(replace(definition, settings=replace(definition.settings, schedule=None)))
        return self.labels.setdefault(body, f"foreign {len(self.labels)}")

    def shown(self, observed: Observed | None = None) -> Shown | None:
        found = observed or self.engine.observe(self.code)
        if found is None:
            return None
        return Shown(self.label(found.definition), found.online, cron(found.schedule), found.schedule_online)

    def on_the_way(self) -> list[Request]:
        """Writes of ours that may still come; what a zombie sent is nobody's any more."""
        now = self.scheduler.now
        return [one for one in self.requests if not one.done and not one.zombie and (one.arrives_at or 0.0) > now]

    # --- what a process does ---------------------------------------------------------------------

    def looked(self, process: Process) -> None:
        lease = self._lease
        left = 0.0 if lease is None else seconds(lease["until"]) - self.scheduler.now
        mine = lease is not None and process.is_called(lease["holder"])
        process.good_leases[self.code] = mine and left >= self.call_seconds

    def committed(self, process: Process) -> None:
        self._judge_lease(
            next(iter(self.database.rows("SELECT * FROM engine_lease WHERE workflow_code = ?", self.code)), None)
        )
        self.looked(process)
        for step in self.database.rows(_STEPS, self._last_step, self.code):
            self._last_step = step["id"]
            process.step = step
            self.note(process.holder, f"record {step['record_id']}: about to {step['step']} (no {step['no']})")
        self.learn()
        for record in self.database.rows(_RECORDS, self.code):
            before = self._records.get(record["id"])
            if before != record:
                self._records[record["id"]] = record
                self._judge_record(process, before, record)

    def sending(self, process: Process, call: str, code: str) -> Request:
        step, now = process.step, self.scheduler.now
        if step is None or step["step"] != call:
            self.wrong("intent_first", f"{process.holder} sends {call} without a step on record")
        process.step = None
        lease = self._lease
        good = lease is not None and process.is_called(lease["holder"]) and seconds(lease["until"]) > now
        if not process.good_leases.get(self.code):
            self.wrong("stale_write", f"{process.holder} sends {call}, the lease is with {lease and lease['holder']}")
        record_id = None if step is None else step["record_id"]
        request = Request(process, call, code, record_id, now, process.observed_at, None, zombie=not good)
        self.requests.append(request)
        self.note(process.holder, f"sends {call}" + ("" if good else " AS A ZOMBIE"))
        self.seen["sent by a zombie" if not good else f"sent {call}"] += 1
        return request

    def arriving(self, request: Request) -> None:
        delay = self.scheduler.now - request.sent_at
        shown = self.shown()
        self.note("engine", f"gets {request.call} of {request.process.holder} after {delay:.1f} s, shows {shown}")
        edit = self.edits.get(_CALLS_OVER_EDITS.get(request.call, ""), None)
        foreign = shown is not None and self._is_foreign(request.call, shown)
        if edit is not None and foreign and edit < request.observed_at and self.decided_at < edit:
            self.wrong("overwritten", f"{request.call} replaces an edit of {edit:.1f} that was seen before")

    def decided(self, _record_id: int) -> None:
        """A person chose to overwrite what was edited."""
        self.decided_at = self.scheduler.now

    def edited(self, what: str) -> None:
        self.edits[what] = self.scheduler.now
        self.seen[f"edit of {what}"] += 1
        self.note("a person", f"edits the {what} on the engine: {self.shown()}")

    def _is_foreign(self, call: str, shown: Shown) -> bool:
        if call == "deploy":
            return shown.content is not None and shown.content.startswith("foreign")
        return shown.schedule is not None and shown.schedule not in {schedule for _, schedule in self.versions.values()}

    # --- leases and records ----------------------------------------------------------------------

    def _judge_lease(self, lease: dict[str, Any] | None) -> None:
        before, self._lease = self._lease, lease
        if before is None or lease is None or before["holder"] == lease["holder"]:
            return
        owner = self.processes.get(before["holder"].split("/")[0])
        left = seconds(before["until"]) - self.scheduler.now
        if left > 0 and owner is not None and not owner.dead:
            self.wrong("one_holder", f"{lease['holder']} takes what {before['holder']} has for {left:.1f} s yet")
        if lease["epoch"] <= before["epoch"]:
            self.wrong("one_holder", f"epoch {lease['epoch']} of {lease['holder']} is not above {before['epoch']}")

    def _judge_record(self, process: Process, before: dict[str, Any] | None, record: dict[str, Any]) -> None:
        number, phase = record["id"], record["phase"]
        if before is None:
            self._born[number] = self.scheduler.now
            version = self.versions[record["version_id"]][0]
            self.note(process.holder, f"record {number}: {record['operation']} of {version} is asked for")
            return
        if before["phase"] != phase:
            told = f" ({record['error_code']})" if record["error_code"] else ""
            self.note(process.holder, f"record {number}: {before['phase']} → {phase}{told}")
            self.seen[phase] += 1
        if before["status"] != "pending" and phase != before["phase"] and number not in self.retried:
            self.wrong("ended_twice", f"record {number} was {before['phase']} and is {phase}")
        if before["status"] == "pending" and record["status"] == "success":
            self._judge_success(process, record)
        if before["status"] == "pending" and record["status"] == "failed":
            self._judge_failure(record)

    def _judge_success(self, process: Process, record: dict[str, Any]) -> None:
        number, shown = record["id"], self.shown()
        wanted = self._wanted(record)
        wrong = wanted.wrong(shown)
        if wrong and not self._overtaken(process):
            self.wrong("false_success", f"record {number} ({record['operation']}): {wrong}")
        coming = self.on_the_way()
        if coming:
            self.wrong("early_success", f"record {number}, and {coming[0].call} of {coming[0].process.holder} may come")
        newer = [other for other in self._records if other > number]
        if newer:
            self.wrong("superseded", f"record {number} succeeds, record {newer[-1]} is newer")
        if record["operation"] == "deploy" and set(self.expected.online) == {True} and not self.edits:
            self._judge_offline(number)
        if shown is not None:
            self.expected.succeeded(shown, wanted)

    def _wanted(self, record: dict[str, Any]) -> Expected:
        operation = record["operation"]
        held = self.versions[record["version_id"]]
        wanted = self.expected.wanting(operation, *held)
        if record["target"] is not None:
            target = orjson.loads(record["target"])
            fires = target["online"] and target["schedule_online"]
            wanted = Expected((held,) if target["version_id"] else (), (target["online"],), (fires,))
        if self.edits:  # a person may have changed what it found
            wanted.fires = (True, False)
            if operation == "deploy":
                wanted.online = (True, False)
        return wanted

    def _judge_failure(self, record: dict[str, Any]) -> None:
        number, phase, shown = record["id"], record["phase"], self.shown()
        content, schedule = self.versions[record["version_id"]]
        steps = self.database.rows("SELECT * FROM publish_step WHERE record_id = ?", number)
        touched = any(step["outcome"] != "rejected" for step in steps)
        if phase not in FAILED:
            wished = record["operation"] == "offline" and record["found"] is not None  # with nothing left to write
            if phase == "superseded" and ((touched and steps) or wished):
                self._doubt(record, content, schedule)
            return
        if phase == "aborted" and (self.edits or record["target"]):  # it was left as it was
            self._doubt(record, content, schedule)
            return
        if any(one.record_id == number for one in self.on_the_way()):
            self.wrong("false_failed", f"record {number} is {phase} while a write of it is on its way")
        youngest = max((seconds(one["ended_at"]) for one in steps if one["outcome"] == "unknown"), default=None)
        if youngest is not None and self.scheduler.now - youngest < self.settle_seconds:
            self.wrong("false_failed", f"record {number} is {phase} while the outcome of a write is unknown")
        if self.edits or self._zombies() or record.get("target"):
            return
        left = self.expected.wrong(shown)
        if left and not self.expected.wanting(record["operation"], content, schedule).wrong(shown):
            self.wrong("false_failed", f"record {number} is {phase}, yet the engine shows what it wanted")
        elif left and touched:
            self.wrong("left_changed", f"record {number} is {phase}: {left}")

    def _doubt(self, record: dict[str, Any], content: str, schedule: str | None) -> None:
        """What brings back says itself how it is to be released."""
        operation = "online" if record["target"] and record["operation"] == "deploy" else record["operation"]
        self.expected.doubt(operation, content, schedule)

    def _overtaken(self, process: Process) -> bool:
        """Somebody whom nothing can hold back wrote after the look: a person, or a zombie."""
        moved = [entry.at for entry in self.happened() if entry.who == "a person"]
        moved += [one.arrives_at or 0.0 for one in self.requests if one.zombie]
        return any(at >= process.observed_at for at in moved)

    def happened(self) -> list[Entry]:
        return [entry for entry in self.engine.history if entry.code == self.code]

    def _zombies(self) -> bool:
        return any(one.zombie for one in self.requests)

    def _judge_offline(self, number: int) -> None:
        """How long it was offline between the request and the success of a deploy that keeps it online."""
        since, last = self._born[number], True
        at, total = since, 0.0
        for entry in self.happened():
            if entry.after is not None:
                if entry.at > since and not last:
                    total += entry.at - max(at, since)
                at, last = entry.at, entry.after.online
        self.longest_offline = max(self.longest_offline, total)
        if total > self.offline_bound_seconds:
            self.wrong("offline_too_long", f"record {number}: for {total:.0f} s")


def seconds(moment: str) -> float:
    """On the schedule's clock, of what the database wrote."""
    return (datetime.fromisoformat(moment).replace(tzinfo=EPOCH.tzinfo) - EPOCH).total_seconds()


def cron(schedule: Schedule | None) -> str | None:
    return None if schedule is None else schedule.cron
