"""What a DolphinScheduler double holds, and what it does: as a server of 3.1.1 was seen to, in the words of a family.

Where a later family is known to differ it does: the tenant, a second schedule, a start that says what it started, calls
that may be repeated.
"""

import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from wfgov_dagster.engines.dolphin.dialect import Dialect

Row = dict[str, Any]
_HEAD = ("name", "description", "globalParams", "locations", "timeout", "executionType")


class No(Exception):
    """Code and message."""

    def __init__(self, code: int, message: str = "no") -> None:
        super().__init__(message)
        self.code = code


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")


@dataclass
class Held:
    """A definition. `versions`: number → head, relations, (task code, task version)s."""

    code: int
    project: int
    versions: dict[int, Row]
    number: int = 1
    online: bool = False
    schedules: list[Row] = field(default_factory=list)


@dataclass
class World:
    dialect: Dialect
    projects: dict[int, str] = field(default_factory=dict)
    held: dict[int, Held] = field(default_factory=dict)
    tasks: dict[int, dict[int, Row]] = field(default_factory=dict)
    instances: dict[int, Row] = field(default_factory=dict)
    triggers: dict[int, int] = field(default_factory=dict)
    _codes: "itertools.count[int]" = field(default_factory=lambda: itertools.count(23_700_000_000_000))
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    # --- projects and codes ----------------------------------------------------------------------

    def create_project(self, name: str) -> Row:
        if name in self.projects.values():
            raise No(10019, f"project {name} already exists")
        code = next(self._codes)
        self.projects[code] = name
        return {"code": code, "name": name}

    def task_codes(self, count: int) -> list[int]:
        if not 1 <= count <= 100:
            raise No(50017, f"data {count} not valid")
        return [next(self._codes) for _ in range(count)]

    # --- definitions -----------------------------------------------------------------------------

    def create(self, project: int, told: Row) -> Row:
        self._check(project, told, None)
        held = Held(next(self._codes), project, {})
        held.versions[1] = self._version(told)
        self.held[held.code] = held
        return {"id": None, "code": held.code, "name": told["name"], "version": 0, "releaseState": None}

    def update(self, code: int, told: Row) -> Row:
        held = self.one(code)
        if held.online:
            raise No(50008, f"{self.dialect.noun} definition {told['name']} does not allow edit")
        self._check(held.project, told, held)
        before = held.number
        held.number = max(held.versions) + 1
        held.versions[held.number] = self._version(told)
        return {"code": code, "version": before}

    def one(self, code: int) -> Held:
        if code not in self.held:
            raise No(50003, f"{self.dialect.noun} definition {code} does not exist")
        return self.held[code]

    def named(self, project: int, text: str) -> list[Held]:
        found = [one for one in self.held.values() if one.project == project and text in self.name(one)]
        return sorted(found, key=lambda one: -one.code)

    def name(self, held: Held) -> str:
        return str(held.versions[held.number]["head"]["name"])

    def dag(self, held: Held, number: int | None = None) -> Row:
        number = number or held.number
        version, noun = held.versions[number], self.dialect.noun
        relations = [
            row | {f"{noun}DefinitionVersion": number, f"{noun}DefinitionCode": held.code}
            for row in version["relations"]
        ]
        return {
            self.dialect.definition_key: self.head(held, number),
            self.dialect.relations_key: relations,
            "taskDefinitionList": [self.tasks[code][task] for code, task in version["tasks"]],
        }

    def head(self, held: Held, number: int | None = None) -> Row:
        number = number or held.number
        current = number == held.number
        at = held.versions[number]["at"]
        return held.versions[number]["head"] | {
            "code": held.code, "version": number, "projectCode": held.project, "updateTime": at, "createTime": at,
            "operateTime": at, "releaseState": "ONLINE" if held.online and current else "OFFLINE",
        }  # fmt: skip

    def release(self, code: int, *, online: bool) -> None:
        held = self.one(code)
        if len(held.schedules) > 1:
            raise No(10108, "release process definition error")
        held.online = online
        for schedule in held.schedules if not online else ():
            schedule["releaseState"] = "OFFLINE"

    def switch(self, code: int, number: int) -> None:
        held = self.one(code)
        if number not in held.versions:
            raise No(10153, "not exists version")
        held.number, held.online = number, False

    def delete_version(self, code: int, number: int) -> None:
        held = self.one(code)
        if number == held.number:
            raise No(50053, "the version that the master table is using")
        if number not in held.versions:
            raise No(50022, "delete process definition by code error")
        del held.versions[number]

    def delete(self, code: int) -> None:
        held = self.one(code)
        if held.online:
            raise No(50021, "already online")
        del self.held[code]

    # --- schedules -------------------------------------------------------------------------------

    def schedule(self, number: int) -> tuple[Held, Row]:
        for held in self.held.values():
            for row in held.schedules:
                if row["id"] == number:
                    return held, row
        raise No(10022, f"scheduler crontab {number} does not exist")

    def create_schedule(self, code: int, told: Row) -> Row:
        held = self.one(code)
        if not held.online:
            raise No(50004, "not online")
        if held.schedules and not self.dialect.tenant_of_definition:
            raise No(10204, "already exist, please update or delete it")
        row = {"id": next(self._ids), self.dialect.definition_code: code, "releaseState": "OFFLINE"} | self._cron(told)
        held.schedules.append(row)
        return row

    def update_schedule(self, number: int, told: Row) -> None:
        _, row = self.schedule(number)
        if row["releaseState"] == "ONLINE":
            raise No(10023, "online status does not allow update operations")
        row |= self._cron(told)

    def delete_schedule(self, number: int) -> None:
        held, row = self.schedule(number)
        if row["releaseState"] == "ONLINE":
            raise No(50023, f"the status of schedule {number} is already online")
        held.schedules.remove(row)

    def release_schedule(self, number: int, *, online: bool) -> None:
        held, row = self.schedule(number)
        state = "ONLINE" if online else "OFFLINE"
        if online and not held.online:
            raise No(50004, "not online")
        if row["releaseState"] == state and self.dialect.tenant_of_definition:
            raise No(10126, f"schedule release is already {state}")
        row["releaseState"] = state

    # --- parts -----------------------------------------------------------------------------------

    def _check(self, project: int, told: Row, held: Held | None) -> None:
        if project not in self.projects:
            raise No(10190, "This project was not found. Please refresh page.")
        if len(told.get("description", "")) > 255:
            raise No(1400004, "description is too long error")
        if any(one is not held and self.name(one) == told["name"] for one in self.named(project, told["name"])):
            raise No(10168, f"{self.dialect.noun} definition name {told['name']} already exists")
        for task in json.loads(told["taskDefinitionJson"]):
            if task["taskType"] == "SHELL" and not task["taskParams"].get("rawScript"):
                raise No(50020, f"{self.dialect.noun} node {task['name']} parameter invalid")
        edges = [(row["preTaskCode"], row["postTaskCode"]) for row in json.loads(told["taskRelationJson"])]
        if not edges:
            raise No(50017, "data {0} not valid")
        if _is_cyclic(edges):
            raise No(50019, f"{self.dialect.noun} node has cycle")

    def _version(self, told: Row) -> Row:
        defaults = {
            "description": "",
            "globalParams": "[]",
            "locations": None,
            "timeout": 0,
            "executionType": "PARALLEL",
        }
        head = {name: told.get(name, defaults.get(name)) for name in _HEAD}
        if self.dialect.tenant_of_definition:
            head["tenantCode"] = told["tenantCode"]
        head["timeout"] = int(head["timeout"] or 0)
        tasks = [(row["code"], self._save(row)) for row in json.loads(told["taskDefinitionJson"])]
        return {"head": head, "relations": json.loads(told["taskRelationJson"]), "tasks": tasks, "at": now()}

    def _save(self, row: Row) -> int:
        """Its version: the one that was sent if it has that content, else a new one; 0 stands for 1."""
        kept = self.tasks.setdefault(int(row["code"]), {})
        sent = int(row["version"]) or 1
        plain = {name: value for name, value in row.items() if name != "version"}
        plain["timeoutNotifyStrategy"] = plain.get("timeoutNotifyStrategy") or None
        if sent in kept and {name: kept[sent].get(name) for name in plain} == plain:
            return sent
        number = max(kept, default=0) + 1 if sent in kept or kept else sent
        kept[number] = plain | {"version": number, "id": next(self._ids), "updateTime": now()}
        return number

    def _cron(self, told: Row) -> Row:
        found = json.loads(told["schedule"])
        fields = found["crontab"].split()
        if len(fields) not in {6, 7} or (fields[3] == "?") == (fields[5] == "?"):
            raise No(10024, f"scheduler crontab expression validation failure: {found['crontab']}")
        if found["startTime"] == found["endTime"]:
            raise No(10141, "The start time must not be the same as the end")
        return found | {name: value for name, value in told.items() if name != "schedule"} | {"updateTime": now()}


def _is_cyclic(edges: list[tuple[int, int]]) -> bool:
    left = set(edges)
    while left:
        posts = {post for _, post in left}
        free = {edge for edge in left if edge[0] not in posts}
        if not free:
            return True
        left -= free
    return False
