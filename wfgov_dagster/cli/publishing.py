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
from wfgov_dagster.cli.versions import VersionNumber
from wfgov_dagster.errors import WfgovError

if TYPE_CHECKING:
    from wfgov_dagster.usecases.preview_publish import Preview
    from wfgov_dagster.usecases.publisher import Done
    from wfgov_dagster.usecases.request_publish import Request


@command(cli, "publish")
@click.argument("code", metavar="[CODE]", required=False)
@click.option("--version", "number", metavar="N", type=VersionNumber(), help="Refuse unless it would be about V<N>.")
@which_options
@how_options
def publish_command(session: Session, code: str | None, number: int | None, which: Which, how: How) -> None:
    """Bring a workflow to an engine, or online or offline there, and see that it is so.

    deploy creates it offline, or replaces its content and leaves it online if it was. online and offline are about
    the version that was published last. Many workflows are published as one, upstream first, offline in reverse.
    """
    if which.many:
        if code is not None or number is not None:
            raise click.UsageError("CODE and --version are for one workflow, --all-changed and --change-set for many")
        publish_many(session, which, how)
        return
    if code is None:
        raise click.UsageError("which workflow? CODE, or --all-changed, or --change-set FILE")
    if how.for_many():
        raise click.UsageError("--on-failure, --parallel, --rate and --wait are for many workflows")
    from wfgov_dagster.domain.publish import Operation
    from wfgov_dagster.usecases.request_publish import Request

    name = which.engine or session.settings.default_engine
    request = Request(code, Operation(which.operation), name, number)
    session.platform.engine(name, session.actor)
    if how.dry_run:
        _preview(session, request)
    else:
        _publish(session, request)


def _preview(session: Session, wanted: "Request") -> None:
    from dataclasses import asdict

    from wfgov_dagster.domain.plan import rows
    from wfgov_dagster.usecases.preview_publish import preview

    found = preview(session.platform.publisher(), wanted)
    steps = rows(found.steps)
    value = {name: getattr(found, name) for name in ("workflow_code", "operation", "engine", "version_no", "desired")}
    value |= {"found": asdict(found.found), "steps": steps, "change_summary": found.change_summary}
    session.put(value, *_preview_blocks(found, [f"{one['no']}. {one['text']}" for one in steps]))


def _preview_blocks(found: "Preview", steps: list[str]) -> list[Block]:
    about = f"dry run: {found.operation} {found.workflow_code} V{found.version_no} on {found.engine}"
    lines = [about, *(steps or ["nothing to do: the engine shows what is wanted"])]
    if found.change_summary:
        lines.append(f"changes: {found.change_summary}")
    return ["\n".join(lines)]


def _publish(session: Session, wanted: "Request") -> None:
    from wfgov_dagster.usecases.publish import drive
    from wfgov_dagster.usecases.request_publish import request

    platform = session.platform
    record_id = request(platform.store, session.actor, wanted)
    end = drive(platform.publisher(), record_id, time.sleep)
    _show(session, wanted, end)
    if end.status != "success":
        raise _failure(end)


def _show(session: Session, wanted: "Request", end: "Done") -> None:
    from dataclasses import asdict

    about = {"workflow_code": wanted.workflow_code, "operation": wanted.operation, "engine": wanted.engine}
    session.put(
        {**about, **asdict(end)},
        fields(
            [
                *about.items(),
                ("version", f"V{end.version_no}"),
                ("status", f"{end.status} ({end.phase})"),
                ("writes to the engine", end.steps),
                ("publish record", end.record_id),
            ]
        ),
    )


def _failure(end: "Done") -> WfgovError:
    """The error that ended the record; its message names where and what next already."""
    known = {kind.code: kind for kind in _kinds(WfgovError)}
    code = end.error_code or WfgovError.code
    what = (end.message or end.phase).removeprefix(f"{code}: ")
    return known.get(code, WfgovError)(what, where=f"publish record {end.record_id}")


def _kinds(kind: type[WfgovError]) -> Iterator[type[WfgovError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)
