"""`make bench`: our derivation against pandas + networkx in the same run, and one changed row; compare, flows, storage.

Each full derivation runs in a process of its own, so that its peak memory is its own; results have to be equal.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from tests.bench import compare, estate, flows, ours, plain, storage
from tests.bench.alone import alone
from wfgov_dagster.settings import CHECKOUT
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.store import SqlStore
from wfgov_dagster.usecases.orchestrate import Options, orchestrate

SIZES = (10_000, 100_000, 1_000_000)
INCREMENTAL_UP_TO = 100_000
EDITS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="tasks; none: no derivation")
    parser.add_argument("--runs", type=int, default=3, help="runs of each; the median counts")
    parser.add_argument("--versions", type=int, default=1000, help="of the workflow whose bytes are measured")
    parser.add_argument("--edits", type=int, default=100, help="sent to a real DolphinScheduler; 0: none")
    arguments = parser.parse_args()
    print("full derivation in memory: read, dependencies and their evidence, levels, memberships, documents, hashes")
    print(f"{'tasks':>9} {'edges':>9} {'pandas s':>9} {'ours s':>8} {'ratio':>6} {'pandas MB':>10} {'ours MB':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for size in arguments.sizes:
            file = Path(folder) / f"{size}.db"
            estate.build(file, size)
            _full(file, size, arguments.runs)
        print("\nthe use case with all its writes on SQLite: first run, full again, one lineage row changed")
        print(f"{'tasks':>9} {'first s':>8} {'full s':>8} {'one row ms':>10} {'slowest':>8} {'full / row':>11}")
        for size in arguments.sizes:
            if size <= INCREMENTAL_UP_TO:
                _incremental(Path(folder) / f"{size}.db", size)
        print("\nprocessor time of small commands, best of five")
        _commands(Path(folder))
        compare.report(Path(folder), arguments.runs)
        flows.report(Path(folder), arguments.runs)
        storage.report(Path(folder), arguments.versions, arguments.edits)


def _commands(folder: Path) -> None:
    """Processor time of small commands, the best of five, on the imported sample."""
    environment = {**os.environ, "WFGOV_HOME": str(folder / "home"), "WFGOV_DATABASE_URL": ""}
    wfgov = str(CHECKOUT / ".venv" / "bin" / "wfgov")
    for arguments in (("import", "csv", str(CHECKOUT / "sql" / "samples" / "bigquery-etl")), ("orchestrate",)):
        subprocess.run((wfgov, *arguments), env=environment, check=True, capture_output=True)
    for arguments in (("--help",), ("workflow", "show", "bqetl_main_summary"), ("workflow", "list")):
        spent = []
        for _ in range(5):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run((wfgov, *arguments), env=environment, check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        print(f"{min(spent):>6.2f} s  wfgov {' '.join(arguments)}")


def _full(file: Path, size: int, runs: int) -> None:
    theirs = [alone(plain.derive, str(file)) for _ in range(1 if size > INCREMENTAL_UP_TO else runs)]
    mine = [alone(ours.derive, str(file)) for _ in range(runs)]
    if theirs[0].result != mine[0].result:
        raise SystemExit(f"{size} tasks: the two results differ")
    slow, quick = (statistics.median(one.seconds for one in many) for many in (theirs, mine))
    print(f"{size:>9} {mine[0].edges:>9} {slow:>9.2f} {quick:>8.2f} {slow / quick:>5.1f}x"
          f" {theirs[0].peak_mb:>10} {mine[0].peak_mb:>8}", flush=True)  # fmt: skip


def _incremental(file: Path, size: int) -> None:
    work = file.with_suffix(".run.db")
    shutil.copy(file, work)
    database = Database(f"sqlite:///{work}")
    store = SqlStore(database)
    first = _seconds(lambda: orchestrate(store, "bench", Options(full=True)))
    again = _seconds(lambda: orchestrate(store, "bench", Options(full=True)))
    rows = []
    for edit in range(EDITS):
        reader, read = size - edit * 7, 1 + edit * 13
        with database.write() as conn:
            conn.execute(
                sa.text("INSERT INTO data_lineage (task_id, upstream_table_id) VALUES (:t, :u)"),
                {"t": reader, "u": read},
            )
        rows.append(1000 * _seconds(lambda: orchestrate(store, "bench", Options())))
    database.dispose()
    middle = statistics.median(rows)
    print(f"{size:>9} {first:>8.2f} {again:>8.2f} {middle:>10.1f} {max(rows):>8.1f} {1000 * again / middle:>10.0f}x",
          flush=True)  # fmt: skip


def _seconds(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
