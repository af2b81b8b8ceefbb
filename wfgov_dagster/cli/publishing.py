"""wfgov publish"""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from wfgov_dagster.cli.change_set_options import How, Which, how_options, which_options
from wfgov_dagster.cli.change_sets import publish_many
from wfgov_dagster.cli.groups import cli
from wfgov_dagster.cli.output import Block, fields
from wfgov_dagster.cli.session import Session, command
from wfgov_dagster.cli.version_types import VersionNumber
from wfgov_dagster.errors import WfgovError

if TYPE_CHECKING:
    from wfgov_dagster.ports.publish_history import RecordRow
    from wfgov_dagster.usecases.preview_publish import Preview
    from wfgov_dagster.usecases.publisher import Done
    from wfgov_dagster.usecases.request_publish import Request


@command(cli, "publish")
@click.argument("code", metavar="[CODE]", required=False)
@click.option("--task", metavar="CODE", help="Publish the workflow that this task is in.")
@click.option("--version", "number", metavar="N", type=VersionNumber(), help="Refuse unless it would be about V<N>.")
@which_options
@how_options
def publish_command(
    session: Session, code: str | None, task: str | None, number: int | None, which: Which, how: How
) -> None:
    """Bring a workflow to an engine, or online or offline there, and see that it is so.

    deploy creates it offline, or replaces its content and leaves it online if it was. online and offline are about
    the version that was published last. Many workflows are published as one, upstream first, offline in reverse.
    """
    if which.many:
        if (code, task, number) != (None, None, None):
            raise click.UsageError(
                "CODE, --task and --version are for one workflow, --all-changed and --change-set for many"
            )
        publish_many(session, which, how)
        return
    if (code is None) == (task is None):
        raise click.UsageError("which workflow? CODE, or --task CODE, or --all-changed, or --change-set FILE")
    if how.for_many():
        raise click.UsageError("--on-failure, --parallel and --rate are for many workflows")
    chosen = code or _workflow_of(session, task or "")
    from wfgov_dagster.domain.publish import Operation
    from wfgov_dagster.usecases.request_publish import Request
    from wfgov_dagster.usecases.workflow_engine import engine_for

    name = engine_for(session.platform.store, chosen, which.engine, session.settings.default_engine)
    request = Request(chosen, Operation(which.operation), name, number)
    session.platform.engine(name, session.actor, looks=how.dry_run)
    if how.dry_run:
        _preview(session, request)
    else:
        _publish(session, request, wait=how.wait is not False)


def _workflow_of(session: Session, task: str) -> str:
    from wfgov_dagster.usecases.show_records import workflow_of_task

    code = workflow_of_task(session.platform.store, task)
    session.say([f"task {task} is in workflow {code}: that is published, with all its tasks"])
    return code


def _preview(session: Session, wanted: "Request") -> None:
    from dataclasses import asdict

    from wfgov_dagster.domain.plan import rows
    from wfgov_dagster.usecases.preview_publish import preview

    found = preview(session.platform.publisher(), wanted)
    edited = list(found.foreign)
    steps = rows(found.steps)
    value = {name: getattr(found, name) for name in ("workflow_code", "operation", "engine", "version_no", "desired")}
    value |= {"found": asdict(found.found), "foreign_edit": edited, "steps": steps}
    value |= {"change_summary": found.change_summary, "waits": found.waits, "warnings": found.warnings}
    session.put(value, *_preview_blocks(found, [f"{one['no']}. {one['text']}" for one in steps]))


def _preview_blocks(found: "Preview", steps: list[str]) -> list[Block]:
    about = f"dry run: {found.operation} {found.workflow_code} V{found.version_no} on {found.engine}"
    lines = [about, *(steps or ["nothing to do: the engine shows what is wanted"])]
    if found.foreign:
        lines.append(f"it would be paused: somebody changed its {' and its '.join(found.foreign)} on the engine")
    if found.change_summary:
        lines.append(f"changes: {found.change_summary}")
    lines += [*found.waits, *(f"warning: {one}" for one in found.warnings)]
    return ["\n".join(lines)]


def _publish(session: Session, wanted: "Request", *, wait: bool) -> None:
    from wfgov_dagster.usecases.request_publish import request

    record_id = request(session.platform.store, session.actor, wanted)
    follow(session, record_id, wait=wait)


def follow(session: Session, record_id: int, *, wait: bool) -> None:
    """Drive the record's flow and show how the record stands. Whoever does not wait leaves the flow to the watch loop
    as soon as it has to wait. Raises the error that ended it or that it waits on."""
    from dataclasses import asdict

    shown, error = driven(session, record_id, wait=wait)
    session.put(asdict(shown), fields(lines_of(shown)))
    if error is not None:
        raise error


def driven(session: Session, record_id: int, *, wait: bool) -> "tuple[RecordRow, WfgovError | None]":
    """The record after its flow was driven, and the error that ended it or that it waits on."""
    from wfgov_dagster.usecases.drive_publish import Left, drive_publish

    end = drive_publish(
        session.platform.flows(), record_id, time.sleep, wait=wait, tell=lambda line: session.say([line])
    )
    if isinstance(end, Left):
        session.say([end.sentence()])
    with session.platform.store.read() as work:
        shown = work.history.record(record_id)
    return shown, None if isinstance(end, Left) or end.status == "success" else failure_of(end)


def lines_of(shown: "RecordRow") -> list[tuple[str, object]]:
    about = ("workflow_code", "operation", "engine")
    return [
        *((name, getattr(shown, name)) for name in about),
        ("version", f"V{shown.version_no}"),
        ("status", f"{shown.status} ({shown.phase})"),
        ("writes to the engine", shown.steps),
        ("publish record", shown.record_id),
        ("snapshot", shown.snapshot_id),
        ("flow", shown.flow_id),
    ]


def failure_of(end: "Done") -> WfgovError:
    """The error that ended the record, or that it waits on; its message names where and what next already."""
    known = {kind.code: kind for kind in _kinds(WfgovError)}
    code = end.error_code or WfgovError.code
    what = (end.message or end.phase).removeprefix(f"{code}: ")
    told = [f"publish record {end.record_id}"]
    told += [f"snapshot {end.snapshot_id}"] if end.snapshot_id is not None else []
    told += [f"step {end.step}"] if end.step is not None else []
    hint = f"wfgov record show {end.record_id}" + (
        f"; then: wfgov record retry {end.record_id}" if end.retryable else ""
    )
    return known.get(code, WfgovError)(f"{end.phase}: {what}", where=", ".join(told), hint=hint)


def _kinds(kind: type[WfgovError]) -> Iterator[type[WfgovError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)
