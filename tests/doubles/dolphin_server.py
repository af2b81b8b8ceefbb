"""A DolphinScheduler of a family that no server is published of: HTTP in front of a `World`.

What its contract does not know is not answered: another path is a page with 404, a missing or odd parameter the
endpoint's catch-all; a parameter that the real one would ignore without a word is noted in `ignored`.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.doubles.dolphin_contract import find
from tests.doubles.dolphin_runs import RunsOf
from tests.doubles.dolphin_world import No, Row, World
from wfgov_dagster.engines.dolphin.dialect import Dialect

CONTEXT = "/dolphinscheduler"
TOKEN = "t0ken-of-the-double"
Told = Mapping[str, str]


@dataclass
class Double:
    dialect: Dialect
    url: str = ""
    ignored: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = World(self.dialect)
        self.runs = RunsOf(self.world)
        self._lock = threading.RLock()

    def answer(self, verb: str, path: str, told: Told) -> tuple[int, Row] | None:
        """None: it knows no such path."""
        self.seen.append(f"{verb} {path}")
        found = find(self.dialect.family, verb, path)
        if found is None:
            return None
        endpoint, at = found
        faults = endpoint.faults(told)
        self.ignored += [f"{verb} {path}: {fault}" for fault in faults if fault.startswith("no parameter")]
        if any(not fault.startswith("no parameter") for fault in faults):
            return 200, _said(endpoint.catch_all, f"error: {faults}")
        filled = {one.name: one.default for one in endpoint.wanted if one.default is not None} | dict(told)
        try:
            with self._lock:
                data = self._route(verb, endpoint.path, at)(filled)
        except No as exc:
            return 200, _said(exc.code, str(exc))
        return 201 if endpoint.created else 200, _said(0, "success", data)

    def _route(self, verb: str, path: str, at: Told) -> Callable[[Told], Any]:
        noun, project = self.dialect.noun, int(at.get("projectCode", 0))
        short = path.replace("/projects/{projectCode}/", "").replace(noun, "X")
        routes = {
            **self._globals(at),
            **self._definitions(project, at),
            **self._schedules(at),
            **self._runs(project, at),
        }
        return routes[f"{verb} {short}"]

    def _globals(self, at: Told) -> dict[str, Callable[[Told], Any]]:
        world = self.world
        names = world.projects.items
        return {
            "GET /projects": lambda told: _page(
                [{"code": code, "name": name} for code, name in names() if told.get("searchVal", "") in name], told
            ),
            "POST /projects": lambda told: world.create_project(told["projectName"]),
            "GET /ui-plugins/query-product-info": lambda _: {"version": "3.4.3"},
            "GET /environment/query-environment-list": lambda _: [],
            "GET /datasources": lambda told: _page([], told),
            "GET /log/detail": self._log,
            "GET task-definition/gen-task-codes": lambda told: world.task_codes(int(told["genNum"])),
            "GET task-definition/{code}": lambda _: self._task(int(at["code"])),
        }

    def _definitions(self, project: int, at: Told) -> dict[str, Callable[[Told], Any]]:
        world, code, version = self.world, int(at.get("code", 0)), int(at.get("version", 0))
        return {
            "GET X-definition": lambda told: _page(
                [world.head(one) for one in world.named(project, told.get("searchVal", ""))], told
            ),
            "GET X-definition/simple-list": lambda _: [
                {"code": one.code, "name": world.name(one)} for one in world.named(project, "")
            ],
            "POST X-definition": lambda told: world.create(project, dict(told)),
            "GET X-definition/{code}": lambda _: world.dag(world.one(code)),
            "PUT X-definition/{code}": lambda told: world.update(code, dict(told)),
            "DELETE X-definition/{code}": lambda _: world.delete(code),
            "POST X-definition/{code}/release": lambda told: world.release(
                code, online=told["releaseState"] == "ONLINE"
            ),
            "GET X-definition/{code}/versions": lambda told: _page(self._versions(code), told),
            "GET X-definition/{code}/versions/{version}": lambda _: world.switch(code, version),
            "DELETE X-definition/{code}/versions/{version}": lambda _: world.delete_version(code, version),
        }

    def _schedules(self, at: Told) -> dict[str, Callable[[Told], Any]]:
        world, number, code = self.world, int(at.get("id", 0)), self.dialect.definition_code
        return {
            "GET schedules": lambda told: _page(world.one(int(told[code])).schedules, told),
            "POST schedules/list": lambda _: [row for one in world.held.values() for row in one.schedules],
            "POST schedules": lambda told: world.create_schedule(int(told[code]), _without(told, code)),
            "PUT schedules/{id}": lambda told: world.update_schedule(number, dict(told)),
            "DELETE schedules/{id}": lambda _: world.delete_schedule(number),
            "POST schedules/{id}/online": lambda _: world.release_schedule(number, online=True),
            "POST schedules/{id}/offline": lambda _: world.release_schedule(number, online=False),
        }

    def _runs(self, project: int, at: Told) -> dict[str, Callable[[Told], Any]]:
        number, dialect = int(at.get("id", 0)) if at.get("id", "0").isdigit() else 0, self.dialect
        return {
            "POST executors/start-X-instance": self._start,
            "POST executors/execute": lambda told: self.runs.stop(self._instance(int(told[dialect.instance_id]))["id"]),
            "GET X-instances": lambda told: _page(self._list(project, told), told),
            "GET X-instances/trigger": lambda told: [
                row
                for one, row in self.world.instances.items()
                if self.world.triggers.get(int(told["triggerCode"])) == one
            ],
            "GET X-instances/{id}": lambda _: self._instance(number),
            "GET task-instances": lambda told: _page(
                self.runs.tasks.get(int(told[dialect.instance_id]), []) if told["taskExecuteType"] == "BATCH" else [],
                told,
            ),
        }

    def _start(self, told: Told) -> Any:
        number = self.runs.start(int(told[self.dialect.definition_code]), dict(told))
        if self.dialect.noun == "workflow":
            return [number]
        self.world.triggers[1000 + number] = number
        return 1000 + number

    def _instance(self, number: int) -> Row:
        if number not in self.world.instances:
            raise No(50001, f"{self.dialect.noun} instance {number} does not exist")
        return self.world.instances[number]

    def _list(self, project: int, told: Told) -> list[Row]:
        code, filter_ = self.dialect.definition_code, int(told.get(self.dialect.instance_filter) or 0)
        rows = [row for row in self.world.instances.values() if row["project"] == project and filter_ in {0, row[code]}]
        rows = [row for row in rows if told.get("stateType") in {None, row["state"]}]
        rows = [row for row in rows if told.get("searchVal", "") in row["name"]]
        hidden = {"globalParams": None, "dagData": None}
        return [row | hidden for row in sorted(rows, key=lambda row: -int(row["id"]))]

    def _versions(self, code: int) -> list[Row]:
        held = self.world.held.get(code)
        return [] if held is None else [self.world.head(held, number) for number in sorted(held.versions, reverse=True)]

    def _task(self, code: int) -> Row:
        if code not in self.world.tasks:
            raise No(50030, f"task definition [{code}] does not exist")
        return self.world.tasks[code][max(self.world.tasks[code])]

    def _log(self, told: Told) -> Row:
        lines = self.runs.logs.get(int(told["taskInstanceId"]), [])
        some = lines[int(told["skipLineNum"]) :][: int(told["limit"])]
        return {"lineNum": len(some), "message": "".join(f"{line}\r\n" for line in some)}


def _page(rows: list[Row], told: Told) -> Row:
    size, number = int(told["pageSize"]), int(told["pageNo"])
    if size <= 0 or number <= 0:
        raise No(10001, "request parameter pageNo is not valid")
    return {
        "totalList": rows[(number - 1) * size :][:size],
        "total": len(rows),
        "pageSize": size,
        "currentPage": number,
    }


def _without(told: Told, name: str) -> Row:
    return {one: value for one, value in told.items() if one != name}


def _said(code: int, message: str, data: Any = None) -> Row:
    return {"code": code, "msg": message, "data": data, "failed": code != 0, "success": code == 0}


@contextmanager
def dolphin_double(dialect: Dialect) -> Iterator[Double]:
    """On a free port of this machine, until the end of the block."""
    double = Double(dialect)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are two writes: the second would wait 40 ms for an ACK

        def log_message(self, *_: object) -> None:
            """It is no test's output."""

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            told = dict(parse_qsl(parts.query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True))
            if self.headers.get("token") != TOKEN:
                return self._send(401, b"", "text/plain")
            answer = double.answer(self.command, parts.path.removeprefix(CONTEXT), told)
            if answer is None:
                return self._send(404, b"<html>no such page</html>", "text/html")
            return self._send(answer[0], json.dumps(answer[1]).encode(), "application/json")

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - http.server's names

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    double.url = f"http://127.0.0.1:{server.server_address[1]}{CONTEXT}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="dolphin double")
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        double.runs.close()
