"""Change sets on an office: workflows that wait for each other, sets that are driven by a plain loop."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise

import sqlalchemy as sa

from tests.integration.publish_support import MORNING, NIGHTLY, Office, a_definition
from wfgov_dagster.domain.change_set import OnFailure
from wfgov_dagster.domain.definition import Definition
from wfgov_dagster.domain.flow import Again
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.errors import EngineRejected
from wfgov_dagster.ports.engine import Marker
from wfgov_dagster.store.schema.workflow import cross_workflow_dependency
from wfgov_dagster.usecases.advance_change_set import Crew, Ended, advance_change_set
from wfgov_dagster.usecases.change_set import Wanted, make
from wfgov_dagster.usecases.show_change_sets import ChangeSetShown, show_change_set

OLD, NEW = "echo 1", "echo new"


def one_after_the_other(count: int, work: Callable[[], float]) -> Sequence[float]:
    return [work() for _ in range(count)]


def in_threads(count: int, work: Callable[[], float]) -> Sequence[float]:
    with ThreadPoolExecutor(count) as pool:
        return [one.result() for one in [pool.submit(work) for _ in range(count)]]


@dataclass
class Sets:
    """What a person does with change sets. Time stands still unless somebody sleeps."""

    office: Office
    side_by_side: Callable[[int, Callable[[], float]], Sequence[float]] = one_after_the_other
    seconds: float = 0.0
    on_turn: Callable[[], None] = field(default=lambda: None)

    def estate(self, codes: Sequence[str], *, online: bool = True) -> None:
        """Workflows, each upstream of the next. V1 is deployed (and online), V2 is current."""
        for code in codes:
            self.office.save(a_definition(code, OLD, NIGHTLY))
            self.office.publish("deploy", code)
            if online:
                self.office.publish("online", code)
            self.office.save(a_definition(code, NEW, MORNING))
        self.chain(codes)
        self.office.engine.writes.clear()

    def versions(self, codes: Sequence[str], text: str) -> None:
        for code in codes:
            self.office.save(a_definition(code, text))

    def refuse(self, code: str) -> None:
        """The engine takes no other version of this workflow than the first."""
        accept = self.office.inner.deploy

        def deploy(definition: Definition, marker: Marker) -> None:
            if definition.code == code and definition.tasks[0].text != OLD:
                raise EngineRejected("10001 request parameter is not valid", where="engine embedded")
            accept(definition, marker)

        self.office.inner.deploy = deploy  # type: ignore[method-assign]

    def chain(self, codes: Sequence[str], state: str = "unconfirmed") -> None:
        """Each workflow reads what the one before it writes."""
        ids = {row["workflow_code"]: row["id"] for row in self.office.rows("data_workflow")}
        with self.office.database.write() as conn:
            for up, down in pairwise(codes):
                values = {"task_id": 1000 * ids[up] + ids[down], "upstream_task_id": ids[up], "state": state}
                between = {"workflow_id": ids[down], "upstream_workflow_id": ids[up]}
                conn.execute(sa.insert(cross_workflow_dependency).values(values | between))

    def make(self, codes: Sequence[str], operation: str = "deploy", **wanted: object) -> int:
        asked = Wanted(Operation(operation), "embedded", list(codes), **wanted)  # type: ignore[arg-type]
        with self.office.store.write() as work:
            return make(work, "ann", asked)

    def restoring(self, codes: Sequence[str], operation: str = "deploy", **wanted: object) -> int:
        return self.make(codes, operation, on_failure=OnFailure.RESTORE, **wanted)

    def crew(self, **limits: float) -> Crew:
        return Crew(self.office.publisher(**limits), self.side_by_side, self._sleep, lambda: self.seconds)

    def drive(self, change_set_id: int, **limits: float) -> Ended:
        crew = self.crew(**limits)
        while True:
            said = advance_change_set(crew, change_set_id)
            if not isinstance(said, Again):
                return said
            self.on_turn()
            self._sleep(said.after_seconds)

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def publish(self, codes: Sequence[str], operation: str = "deploy", **wanted: object) -> ChangeSetShown:
        change_set_id = self.make(codes, operation, **wanted)
        self.drive(change_set_id)
        return self.show(change_set_id)

    def show(self, change_set_id: int) -> ChangeSetShown:
        return show_change_set(self.office.store, change_set_id)

    def texts(self, codes: Sequence[str]) -> str:
        """N for the new version, o for the old one; upper case online, as each workflow is on the engine."""
        told = []
        for code in codes:
            text, online, _, fires = self.office.state(code)
            assert fires == online
            told.append({OLD: "o", NEW: "n"}[text])
            if online:
                told[-1] = told[-1].upper()
        return "".join(told)


def reasons(shown: ChangeSetShown) -> dict[str, str]:
    return {one.workflow_code: one.reason for one in shown.members if one.reason is not None}


def states(shown: ChangeSetShown) -> dict[str, str]:
    return {one.workflow_code: str(one.state) for one in shown.members}
