"""The ledger `metadata_import`: which row of a metadata table is which row of a source.

Each row has a natural key in its source and a hash of what the source says of it. Equal hash: nothing is written, so
the change feed stays empty. A row that is gone is soft-deleted and keeps its id, so that it can come back as itself.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from wfgov_dagster.store.among import among
from wfgov_dagster.store.schema.given import metadata_import
from wfgov_dagster.store.writes import run_many

GONE = ""  # row_hash of a row that its source no longer has
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A metadata table. `own`: columns that find a row nobody imported; `soft`: rows are marked, not removed."""

    table: sa.Table
    own: tuple[str, ...] = ()
    soft: bool = True


class Merging:
    """One import. Rows that others brought are found by their own columns and are used, not changed. Not `removing`:
    rows of the source that are not wanted stay."""

    def __init__(self, conn: sa.Connection, source: str, *, removing: bool = True) -> None:
        self._conn = conn
        self.source = source
        self._removing = removing
        self.counted: dict[str, tuple[int, int, int]] = {}

    def ids(self, kind: Kind, name: sa.ColumnElement[str]) -> dict[str, int]:
        query = sa.select(name, kind.table.c.id)
        return {row[0]: row[1] for row in self._conn.execute(query)}

    def rows(self, kind: Kind, wanted: Mapping[str, Values], *, removing: bool = True) -> dict[str, int]:
        """Make the source's rows of this table be `wanted` (natural key → columns).

        Returns the rows (natural key → id) that it has no longer; without `removing` they are still there.
        """
        ledger = self._ledger(kind)
        hashes = {key: _hash(values) for key, values in wanted.items()}
        new = [key for key in wanted if key not in ledger]
        strangers = self._strangers(kind, [wanted[key] for key in new])
        added = [key for key in new if _own(kind, wanted[key]) not in strangers]
        changed = [key for key, old in ledger.items() if key in wanted and old[1] != hashes[key]]
        unlisted = {key: old[0] for key, old in ledger.items() if key not in wanted and old[1] != GONE}
        self._insert(kind, {key: wanted[key] for key in added}, hashes)
        self._update(kind, {ledger[key][0]: wanted[key] for key in changed})
        self._note(kind, {key: hashes[key] for key in changed})
        back = sum(1 for key in changed if ledger[key][1] == GONE)
        self.counted[kind.table.name] = (len(added) + back, len(changed) - back, 0)
        if removing and self._removing:
            self.remove(kind, unlisted)
        return unlisted

    def remove(self, kind: Kind, rows: Mapping[str, int]) -> None:
        """Rows (natural key → id) that the source has no longer."""
        self._remove(kind, list(rows.values()))
        if kind.soft:
            self._note(kind, dict.fromkeys(rows, GONE))
        else:
            self._forget(kind, list(rows.values()))
        added, changed, _ = self.counted[kind.table.name]
        self.counted[kind.table.name] = (added, changed, len(rows))

    def _ledger(self, kind: Kind) -> dict[str, tuple[int, str]]:
        """Natural key → id and hash of the row; what somebody else deleted counts as gone, or is forgotten for good."""
        ledger, table = metadata_import.c, kind.table.c
        deleted = table.deleted if kind.soft else sa.literal_column("0")
        query = (
            sa.select(ledger.natural_key, ledger.row_id, ledger.row_hash, table.id, deleted)
            .select_from(metadata_import)
            .outerjoin(kind.table, table.id == ledger.row_id)
            .where(self._mine(kind))
        )
        found = self._conn.execute(query).all()
        self._forget(kind, [row[1] for row in found if row[3] is None])
        return {row[0]: (row[1], GONE if row[4] else row[2]) for row in found if row[3] is not None}

    def _strangers(self, kind: Kind, rows: Iterable[Values]) -> set[tuple[Any, ...]]:
        """Rows that are there although this source did not bring them."""
        if not kind.own:
            return set()
        columns = [kind.table.c[name] for name in kind.own]
        wanted = {row[kind.own[-1]] for row in rows}
        query = sa.select(*columns).where(among(self._conn, columns[-1], wanted))
        return {tuple(row) for row in self._conn.execute(query)}

    def _insert(self, kind: Kind, rows: Mapping[str, Values], hashes: Mapping[str, str]) -> None:
        highest = sa.select(sa.func.coalesce(sa.func.max(kind.table.c.id), 0))
        before = int(self._conn.scalar(highest) or 0)
        run_many(self._conn, sa.insert(kind.table), list(rows.values()))
        query = sa.select(kind.table.c.id).where(kind.table.c.id > before).order_by(kind.table.c.id)
        ids = list(self._conn.scalars(query))
        run_many(
            self._conn,
            sa.insert(metadata_import),
            [
                {
                    "source": self.source,
                    "table_name": kind.table.name,
                    "row_id": row_id,
                    "natural_key": key,
                    "row_hash": hashes[key],
                }
                for row_id, key in zip(ids, rows, strict=True)
            ],
        )

    def _update(self, kind: Kind, rows: Mapping[int, Values]) -> None:
        if not rows:
            return
        names = list(next(iter(rows.values())))
        extra = {"deleted": 0, "updated_at": sa.func.current_timestamp()} if kind.soft else {}
        statement = (
            sa.update(kind.table)
            .where(kind.table.c.id == sa.bindparam("row"))
            .values({name: sa.bindparam(f"v_{name}") for name in names} | extra)
        )
        run_many(
            self._conn,
            statement,
            [{"row": row, **{f"v_{name}": values[name] for name in names}} for row, values in rows.items()],
        )

    def _remove(self, kind: Kind, ids: Collection[int]) -> None:
        if not ids:
            return
        chosen = among(self._conn, kind.table.c.id, ids)
        if kind.soft:
            mark = sa.update(kind.table).where(chosen, kind.table.c.deleted == 0)
            self._conn.execute(mark.values(deleted=1, updated_at=sa.func.current_timestamp()))
        else:
            self._conn.execute(sa.delete(kind.table).where(chosen))

    def _note(self, kind: Kind, hashes: Mapping[str, str]) -> None:
        ledger = metadata_import.c
        mine = sa.and_(self._mine(kind), ledger.natural_key == sa.bindparam("k"))
        update = sa.update(metadata_import).where(mine).values(row_hash=sa.bindparam("h"))
        run_many(self._conn, update, [{"k": key, "h": row_hash} for key, row_hash in hashes.items()])

    def _forget(self, kind: Kind, ids: Collection[int]) -> None:
        if ids:
            chosen = among(self._conn, metadata_import.c.row_id, ids)
            self._conn.execute(sa.delete(metadata_import).where(self._mine(kind), chosen))

    def _mine(self, kind: Kind) -> sa.ColumnElement[bool]:
        ledger = metadata_import.c
        return sa.and_(ledger.source == self.source, ledger.table_name == kind.table.name)


def _own(kind: Kind, row: Values) -> tuple[Any, ...]:
    return tuple(row[name] for name in kind.own)


def _hash(values: Values) -> str:
    """A column that came later is left out while it is NULL: an upgrade alone changes no row."""
    values = {name: value for name, value in values.items() if name != "settings" or value is not None}
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()
