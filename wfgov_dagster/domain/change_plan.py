"""The plan of a change set as a document: what would be done, on which versions, and what the engine was seen to hold.

Its hash is in it, so that a plan that was edited is known; and it is compared with a plan made anew, so that one that
no longer holds is known, too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from wfgov_dagster.domain import snapshot
from wfgov_dagster.domain.plan import schedule_row
from wfgov_dagster.domain.publish import Live, Operation
from wfgov_dagster.errors import InvalidInput

FORMAT: Final = "wfgov-plan-1"
ABSENT: Final = "absent"  # digest of what an engine holds that does not know the workflow


@dataclass(frozen=True, slots=True)
class PlannedMember:
    """`observed`: digest of what the engine held. `steps`: rows of plan.py. `warnings`: see preview_publish."""

    workflow_code: str
    version_no: int
    content_hash: str
    observed: str
    steps: Sequence[Mapping[str, object]]
    change_summary: str
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ChangePlan:
    engine: str
    operation: Operation
    waves: Sequence[Sequence[PlannedMember]]

    @property
    def members(self) -> Iterator[PlannedMember]:
        for wave in self.waves:
            yield from wave


def observed_digest(live: Live | None) -> str:
    """The same for the same definition, schedule and release."""
    if live is None:
        return ABSENT
    release = {"online": live.online, "schedule_online": live.schedule_online, "schedule": schedule_row(live.schedule)}
    return snapshot.digest(snapshot.document(live.definition) + snapshot.canonical(release))


def document(plan: ChangePlan) -> dict[str, Any]:
    told: dict[str, Any] = {
        "format": FORMAT,
        "engine": plan.engine,
        "operation": str(plan.operation),
        "waves": [[asdict(one) for one in wave] for wave in plan.waves],
    }
    return told | {"hash": _hash(told)}


def _hash(told: Mapping[str, object]) -> str | None:
    """Of all but the hash; None for what no plan holds."""
    try:
        return snapshot.digest(snapshot.canonical({name: value for name, value in told.items() if name != "hash"}))
    except InvalidInput:
        return None


def parse(told: object) -> tuple[ChangePlan, str]:
    """The plan and its hash. Raises InvalidInput for what is no plan, or is not as it was written."""
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise InvalidInput(f"it is no plan of format {FORMAT}", where="plan", hint="make one: wfgov plan -o plan.json")
    if told.get("hash") is None or told["hash"] != _hash(told):
        hint = "a plan is applied as it was written, or made anew: wfgov plan -o plan.json"
        raise InvalidInput("it was changed after it was written: its hash does not fit", where="plan", hint=hint)
    try:
        waves = [[PlannedMember(**one) for one in wave] for wave in told["waves"]]
        return ChangePlan(told["engine"], Operation(told["operation"]), waves), str(told["hash"])
    except (KeyError, TypeError, ValueError) as exc:
        raise InvalidInput(f"it cannot be read: {exc}", where="plan", hint="make it anew") from exc


def moved(plan: ChangePlan, now: ChangePlan, *, in_waves: bool = True) -> dict[str, str]:
    """Workflow → what is not as the plan saw it. `now`: the plan made anew, of all its members if `in_waves`."""
    found: dict[str, str] = {}
    anew = {one.workflow_code: (number, one) for number, wave in enumerate(now.waves, 1) for one in wave}
    for number, wave in enumerate(plan.waves, 1):
        for one in wave:
            wave_now, member = anew.get(one.workflow_code, (number, one))
            reasons = list(_moved(one, member))
            if in_waves and wave_now != number:
                reasons.append(f"its wave is {wave_now}, not {number}: the platform's dependencies moved")
            if reasons:
                found[one.workflow_code] = ", ".join(reasons)
    return found


def _moved(one: PlannedMember, now: PlannedMember) -> Iterator[str]:
    if (now.version_no, now.content_hash) != (one.version_no, one.content_hash):
        yield f"the platform moved from V{one.version_no} to V{now.version_no}"
    elif now.observed != one.observed:
        yield "the engine holds something else"
    elif [row["text"] for row in now.steps] != [row["text"] for row in one.steps]:
        yield "other steps would be taken"
