"""Orchestrates again and again until it is killed. It says so once it can be: `python -m … URL`."""

import sys

from wfgov_dagster.store.db import Database
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases.orchestrate import Options, orchestrate


def main() -> None:
    store = SqlStore(Database(sys.argv[1]))
    orchestrate(store, "child", Options())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        orchestrate(store, "child", Options())


if __name__ == "__main__":
    main()
