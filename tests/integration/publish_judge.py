"""What has to be true of every workflow that nobody is publishing, from rows and from the engine itself."""

from itertools import pairwise
from typing import Any

import orjson
import sqlalchemy as sa

from tests.doubles.as_given import AsGiven
from tests.integration.publish_support import Office
from wfgov_dagster.domain.publish import VersionRef, content
from wfgov_dagster.ports.engine import Marker
from wfgov_dagster.store.clock import db_now
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema.flow import flow
from wfgov_dagster.store.schema.publish import engine_lease

Row = dict[str, Any]
WITHOUT_SUCCESS = {"superseded", "aborted"}  # an engine that works gives no other reason to fail


class Judge:
    """`wrongs`: a line for each thing that is not as it has to be. Nobody may be publishing while it looks."""

    def __init__(self, database: Database) -> None:
        self._office = Office(database)
        self._database = database

    def wrongs(self) -> list[str]:
        """Of workflows with nothing open; what is open may be anywhere."""
        office = self._office
        records, steps = office.rows("workflow_publish_record"), office.rows("publish_step")
        held = {row["workflow_id"]: row for row in office.rows("engine_deployment")}
        versions = {row["id"]: row for row in office.rows("workflow_version")}
        wrote = {row["record_id"] for row in steps if row["outcome"] != "rejected"}
        found: list[str] = []
        for workflow in office.rows("data_workflow"):
            code = workflow["workflow_code"]
            own = [row for row in records if row["workflow_id"] == workflow["id"]]
            found += [f"{code}: {wrong}" for wrong in history(own)]
            if any(row["status"] == "pending" for row in own):
                continue
            good = [row for row in own if row["status"] == "success"]
            newest = good[-1]["id"] if good else 0
            later = [row for row in own if row["id"] > newest and row["id"] in wrote]
            if later:
                told = [{name: str(value) for name, value in row.items() if name != "engine_id"} for row in later]
                found.append(f"{code}: nobody makes good what was written by {told}")
            elif good:
                row = held[workflow["id"]]
                found += [f"{code}: {wrong}" for wrong in self._state(workflow, good, row, versions[row["version_id"]])]
                sent = {row["record_id"] for row in steps if row["step"] == "deploy"} & {row["id"] for row in own}
                if len(office.inner.versions(code)) > len(sent):
                    found.append(f"{code}: the engine has more versions than publishes that sent one")
            elif office.inner.observe(code) is not None:
                found.append(f"{code}: the engine holds it, nobody sent it")
        return found

    def at_the_end(self) -> list[str]:
        """When everything has come to its end."""
        records, flows = self._office.rows("workflow_publish_record"), self._office.rows("flow")
        stuck = [f"record {row['id']} is {row['phase']}" for row in records if row["status"] == "pending"]
        ends = {row["id"]: row["state"] for row in flows}
        due = {"success": "Finished", "failed": "Error"}
        liars = [
            f"record {row['id']} is {row['status']}, its flow {ends[row['flow_id']]}"
            for row in records
            if ends[row["flow_id"]] != due.get(row["status"])
        ]
        return [*self.wrongs(), *stuck, *liars, *self._orphans(), *integrity(self._database)]

    def _orphans(self) -> list[str]:
        """Leases that nobody can have any more."""
        with self._database.read() as conn:
            held = conn.scalars(sa.select(engine_lease.c.workflow_code).where(engine_lease.c.until > db_now())).all()
            led = conn.scalars(sa.select(flow.c.id).where(flow.c.holder.is_not(None))).all()
        return [f"{code}: a lease that nobody has" for code in held] + [f"flow {one}: nobody's lease" for one in led]

    def _state(self, workflow: Row, good: list[Row], row: Row, version: Row) -> list[str]:
        """What the engine shows, what the newest success wanted, and what we say that we confirmed: one thing.

        `row`: the deployment; `version`: the one that it names.
        """
        code, newest = workflow["workflow_code"], good[-1]
        with self._office.store.read() as work:
            definition = work.versions.definition(code, version["version_no"])
        kept = content(VersionRef(version["id"], version["version_no"], version["content_hash"]), definition, AsGiven())
        live, wanted = self._office.seen(code), orjson.loads(newest["desired"])
        shown = {"online": live.online, "schedule_online": live.schedule_online}
        deployed = [one["version_id"] for one in good if one["operation"] == "deploy"]
        checks = {
            "release state": (shown, {name: wanted[name] for name in shown}),
            "release state of the deployment row": ({name: bool(row[name]) for name in shown}, shown),
            "content": (live.definition, kept.definition),
            "marker": (live.marker, Marker(code, kept.version_no, kept.content_hash)),
            "last published version": (workflow["last_published_version_id"], deployed[-1]),
            "publish status": (workflow["publish_status"] in {"published", "failed"}, True),
        }
        if newest["operation"] != "offline":
            checks["version"] = (version["id"], newest["version_id"])
        if live.online:
            checks["schedule"] = (live.schedule, kept.schedule)
        return [f"{what} is {got}, not {due}" for what, (got, due) in checks.items() if got != due]


def history(records: list[Row]) -> list[str]:
    """Of one workflow, in order: no false end, and one success a wish."""
    found = []
    for row in records:
        end = (row["status"], row["phase"])
        if row["status"] == "success" and row["phase"] != "confirmed":
            found.append(f"record {row['id']}: {end}")
        if row["status"] == "failed" and row["phase"] not in WITHOUT_SUCCESS:
            found.append(f"record {row['id']}: {end}, {row['log']}")
    good = [row for row in records if row["status"] == "success"]
    deployed = [row["version_id"] for row in good if row["operation"] == "deploy"]
    if deployed != sorted(set(deployed)):
        found.append(f"versions were deployed again, or backwards: {deployed}")
    for before, after in pairwise(good):
        if after["operation"] != "deploy":
            was, got = (bool(orjson.loads(row["desired"])["online"]) for row in (before, after))
            if was == got:
                found.append(f"record {after['id']}: {after['operation']} after it was so already")
    return found


def integrity(database: Database) -> list[str]:
    """What the database itself finds wrong: pages, indexes, references."""
    with database.write() as conn:
        if database.is_sqlite:
            lines = [str(line) for line in conn.exec_driver_sql("PRAGMA integrity_check").scalars()]
            strays = [str(row) for row in conn.exec_driver_sql("PRAGMA foreign_key_check")]
            return [line for line in lines if line != "ok"] + strays
        conn.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS amcheck")
        tables = "relkind = 'r' AND relnamespace = 'public'::regnamespace"
        indexes = f"indrelid IN (SELECT oid FROM pg_class WHERE {tables}) AND relam = 403"
        conn.exec_driver_sql(
            f"SELECT bt_index_parent_check(indexrelid, true, true) FROM pg_index JOIN pg_class ON oid = indexrelid"
            f" WHERE {indexes}"
        ).all()
        heaps = f"SELECT oid::regclass::text, msg FROM pg_class, LATERAL verify_heapam(oid) WHERE {tables}"
        return [str(row) for row in conn.exec_driver_sql(heaps)]
