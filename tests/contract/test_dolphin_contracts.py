"""Every request that the adapter makes is one that its family knows, with its parameters and its catch-all."""

from collections.abc import Iterator

import pytest

from tests.doubles.dolphin_contract import find
from tests.doubles.dolphin_names import NoNames
from wfgov_dagster.domain.definition import Settings, Task, make
from wfgov_dagster.engines.dolphin import calls
from wfgov_dagster.engines.dolphin.call import Call, Retry
from wfgov_dagster.engines.dolphin.calls import Api
from wfgov_dagster.engines.dolphin.dialect import DIALECTS, Dialect, StartAnswer
from wfgov_dagster.engines.dolphin.payload import Ground, Target, definition_form
from wfgov_dagster.engines.dolphin.shown import Defaults
from wfgov_dagster.ports.engine import Marker


def requests(dialect: Dialect) -> Iterator[Call]:
    """One of each kind."""
    api = Api(dialect, 7)
    definition = make(Settings("w", "w"), [Task("a", "A", node_type="SHELL", text="echo")], [])
    ground, target = Ground({"a": 1}), Target(dialect, Defaults(), NoNames())
    form = definition_form(definition, Marker("w", 1, "w1:0"), ground, target)
    run = {"warningType": "NONE", "warningGroupId": 0, "failureStrategy": "END", "workerGroup": "default",
           "environmentCode": -1, dialect.instance_priority: "MEDIUM"}  # fmt: skip
    tenant = {} if dialect.tenant_of_definition else {"tenantCode": "default"}
    schedule = {"schedule": "{}", **run, **tenant}
    start = {"scheduleTime": "", "execType": "START_PROCESS", "startParams": "{}", **run, **tenant}
    yield from (calls.find_projects("p", 1), calls.create_project("p"), calls.user_info(), calls.environments())
    yield from (calls.data_sources("d", 1), calls.data_source(1), calls.log(1, 0, 10))
    yield from (api.find_definitions("w", 1), api.names(), api.definition(1), api.create(form), api.update(1, form))
    yield from (api.release(1, online=True), api.release(1, online=False), api.versions(1, 1), api.delete_version(1, 1))
    yield from (api.task_codes(2), api.task(1), api.schedules(1), api.all_schedules(), api.create_schedule(1, schedule))
    yield from (api.update_schedule(1, schedule), api.delete_schedule(1), api.release_schedule(1, online=True))
    yield from (api.release_schedule(1, online=False), api.start(1, start), api.stop(1), api.instance(1))
    yield from (api.list_instances(1, 1, 10, "SUCCESS"), api.find_instance(1, "n"), api.task_instances(1, 1, "BATCH"))
    if dialect.start_answer is StartAnswer.TRIGGER:
        yield api.triggered(1)
    if dialect.noun == "workflow":
        yield calls.product_info()


@pytest.mark.parametrize("family", list(DIALECTS))
def test_every_request_is_one_that_the_family_knows(family: str) -> None:
    faults = []
    for call in requests(DIALECTS[family]):
        found = find(family, call.method, call.path)
        if found is None:
            faults.append(f"{call.method} {call.path}: unknown")
            continue
        told = {name: str(value) for name, value in call.parameters.items()}
        faults += [f"{call.method} {call.path}: {fault}" for fault in found[0].faults(told)]
        if call.catch_all != found[0].catch_all:
            faults.append(f"{call.method} {call.path}: catch-all {call.catch_all}, not {found[0].catch_all}")
    assert faults == []


@pytest.mark.parametrize("family", list(DIALECTS))
def test_only_what_reads_may_be_repeated(family: str) -> None:
    reads = {(call.method, call.path) for call in requests(DIALECTS[family]) if call.retry is Retry.READ}
    assert {path for method, path in reads if method != "GET"} == {"/projects/7/schedules/list"}
    assert not any(path.endswith("/versions/1") for _, path in reads)  # that GET would switch
    writes = {call.method for call in requests(DIALECTS[family]) if call.retry is Retry.WRITE}
    assert writes == {"POST", "PUT", "DELETE"}
