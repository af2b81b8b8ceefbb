"""An alert: what failed, as people are told of it. A fault has one dedupe key, whoever notices it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

TOGETHER_SECONDS: Final = 300.0  # faults of one kind and workflow within this time are told as one


class AlertKind(StrEnum):
    PUBLISH_FAILED = "publish_failed"
    PUBLISH_PARKED = "publish_parked"  # nobody knows what the engine holds
    PUBLISH_PAUSED = "publish_paused"  # somebody changed it on the engine: a person has to choose
    INSTANCE_FAILED = "instance_failed"
    FLOW_FAILED = "flow_failed"
    RUN_FAILED = "run_failed"  # a Dagster run, where nothing of the above says why


@dataclass(frozen=True, slots=True)
class Alert:
    """`dedupe_key`: `<subject>:<more>`, see `subject`. `step`: publish step, flow node or job. `links`: name → command,
    or path on Dagster's webserver, which begins with a slash. `at`: None = when it is written down."""

    kind: AlertKind
    dedupe_key: str
    message: str
    workflow_code: str | None = None
    version_no: int | None = None
    task_code: str | None = None
    step: str | None = None
    engine: str | None = None
    error_code: str | None = None
    links: Mapping[str, str] | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FailedInstance:
    """`task_code`: the first task that failed, None = none did. `run_id`: the Dagster run that had it.

    `shared`: its id is one of an engine's own, not of our database. `run`, `page`: see ports/engine.py.
    """

    instance_id: int | str
    engine: str
    workflow_code: str
    version_no: int | None
    error: str
    run_id: str | None
    task_code: str | None
    exit_code: int | None
    shared: bool = False
    run: int = 1
    page: str | None = None


def subject(what: str, identity: object) -> str:
    """What an alert is about: record, instance, flow or run."""
    return f"{what}:{identity}"


def of_instance(failed: FailedInstance) -> Alert:
    number = failed.instance_id
    links = {"look": f"wfgov instance show {number} --engine {failed.engine}"}
    if failed.task_code is not None:
        links["log"] = f"wfgov instance log {number} {failed.task_code} --engine {failed.engine}"
    if failed.run_id is not None:
        links["run"] = run_path(failed.run_id)
    if failed.page is not None:
        links["engine"] = failed.page
    exit_code = "" if failed.exit_code is None else f" (exit code {failed.exit_code})"
    where = f" on engine {failed.engine}" if failed.shared else ""
    again = "" if failed.run == 1 else f":{failed.run}"
    return Alert(
        AlertKind.INSTANCE_FAILED,
        f"{subject('instance', f'{failed.engine}/{number}' if failed.shared else number)}:failed{again}",
        f"instance {number} of workflow {failed.workflow_code}{where} failed{exit_code}: {failed.error}",
        failed.workflow_code,
        failed.version_no,
        failed.task_code,
        engine=failed.engine,
        links=links,
    )


def run_path(run_id: str) -> str:
    return f"/runs/{run_id}"


def runs_of_record(record_id: int) -> str:
    """Dagster's list of the runs that have the tag wfgov/publish_record."""
    return f"/runs?q%5B%5D=tag%3Awfgov%2Fpublish_record%3D{record_id}"


def links_on(links: Mapping[str, str] | None, webserver_url: str) -> Mapping[str, str]:
    """With whole addresses."""
    base = webserver_url.rstrip("/")
    return {name: f"{base}{link}" if link.startswith("/") else link for name, link in (links or {}).items()}
