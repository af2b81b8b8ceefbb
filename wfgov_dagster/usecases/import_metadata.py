"""Bring a source's metadata up to what it says now, in one transaction; importing twice changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wfgov_dagster.errors import ImportRefused
from wfgov_dagster.ports.metadata import BadRow, ImportBatch
from wfgov_dagster.ports.store import Store, Work

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Counted:
    added: int = 0
    changed: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class ImportReport:
    """`counted` by metadata table; `bad` rows were left out."""

    source: str
    counted: Mapping[str, Counted]
    bad: tuple[BadRow, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    @property
    def changes(self) -> int:
        return sum(one.added + one.changed + one.removed for one in self.counted.values())


def import_metadata(
    store: Store, actor: str, source: str, batch: ImportBatch, *, skip_bad: bool = False
) -> ImportReport:
    """Merge; rows of the source that are gone are soft-deleted, rows of other sources are never touched.

    Raises ImportRefused with every bad row unless `skip_bad`; nothing is merged then.
    """
    try:
        with store.write() as work:
            foreign = _foreign_tasks(work, source, batch)
            bad = (*batch.bad, *(BadRow(source, 0, f"task {code!r} belongs to {by}") for code, by in foreign.items()))
            if bad and not skip_bad:
                raise _refused(source, bad)
            merged = work.imports.merge(source, batch, without=frozenset(foreign))
            report = ImportReport(
                source, {table: Counted(*counts) for table, counts in merged.items()}, bad, tuple(batch.warnings)
            )
            if report.changes:
                work.audit.add(actor, "import", ("source", source), {"changes": report.changes, "bad": len(bad)})
            return report
    except ImportRefused as refusal:
        with store.write() as work:
            work.audit.add(actor, "import", ("source", source), {"error": str(refusal)}, refused=True)
        raise


def _foreign_tasks(work: Work, source: str, batch: ImportBatch) -> dict[str, str]:
    """Tasks of the batch that another source brought: task code → source."""
    owners = work.imports.task_owners([task.code for task in batch.tasks])
    return {code: owner for code, owner in sorted(owners.items()) if owner != source}


def _refused(source: str, bad: tuple[BadRow, ...]) -> ImportRefused:
    shown = "; ".join(f"{one.file}:{one.line}: {one.reason}" for one in bad[:_SHOWN])
    more = f"; … and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
    return ImportRefused(
        f"{len(bad)} bad rows, nothing was imported: {shown}{more}",
        where=f"source {source}",
        hint="mend them, or leave them out with --skip-bad",
    )
