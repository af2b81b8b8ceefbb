"""`python -m wfgov_dagster.execute JOB`: run one job in this process, in the history of $DAGSTER_HOME.

Reads {"run_id": …, "config": …, "tags": …} from stdin. Exit code 0 = success. The adapter of the port Runs starts it.
"""

import json
import sys

import dagster as dg

from wfgov_dagster.definitions import defs


def main() -> int:
    asked = json.load(sys.stdin)
    with dg.DagsterInstance.get() as instance:
        result = defs.resolve_job_def(sys.argv[1]).execute_in_process(
            instance=instance,
            run_id=asked["run_id"],
            run_config=asked["config"],
            tags=asked["tags"],
            raise_on_error=False,
        )
    return 0 if result.success else 1


if __name__ == "__main__":
    sys.exit(main())
