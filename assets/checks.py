"""Asset checks: one for each question that check_estate knows."""

import dagster as dg

from resources.store import StoreResource
from wfgov_dagster.ops.failures import as_dagster_failure
from wfgov_dagster.ops.verdicts import CHECKED, result
from wfgov_dagster.usecases.check_estate import QUESTIONS, check_estate


def _check(name: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=CHECKED[name], name=name, description=QUESTIONS[name].description)
    def ask(store: StoreResource) -> dg.AssetCheckResult:
        with as_dagster_failure():
            return result(check_estate(store.open(), name))

    return ask


estate_checks = [_check(name) for name in QUESTIONS]
