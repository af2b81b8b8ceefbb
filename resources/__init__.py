"""What Dagster hands to assets, ops and sensors, and the names they share."""

import warnings

import dagster as dg

# Both are about Dagster's own parts: `backfill_policy` (a click on "all partitions" would be a run for each without it)
# is still called beta, and Dagster copies its sensors with a beta parameter that we do not give.
for _beta in ("Parameter `backfill_policy` of function `asset`", "Parameter `owners` of initializer `SensorDefinition"):
    warnings.filterwarnings("ignore", message=_beta, category=dg.BetaWarning)
