"""Job `inspect`: do the engines hold what was confirmed there? Its result is also the asset check `drift`."""

from typing import TYPE_CHECKING, Final

import dagster as dg
from pydantic import Field

from resources import keys
from resources.store import StoreResource
from wfgov_dagster.domain.diff import short
from wfgov_dagster.domain.drift import Difference, Severity
from wfgov_dagster.domain.redact import redact
from wfgov_dagster.ops import present
from wfgov_dagster.ops.actor import actor_of
from wfgov_dagster.ops.failures import as_dagster_failure

if TYPE_CHECKING:
    from wfgov_dagster.usecases.inspect_drift import Found, Inspection

CHECK: Final = "drift"
DESCRIPTION: Final = "Each engine holds what was last confirmed there, and that is the current version."
_LONG: Final = ("text", "extra", "parameters")  # fields that are not shown: too long, or nobody's business


class InspectConfig(dg.Config):
    workflows: list[str] = Field(default=[], description="Codes; empty = everything that the engines hold.")
    engine: str = Field(default="", description="Name of a registered engine; empty = each that they are on.")
    full: bool = Field(default=False, description="Look whole also at what the engine's list tells untouched.")


@dg.op(description="Ask each engine for its list; look whole at what is not as it was. Nothing is changed there.")
def inspect_engines(context: dg.OpExecutionContext, config: InspectConfig, store: StoreResource) -> None:
    actor = actor_of(context.run.tags)
    with as_dagster_failure(max_retries=3):
        found = inspection(store, actor, config.workflows or None, config.engine or None, whole=config.full)
    told = result(found)
    if not config.workflows and not config.engine:  # a part of the estate is no answer for the whole
        evaluation = dg.AssetCheckEvaluation(
            asset_key=keys.ENGINE_DEPLOYMENTS,
            check_name=CHECK,
            passed=told.passed,
            severity=told.severity,
            description=told.description,
            metadata=told.metadata,
        )
        context.log_event(evaluation)  # type: ignore[arg-type]  # Dagster takes it, only its annotation forgot it
    context.add_output_metadata(told.metadata)


@dg.job(
    name="inspect",
    description="Compare what the engines hold with what was confirmed there and with the current versions. What "
    "differs becomes a finding with its age; nothing is written to an engine. Schedule `inspection` starts it.",
    tags={"dagster/max_runtime": "3600"},
)
def inspect_job() -> None:
    inspect_engines()


def inspection(
    store: StoreResource, actor: str, codes: list[str] | None, engine: str | None, *, whole: bool = False
) -> "Inspection":
    from wfgov_dagster.usecases.inspect_drift import Scope, inspect_drift

    platform = store.platform
    scope = Scope(codes, engine, store.settings.default_engine, whole)
    return inspect_drift(platform.publisher(), actor, scope)


def result(found: "Inspection") -> dg.AssetCheckResult:
    """An engine that could not be seen is a warning: it is not known whether it differs."""
    differing = [one for one in found.findings if one.severity is not Severity.INFO]
    grave = any(one.severity is Severity.ERROR for one in differing)
    rows = [row for one in found.findings for row in _rows(one)]
    unseen = [
        {"engine": one.engine, "workflow": one.workflow_code or "all", "since": one.since, "why": one.message}
        for one in found.unseen
    ]
    return dg.AssetCheckResult(
        passed=not differing and not unseen,
        severity=dg.AssetCheckSeverity.ERROR if grave else dg.AssetCheckSeverity.WARN,
        description=_line(found, len(differing)),
        metadata={
            "count": len(differing),
            "compared": sum(one.workflows for one in found.engines),
            "findings": present.table(rows),
            "unknown": present.table(unseen),
        },
    )


def _line(found: "Inspection", count: int) -> str:
    workflows = len({(one.engine, one.workflow_code) for one in found.findings if one.severity is not Severity.INFO})
    told = f"{count} differences in {workflows} workflows" if count else "no difference"
    return told + (f"; {len(found.unseen)} could not be seen" if found.unseen else "")


def _rows(one: "Found") -> list[dict[str, object]]:
    about = {"workflow": one.workflow_code, "engine": one.engine, "class": one.kind.value, "severity": one.severity}
    end = {"since": "" if one.since is None else f"{one.since:%Y-%m-%d %H:%M}Z", "next": one.next_step}
    values = [_values(field) for field in one.differences] or [dict.fromkeys(("field", *_SIDES), "")]
    return [{**about, **each, **end} for each in values]


_SIDES: Final = ("confirmed", "current", "on the engine")


def _values(field: Difference) -> dict[str, object]:
    shown = not field.field.startswith(_LONG)
    sides = (field.confirmed, field.current, field.engine)
    told = [redact(short(one)) if shown else "…" for one in sides]
    return {"field": field.field, **dict(zip(_SIDES, told, strict=True))}
