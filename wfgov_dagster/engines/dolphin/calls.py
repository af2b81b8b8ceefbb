"""Every request that we make, in the words of a dialect. The contract of each family is compared by a test."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wfgov_dagster.engines.dolphin.call import Call, Retry
from wfgov_dagster.engines.dolphin.dialect import Dialect, StartAnswer
from wfgov_dagster.engines.dolphin.shapes import (
    Shape,
    anything,
    both,
    integer,
    json_of,
    many,
    optional,
    paged,
    record,
    text,
)

PAGE: Final = 100
Form = Mapping[str, str | int]
_CODE: Final = record({"code": integer})
_NAMED: Final = record({"name": text, "code": integer})
_ROW: Final = record({"id": integer})
_SOURCE: Final = record({"id": integer, "name": text, "type": text})
_HEAD: Final = record({"name": text, "code": integer, "version": integer, "updateTime": optional(text)})
_COUNTS: Final = dict.fromkeys(("timeout", "failRetryTimes", "failRetryInterval"), optional(integer))
_TASK: Final = record(
    {"name": text, "code": integer, "version": integer, "taskType": text, "taskParams": optional(record({})), **_COUNTS}
)
_STARTED: Final = {
    StartAnswer.NOTHING: anything,
    StartAnswer.TRIGGER: optional(integer),
    StartAnswer.INSTANCES: optional(many(integer)),
}
_PARAMETERS: Final = optional(json_of(optional(many(record({})))))
_LOG: Final = optional(record({"message": optional(text), "lineNum": optional(integer)}))
_SCHEDULE: Final = record({"id": integer, "crontab": text, "timezoneId": text})


def find_projects(name: str, page: int) -> Call:
    """Its search finds every name that contains the text."""
    told: Form = {"searchVal": name, "pageNo": page, "pageSize": PAGE}
    return _read("list the projects", "/projects", 10049, told, paged(_NAMED))


def create_project(name: str) -> Call:
    told: Form = {"projectName": name, "description": ""}
    return Call("create the project", "POST", "/projects", Retry.WRITE, 10048, told)


def product_info() -> Call:
    """Only 3.3 and later know it."""
    return _read("tell its version", "/ui-plugins/query-product-info", 10304)


def user_info() -> Call:
    return _read("tell who the token is", "/users/get-user-info", 10098, answer=record({}))


def tenants() -> Call:
    """Those that the token's user may see."""
    return _read("list the tenants", "/tenants/list", 10086, answer=optional(many(record({"tenantCode": text}))))


def worker_groups() -> Call:
    """Their names."""
    return _read("list the worker groups", "/worker-groups/all", 10146, answer=optional(many(text)))


def environments() -> Call:
    return _read("list the environments", "/environment/query-environment-list", 1200010, answer=optional(many(_NAMED)))


def data_sources(name: str, page: int) -> Call:
    """Its search finds every name that contains the text."""
    told: Form = {"searchVal": name, "pageNo": page, "pageSize": PAGE}
    return _read("list the data sources", "/datasources", 10035, told, paged(_SOURCE))


def data_source(number: int) -> Call:
    return _read("read a data source", f"/datasources/{number}", 10035, answer=record({"name": text}))


def log(task_instance: int, skip: int, lines: int) -> Call:
    told: Form = {"taskInstanceId": task_instance, "skipLineNum": skip, "limit": lines}
    return _read("read the log", "/log/detail", 10103, told, _LOG)


@dataclass(frozen=True, slots=True)
class Api:
    """The requests that are about one project."""

    dialect: Dialect
    project: int

    # --- definitions -----------------------------------------------------------------------------

    def find_definitions(self, name: str, page: int) -> Call:
        """Its search finds every name that contains the text; "" finds all."""
        told: Form = {"searchVal": name, "pageNo": page, "pageSize": PAGE}
        return _read("list the definitions", self._definitions(), 10122, told, paged(_HEAD))

    def names(self) -> Call:
        return _read(
            "list the names of the definitions", f"{self._definitions()}/simple-list", 10110, answer=many(_NAMED)
        )

    def definition(self, code: int) -> Call:
        return _read("read the definition", self._definitions(code), 10109, answer=self._whole)

    def create(self, form: Form) -> Call:
        return Call("create the definition", "POST", self._definitions(), Retry.WRITE, 10105, form, _CODE)

    def update(self, code: int, form: Form) -> Call:
        return Call("update the definition", "PUT", self._definitions(code), Retry.WRITE, 10107, form)

    def release(self, code: int, *, online: bool) -> Call:
        told: Form = {"releaseState": "ONLINE" if online else "OFFLINE"}
        what = f"take the definition {'online' if online else 'offline'}"
        return Call(what, "POST", f"{self._definitions(code)}/release", Retry.WRITE, 10108, told)

    def versions(self, code: int, page: int) -> Call:
        told: Form = {"pageNo": page, "pageSize": PAGE}
        return _read(
            "list the versions", f"{self._definitions(code)}/versions", 10154, told, paged(record({"version": integer}))
        )

    def delete_version(self, code: int, version: int) -> Call:
        """A GET of the same path would switch to that version."""
        path = f"{self._definitions(code)}/versions/{version}"
        return Call("delete the version", "DELETE", path, Retry.WRITE, 10156)

    def task_codes(self, count: int) -> Call:
        """It reserves nothing: each call makes new ones. At most 100."""
        return _read(
            "make task codes",
            f"{self._in('task-definition')}/gen-task-codes",
            10049,
            {"genNum": count},
            many(integer, count),
        )

    def task(self, code: int) -> Call:
        return _read(
            "read the task", f"{self._in('task-definition')}/{code}", 50043, answer=record({"version": integer})
        )

    # --- schedules -------------------------------------------------------------------------------

    def schedules(self, code: int) -> Call:
        told: Form = {self.dialect.definition_code: code, "pageNo": 1, "pageSize": PAGE}
        return _read("read the schedule", self._in("schedules"), 10080, told, paged(_SCHEDULE))

    def all_schedules(self) -> Call:
        """A POST that only reads."""
        rows = many(both(_SCHEDULE, record({self.dialect.definition_code: integer})))
        return Call("list the schedules", "POST", f"{self._in('schedules')}/list", Retry.READ, 10081, answer=rows)

    def create_schedule(self, code: int, form: Form) -> Call:
        told = {self.dialect.definition_code: code, **form}
        return Call("create the schedule", "POST", self._in("schedules"), Retry.WRITE, 10076, told)

    def update_schedule(self, number: int, form: Form) -> Call:
        path = f"{self._in('schedules')}/{number}"
        return Call("update the schedule", "PUT", path, Retry.WRITE, 10077, form)

    def delete_schedule(self, number: int) -> Call:
        return Call("delete the schedule", "DELETE", f"{self._in('schedules')}/{number}", Retry.WRITE, 50024)

    def release_schedule(self, number: int, *, online: bool) -> Call:
        state = "online" if online else "offline"
        path = f"{self._in('schedules')}/{number}/{state}"
        return Call(f"take the schedule {state}", "POST", path, Retry.WRITE, 10078 if online else 10079)

    # --- instances -------------------------------------------------------------------------------

    def start(self, code: int, form: Form) -> Call:
        path = f"{self._in('executors')}/start-{self.dialect.noun}-instance"
        told = {self.dialect.definition_code: code, **form}
        return Call("start an instance", "POST", path, Retry.WRITE, 50014, told, _STARTED[self.dialect.start_answer])

    def triggered(self, trigger: int) -> Call:
        """3.2 and later: the instances of one start."""
        path = f"{self._in(self.dialect.instances)}/trigger"
        return _read("find the instance", path, 10113, {"triggerCode": trigger}, optional(many(_ROW)))

    def stop(self, instance: int) -> Call:
        told: Form = {self.dialect.instance_id: instance, "executeType": "STOP"}
        return Call("stop the instance", "POST", f"{self._in('executors')}/execute", Retry.WRITE, 50015, told)

    def list_instances(self, code: int | None, page: int, size: int, state: str | None = None) -> Call:
        told: dict[str, str | int] = {"pageNo": page, "pageSize": size}
        if code is not None:
            told[self.dialect.instance_filter] = code
        if state is not None:
            told["stateType"] = state
        return _read("list the instances", self._in(self.dialect.instances), 10113, told, paged(self._instance))

    def find_instance(self, code: int, name: str) -> Call:
        """Its search finds every name that contains the text."""
        told: Form = {self.dialect.instance_filter: code, "searchVal": name, "pageNo": 1, "pageSize": PAGE}
        return _read("find the instance", self._in(self.dialect.instances), 10113, told, paged(self._instance))

    def instance(self, number: int) -> Call:
        tasks = optional(record({"taskDefinitionList": optional(many(_NAMED))}))
        whole = both(self._instance, record({"name": text, "dagData": tasks, "globalParams": _PARAMETERS}))
        return _read("read the instance", f"{self._in(self.dialect.instances)}/{number}", 10116, answer=whole)

    def task_instances(self, instance: int, page: int, kind: str) -> Call:
        """`kind`: BATCH or STREAM; it lists one of them at a time."""
        told: Form = {self.dialect.instance_id: instance, "taskExecuteType": kind, "pageNo": page, "pageSize": PAGE}
        row = record({"id": integer, "taskCode": integer, "retryTimes": optional(integer)})
        return _read("list the tasks", self._in("task-instances"), 10082, told, paged(row))

    @property
    def _whole(self) -> Shape:
        """Of a definition."""
        head = both(_HEAD, record({"globalParams": _PARAMETERS, "timeout": optional(integer)}))
        edge = record({"preTaskCode": integer, "postTaskCode": integer})
        return record(
            {
                self.dialect.definition_key: head,
                self.dialect.relations_key: many(edge),
                "taskDefinitionList": many(_TASK),
            }
        )

    @property
    def _instance(self) -> Shape:
        own = (self.dialect.definition_code, self.dialect.definition_version)
        return record({"id": integer, "runTimes": optional(integer), **dict.fromkeys(own, integer)})

    def _in(self, room: str) -> str:
        return f"/projects/{self.project}/{room}"

    def _definitions(self, code: int | None = None) -> str:
        return self._in(self.dialect.definitions) + ("" if code is None else f"/{code}")


def _read(what: str, path: str, catch_all: int, parameters: Form | None = None, answer: Shape = anything) -> Call:
    return Call(what, "GET", path, Retry.READ, catch_all, parameters or {}, answer)
