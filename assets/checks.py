"""Asset checks: one for each question that check_estate knows, and `drift`, which asks the engines."""

import dagster as dg

from resources import keys
from resources.store import StoreResource
from wfgov_dagster.ops import inspect
from wfgov_dagster.ops.actor import actor_of
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


@dg.asset_check(asset=keys.ENGINE_DEPLOYMENTS, name=inspect.CHECK, description=inspect.DESCRIPTION)
def drift_check(context: dg.AssetCheckExecutionContext, store: StoreResource) -> dg.AssetCheckResult:
    with as_dagster_failure():
        return inspect.result(inspect.inspection(store, actor_of(context.run.tags), None, None))
