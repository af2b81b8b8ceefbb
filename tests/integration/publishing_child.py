"""What a process does that is killed: it edits its workflows, asks for publishes, and takes up what others left.

An asking is for something that is not so yet, so that of each wish one record succeeds, whoever is killed on the way.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from pydantic import SecretStr

from tests.integration.publish_support import MORNING, NIGHTLY, Office, a_definition
from tests.support.killing import Tell
from wfgov_dagster.domain.flow import MOVING, FlowState
from wfgov_dagster.domain.publish import Operation
from wfgov_dagster.errors import LeaseHeld
from wfgov_dagster.settings import Settings
from wfgov_dagster.usecases.advance_flow import drive_flow
from wfgov_dagster.usecases.engines import EMBEDDED
from wfgov_dagster.usecases.flows import due
from wfgov_dagster.usecases.request_publish import Request, request
from wfgov_dagster.wiring import Platform

LEASE_SECONDS = 1
SETTLE_SECONDS = 0.1  # a database may finish the commit of a client that has just been killed
HORIZON_SECONDS = 2.0  # the sweeper's flow ends then
FINISHES_WITHIN_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Life:
    """`mine`: the workflows that this process, and no other, edits and asks about."""

    url: str
    home: Path
    seed: int
    mine: tuple[str, ...]


class Clerk:
    def __init__(self, life: Life) -> None:
        chosen = Settings(
            home=life.home,
            database_url=SecretStr(life.url),
            lease_seconds=LEASE_SECONDS,
            settle_seconds=SETTLE_SECONDS,
            engine_writes_per_second=0,
            backoff_first_seconds=0.1,
            sweep_seconds=0.2,
            sweep_horizon_seconds=HORIZON_SECONDS,
        )
        self.platform = Platform(chosen)
        self.office = Office(self.platform.database)
        self.manager = self.platform.flows()
        self.chance = Random(life.seed)
        self.mine = life.mine

    # --- a working day ---------------------------------------------------------------------------

    def work(self) -> None:
        """One piece of work, chosen at random; what somebody else holds is left to them."""
        code = self.chance.choice(self.mine)
        try:
            self.chance.choice([self.edit, self.deploy, self.deploy, self.switch, self.take_up])(code)
        except LeaseHeld:
            time.sleep(0.005)

    def edit(self, code: str) -> None:
        text = f"echo {self.chance.getrandbits(40)}"
        self.office.save(a_definition(code, text, self.chance.choice([NIGHTLY, MORNING, None])))

    def deploy(self, code: str) -> None:
        """The newest version, unless that is under way; what else is open is superseded by it."""
        under_way = self.under_way(code)  # first: from then on nobody but this process asks about the workflow
        workflow = self.office.workflow(code)
        if workflow is None:
            self.edit(code)
        elif ("deploy", workflow["current_version_id"]) in under_way:
            self.take_up(code)
        elif workflow["last_published_version_id"] != workflow["current_version_id"]:
            self.ask(Operation.DEPLOY, code)

    def switch(self, code: str) -> None:
        """Online if it was last seen offline, and the other way round; nothing while something is under way."""
        under_way = self.under_way(code)
        workflow = self.office.workflow(code)
        held = {row["workflow_id"]: row for row in self.office.rows("engine_deployment")}
        if under_way:
            self.take_up(code)
        elif workflow is not None and workflow["id"] in held:
            self.ask(Operation.OFFLINE if held[workflow["id"]]["online"] else Operation.ONLINE, code)

    def under_way(self, code: str) -> set[tuple[str, int]]:
        """(operation, version id) of open records."""
        workflow = self.office.workflow(code)
        records = self.office.rows("workflow_publish_record")
        mine = [row for row in records if workflow is not None and row["workflow_id"] == workflow["id"]]
        return {(row["operation"], row["version_id"]) for row in mine if row["status"] == "pending"}

    def take_up(self, code: str) -> None:
        """Whatever is due, not only of its own workflows."""
        waiting = due(self.manager)
        if waiting:
            drive_flow(self.manager, self.chance.choice(waiting), time.sleep)

    def ask(self, operation: Operation, code: str) -> None:
        record_id = request(self.office.store, "ann", Request(code, operation, EMBEDDED))
        with self.office.store.read() as work:
            flow_id = work.publishing.job(record_id).flow_id
        assert flow_id is not None
        drive_flow(self.manager, flow_id, time.sleep)

    # --- the last one ----------------------------------------------------------------------------

    def finish(self) -> None:
        """Every flow comes to its end. Raises TimeoutError."""
        until = time.monotonic() + FINISHES_WITHIN_SECONDS
        while moving := [row["id"] for row in self.office.rows("flow") if FlowState(row["state"]) in MOVING]:
            for flow_id in due(self.manager):
                drive_flow(self.manager, flow_id, time.sleep)
            if time.monotonic() > until:
                raise TimeoutError(f"flows {moving} are still not at their end")


def publish_until_killed(tell: Tell, life: Life) -> None:
    clerk = Clerk(life)
    due(clerk.manager)  # connected, and everything loaded
    tell("begun")
    while True:
        clerk.work()


def publish_what_is_left(tell: Tell, life: Life) -> None:
    clerk = Clerk(life)
    tell("begun")
    clerk.finish()
