"""Names and codes of one server, asked for when a definition needs them."""

from collections.abc import Mapping
from functools import cached_property

from wfgov_dagster.domain.extra import CODE, TASK, WORKFLOW, Symbol
from wfgov_dagster.engines.dolphin import calls
from wfgov_dagster.engines.dolphin.connection import Session
from wfgov_dagster.engines.dolphin.nodes import DataSource
from wfgov_dagster.errors import EngineRejected, InvalidInput
from wfgov_dagster.ports.dolphin import ITSELF, DolphinMemory


class ServerNames:
    """`tasks`: the server's codes of the workflow's own tasks."""

    def __init__(self, session: Session, memory: DolphinMemory, tasks: Mapping[str, int]) -> None:
        self._session = session
        self._memory = memory
        self._tasks = tasks

    # --- our names → the server's ----------------------------------------------------------------

    def code(self, symbol: Symbol) -> int:
        if CODE in symbol:
            return int(symbol[CODE])
        if WORKFLOW not in symbol:
            return self._task(self._tasks, str(symbol[TASK]), "the workflow")
        workflow = str(symbol[WORKFLOW])
        if TASK in symbol:
            return self._task(self._memory.codes(workflow), str(symbol[TASK]), f"workflow {workflow}")
        known = self._memory.workflows().get(workflow)
        found = known or next((code for code, name in self._definitions.items() if name == workflow), None)
        if found is None:
            raise InvalidInput(f"the server has no workflow {workflow!r}", hint="deploy that one first")
        return found

    def data_source(self, name: str) -> DataSource:
        for row in self._session.pages(lambda page: calls.data_sources(name, page)):
            if row["name"] == name:
                return DataSource(int(row["id"]), str(row["type"]))
        raise InvalidInput(f"the server has no data source {name!r}", hint="create it there under that name")

    def environment_code(self, name: str) -> int:
        if name not in self._environments:
            raise InvalidInput(f"the server has no environment {name!r}", hint="create it there under that name")
        return self._environments[name]

    # --- and back --------------------------------------------------------------------------------

    def symbol(self, code: int) -> Symbol:
        own = next((task for task, number in self._tasks.items() if number == code), None)
        if own is not None:
            return {TASK: own}
        workflow, task = self._memory.owners([code]).get(code, ("", ITSELF))
        if workflow:
            return {WORKFLOW: workflow} if task == ITSELF else {WORKFLOW: workflow, TASK: task}
        return {WORKFLOW: self._definitions[code]} if code in self._definitions else {CODE: code}

    def data_source_name(self, number: int) -> str:
        try:
            return str(self._session.ask(calls.data_source(number))["name"])
        except EngineRejected:
            return str(number)  # it is gone, or not ours to see

    def environment_name(self, code: int) -> str:
        return next((name for name, number in self._environments.items() if number == code), str(code))

    @cached_property
    def _environments(self) -> Mapping[str, int]:
        return {str(row["name"]): int(row["code"]) for row in self._session.ask(calls.environments()) or ()}

    @cached_property
    def _definitions(self) -> Mapping[int, str]:
        return {int(row["code"]): str(row["name"]) for row in self._session.ask(self._session.api.names()) or ()}

    def _task(self, codes: Mapping[str, int], task: str, where: str) -> int:
        if task not in codes or task == ITSELF:
            raise InvalidInput(f"{where} has no task {task!r} on the server", hint="deploy that one first")
        return codes[task]
