"""Instances of a double run for real: their scripts in a shell, one task after the other, in a thread."""

import itertools
import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field

from tests.doubles.dolphin_world import Held, No, Row, World, now

BEGINS_AFTER_SECONDS = 0.05


@dataclass
class RunsOf:
    """`logs`: task instance → lines."""

    world: World
    tasks: dict[int, list[Row]] = field(default_factory=dict)
    logs: dict[int, list[str]] = field(default_factory=dict)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _threads: list[threading.Thread] = field(default_factory=list)
    _processes: dict[int, "subprocess.Popen[str]"] = field(default_factory=dict)

    def start(self, code: int, told: Row) -> int:
        held, dialect = self.world.one(code), self.world.dialect
        if not held.online:
            raise No(50004, "not online")
        number = next(self._ids)
        params = [{"prop": name, "direct": "IN", "type": "VARCHAR", "value": value}
                  for name, value in json.loads(told.get("startParams") or "{}").items()]  # fmt: skip
        self.world.instances[number] = {
            "id": number, dialect.definition_code: code, dialect.definition_version: held.number,
            "state": "RUNNING_EXECUTION", "startTime": now(), "endTime": None, "commandType": "START_PROCESS",
            "name": f"{self.world.name(held)}-{held.number}-{number}", "executorName": "admin", "project": held.project,
            "globalParams": json.dumps(params), "dagData": self.world.dag(held),
        }  # fmt: skip
        self.tasks[number] = []
        thread = threading.Thread(target=self._run, args=(held, number, int(held.number)), daemon=True)
        self._threads.append(thread)
        thread.start()
        return number

    def stop(self, number: int) -> None:
        row = self.world.instances[number]
        if row["state"] != "RUNNING_EXECUTION":
            raise No(50006, f"the status of {row['name']} is {row['state']}, Cannot perform STOP operation")
        row["state"] = "READY_STOP"
        process = self._processes.get(number)
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)

    def close(self) -> None:
        for number, row in list(self.world.instances.items()):
            if row["state"] == "RUNNING_EXECUTION":
                self.stop(number)
        for thread in self._threads:
            thread.join(10)

    def _run(self, held: Held, number: int, version: int) -> None:
        time.sleep(BEGINS_AFTER_SECONDS)
        row, failed = self.world.instances[number], False
        for task in self._ordered(held, version):
            if failed or row["state"] == "READY_STOP":
                break
            failed = not self._try(row, task)
        row["endTime"] = now()
        row["state"] = "STOP" if row["state"] == "READY_STOP" else "FAILURE" if failed else "SUCCESS"

    def _try(self, row: Row, task: Row) -> bool:
        for attempt in range(int(task["failRetryTimes"]) + 1):
            one = {"id": next(self._ids), "taskCode": task["code"], "state": "RUNNING_EXECUTION", "retryTimes": attempt,
                   "startTime": now(), "endTime": None, "host": "double", "name": task["name"]}  # fmt: skip
            self.tasks[row["id"]].append(one)
            process = subprocess.Popen(
                ["bash", "-c", task["taskParams"].get("rawScript", "")], stdin=subprocess.DEVNULL, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            self._processes[row["id"]] = process
            if row["state"] == "READY_STOP":
                os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
            del self._processes[row["id"]]
            self.logs[one["id"]] = [f"[INFO] {line}" for line in said.splitlines()]
            one["endTime"] = now()
            stopped = row["state"] == "READY_STOP"
            one["state"] = "KILL" if stopped else "SUCCESS" if process.returncode == 0 else "FAILURE"
            if stopped or process.returncode == 0:
                return process.returncode == 0
        return False

    def _ordered(self, held: Held, version: int) -> list[Row]:
        dag = self.world.dag(held, version) if version in held.versions else self.world.dag(held)
        left = {row["code"]: row for row in dag["taskDefinitionList"]}
        edges = [(one["preTaskCode"], one["postTaskCode"]) for one in dag[self.world.dialect.relations_key]]
        found = []
        while left:
            free = [code for code in left if not any(pre in left and post == code for pre, post in edges)]
            found += [left.pop(code) for code in free]
        return found
