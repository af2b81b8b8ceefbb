"""Verdicts over the estate as Dagster's asset checks."""

from collections.abc import Iterator, Mapping
from typing import Final

import dagster as dg

from resources import keys
from wfgov_dagster.ops import present
from wfgov_dagster.ports.store import Store
from wfgov_dagster.usecases.check_estate import QUESTIONS, Verdict, check_estate

CHECKED: Final[Mapping[str, dg.AssetKey]] = {
    "no_cycle": keys.TASK_DEPENDENCY_VIEW,
    "one_task_one_workflow": keys.WORKFLOW_DEFINITIONS,
    "counts_agree": keys.WORKFLOW_DEFINITIONS,
    "cross_workflow_edges_confirmed": keys.WORKFLOW_DEFINITIONS,
}


def result(verdict: Verdict) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.ERROR if verdict.question.blames else dg.AssetCheckSeverity.WARN,
        description=f"{verdict.count} {verdict.question.offenders}",
        metadata={"count": verdict.count, "first": present.table(verdict.rows)},
    )


def evaluations(store: Store) -> Iterator[dg.AssetCheckEvaluation]:
    """All of them, for a run that is no asset's own."""
    for name in QUESTIONS:
        told = result(check_estate(store, name))
        yield dg.AssetCheckEvaluation(
            asset_key=CHECKED[name],
            check_name=name,
            passed=told.passed,
            severity=told.severity,
            description=told.description,
            metadata=told.metadata,
        )
