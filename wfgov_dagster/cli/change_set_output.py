"""Change sets and plans as they are printed."""

from typing import TYPE_CHECKING, Any

from wfgov_dagster.cli.output import Block, Table, fields

if TYPE_CHECKING:
    from wfgov_dagster.domain.change_plan import ChangePlan
    from wfgov_dagster.ports.change_sets import ChangeSet, Member
    from wfgov_dagster.usecases.show_change_sets import ChangeSetShown

LISTED = ("change_set", "state", "operation", "engine", "on_failure", "members", "restores", "operator", "created_at",
          "finished_at")  # fmt: skip
_MEMBER = ("wave", "workflow_code", "version", "state", "writes", "publish record", "brought back", "reason")


def set_value(found: "ChangeSet") -> dict[str, Any]:
    return {
        "change_set": found.id,
        "engine": found.engine.name,
        "operation": found.operation,
        "state": found.state,
        "on_failure": found.on_failure,
        "parallel": found.parallel,
        "writes_per_second": found.writes_per_second,
        "members": sum(found.counts.values()),
        "counts": dict(found.counts),
        "restores": found.restores,
        "flow_id": found.flow_id,
        "operator": found.operator,
        "canceled_by": found.canceled_by,
        "cancel_reason": found.cancel_reason,
        "created_at": found.created_at,
        "finished_at": found.finished_at,
    }


def shown_value(shown: "ChangeSetShown") -> dict[str, Any]:
    members = [_member(one, shown.back.get(one.workflow_code)) for one in shown.members]
    return set_value(shown.change_set) | {"restored_by": shown.by, "members": members}


def _member(one: "Member", back: "Member | None") -> dict[str, Any]:
    return {
        "workflow_code": one.workflow_code,
        "wave": one.wave,
        "version_no": one.version_no,
        "state": one.state,
        "phase": one.phase,
        "publish_record": one.record_id,
        "writes": one.steps,
        "reason": one.reason,
        "brought_back": None if back is None else back.state,
        "brought_back_by": None if back is None else back.record_id,
        "brought_back_reason": None if back is None else back.reason,
    }


def shown_blocks(shown: "ChangeSetShown") -> list[Block]:
    found = shown.change_set
    pairs: list[tuple[str, object]] = [
        ("change set", found.id),
        ("what", f"{found.operation} on {found.engine.name}, on failure: {found.on_failure}"),
        ("state", found.state),
        ("by", found.operator),
    ]
    if found.canceled_by is not None:
        pairs.append(("canceled", f"by {found.canceled_by}: {found.cancel_reason}"))
    if found.restores is not None:
        pairs.append(("brings back", f"change set {found.restores}"))
    if shown.by is not None:
        pairs.append(("brought back by", f"change set {shown.by}"))
    return [fields(pairs), Table(_MEMBER, [_line(one, shown.back.get(one.workflow_code)) for one in shown.members])]


def _line(one: "Member", back: "Member | None") -> tuple[object, ...]:
    reasons = [one.reason, None if back is None else back.reason]
    return (
        one.wave,
        one.workflow_code,
        None if one.version_no is None else f"V{one.version_no}",
        one.state,
        one.steps,
        one.record_id,
        None if back is None else back.state,
        "; ".join(reason for reason in reasons if reason) or None,
    )


def plan_blocks(plan: "ChangePlan") -> list[Block]:
    """A wave, a workflow, its steps."""
    members = list(plan.members)
    steps = sum(len(one.steps) for one in members)
    blocks: list[Block] = [
        f"plan: {plan.operation} of {len(members)} workflows on {plan.engine}, {len(plan.waves)} waves, {steps} steps"
    ]
    for number, wave in enumerate(plan.waves, 1):
        lines = [f"wave {number}"]
        for one in wave:
            lines.append(f"  {one.workflow_code} V{one.version_no}" + ("" if one.steps else ": nothing to do"))
            lines += [f"    {row['no']}. {row['text']}" for row in one.steps]
            lines += [f"    changes: {one.change_summary}"] if one.change_summary else []
            lines += [f"    warning: {warning}" for warning in one.warnings]
        blocks.append("\n".join(lines))
    return blocks
