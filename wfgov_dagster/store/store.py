"""The store that the use cases see: transactions, each with its repositories."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import sqlalchemy as sa

from wfgov_dagster.store.db import Database
from wfgov_dagster.store.derivation import SqlDerivation
from wfgov_dagster.store.imports import SqlImports
from wfgov_dagster.store.lineage import SqlLineage
from wfgov_dagster.store.records import SqlAudit, SqlFindings
from wfgov_dagster.store.versions import SqlVersions
from wfgov_dagster.store.workflows import SqlWorkflows


class SqlWork:
    """Repositories over one connection, made when they are asked for."""

    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    @cached_property
    def lineage(self) -> SqlLineage:
        return SqlLineage(self._conn)

    @cached_property
    def derivation(self) -> SqlDerivation:
        return SqlDerivation(self._conn)

    @cached_property
    def workflows(self) -> SqlWorkflows:
        return SqlWorkflows(self._conn)

    @cached_property
    def versions(self) -> SqlVersions:
        return SqlVersions(self._conn)

    @cached_property
    def findings(self) -> SqlFindings:
        return SqlFindings(self._conn)

    @cached_property
    def imports(self) -> SqlImports:
        return SqlImports(self._conn)

    @cached_property
    def audit(self) -> SqlAudit:
        return SqlAudit(self._conn)


class SqlStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def read(self) -> Iterator[SqlWork]:
        with self._database.read() as conn:
            yield SqlWork(conn)

    @contextmanager
    def write(self) -> Iterator[SqlWork]:
        with self._database.write() as conn:
            yield SqlWork(conn)
