"""A finding of an inspection in words: what it is, and what a person does about it. Nothing of it happens by itself."""

from collections.abc import Mapping
from typing import Final

from wfgov_dagster.domain.drift import Drift, Kind


def told(drift: Drift, engine: str) -> str:
    """A line for people; without the values, which may be long or nobody's business."""
    version = "" if drift.version_no is None else f" V{drift.version_no}"
    what = _TOLD[drift.kind].format(engine=engine, version=version)
    fields = [one.field for one in drift.differences]
    if not fields or drift.kind in _SELF_TOLD:
        return what
    shown = ", ".join(fields[:_FIELDS]) + (f" … and {len(fields) - _FIELDS} more" if len(fields) > _FIELDS else "")
    return f"{what}: {shown}"


def next_step(drift: Drift, code: str, engine: str) -> str:
    """What a person does about it."""
    publish = f"wfgov publish {code} --engine {engine} --operation"
    return _next_step(drift).format(code=code, publish=publish)


_FIELDS: Final = 5  # named in a line
_SELF_TOLD: Final = frozenset({Kind.DELETED, Kind.RENAMED, Kind.RECREATED, Kind.FOREIGN_DEFINITION, Kind.UNMANAGED})
_TOLD: Final[Mapping[Kind, str]] = {
    Kind.CONTENT_CHANGED: "somebody changed its content on {engine}",
    Kind.TASK_ADDED: "somebody added tasks on {engine}",
    Kind.TASK_REMOVED: "somebody removed tasks on {engine}",
    Kind.EDGE_CHANGED: "somebody changed its edges on {engine}",
    Kind.SCHEDULE_CHANGED: "somebody changed its schedule on {engine}",
    Kind.RELEASE_CHANGED: "somebody took it online or offline on {engine}",
    Kind.SCHEDULE_STATE_CHANGED: "somebody took its schedule online or offline on {engine}",
    Kind.RENAMED: "somebody renamed it on {engine}",
    Kind.DELETED: "somebody deleted it on {engine}",
    Kind.RECREATED: "{engine} holds another workflow of its name than was confirmed",
    Kind.VERSION_SWITCHED: "somebody switched it back to{version} on {engine}",
    Kind.LATE_WRITE: "{engine} holds{version}, of a publish of ours that was never confirmed",
    Kind.FOREIGN_WRITER: "somebody else publishes it to {engine}",
    Kind.FOREIGN_DEFINITION: "{engine} holds a workflow of its name that we never deployed",
    Kind.UNMANAGED: "{engine} holds a workflow that is none of ours",
    Kind.UNPUBLISHED: "{engine} does not hold the current version{version} yet",
    Kind.NEVER_DEPLOYED: "it was never deployed to {engine}",
}
_OF_SCHEDULE: Final = frozenset({Kind.SCHEDULE_CHANGED, Kind.SCHEDULE_STATE_CHANGED})
_NEXT: Final[Mapping[Kind, str]] = {  # where it is not to keep or to overwrite an edit
    Kind.SCHEDULE_STATE_CHANGED: "take the schedule offline on the engine, or keep it: {publish} online",
    Kind.DELETED: "{publish} deploy",
    Kind.UNPUBLISHED: "{publish} deploy",
    Kind.NEVER_DEPLOYED: "{publish} deploy",
    Kind.VERSION_SWITCHED: "bring the current version back: {publish} deploy",
    Kind.LATE_WRITE: "wfgov record sweep looks whether it settles by itself; else publish anew: {publish} deploy",
    Kind.RENAMED: "name it {code} again on the engine: a publish would make a second one",
    Kind.RECREATED: "take it over: {publish} deploy",
    Kind.FOREIGN_WRITER: "find out who else publishes to this project: a workflow has one master",
    Kind.UNMANAGED: "leave it, or bring its tasks into the metadata",
}


def _next_step(drift: Drift) -> str:
    undone = drift.differences[0] if drift.differences else None
    if drift.kind is Kind.RELEASE_CHANGED and undone is not None:
        return f"undo it: {{publish}} {'online' if undone.confirmed else 'offline'}"
    if drift.kind in _OF_SCHEDULE and undone is not None and not undone.engine:
        return "undo it: {publish} online"
    if drift.kind is Kind.RENAMED and undone is not None and undone.field == "name":
        return "name it {code} again on the engine; {publish} deploy pauses, and wfgov record decide ID chooses"
    return _NEXT.get(drift.kind, "keep or overwrite it: {publish} deploy pauses, and wfgov record decide ID chooses")
