"""The store that the use cases see: transactions, each with its repositories.

A repository is imported when it is asked for: most need polars, which takes longer to load than a small command runs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import sqlalchemy as sa

from wfgov_dagster.store.db import Database

if TYPE_CHECKING:
    from wfgov_dagster.store.adoption import SqlAdoption
    from wfgov_dagster.store.alerts import SqlAlerts
    from wfgov_dagster.store.breakers import SqlBreakers
    from wfgov_dagster.store.calls import SqlCalls
    from wfgov_dagster.store.candidates import SqlCandidates
    from wfgov_dagster.store.catalogue import SqlCatalogue
    from wfgov_dagster.store.change_sets import SqlChangeSets
    from wfgov_dagster.store.checks import SqlChecks
    from wfgov_dagster.store.cross_edges import SqlCrossEdges
    from wfgov_dagster.store.derivation import SqlDerivation
    from wfgov_dagster.store.engines import SqlEngines
    from wfgov_dagster.store.flows import SqlFlows
    from wfgov_dagster.store.imports import SqlImports
    from wfgov_dagster.store.inspection import SqlInspections
    from wfgov_dagster.store.instances import SqlInstances
    from wfgov_dagster.store.leases import SqlLeases
    from wfgov_dagster.store.lineage import SqlLineage
    from wfgov_dagster.store.looks import SqlLooks
    from wfgov_dagster.store.memberships import SqlMemberships
    from wfgov_dagster.store.paces import SqlPaces
    from wfgov_dagster.store.pins import SqlPins
    from wfgov_dagster.store.publish_history import SqlPublishHistory
    from wfgov_dagster.store.publishing import SqlPublishing
    from wfgov_dagster.store.queries import SqlQueries
    from wfgov_dagster.store.records import SqlAudit, SqlFindings
    from wfgov_dagster.store.retention import SqlRetention
    from wfgov_dagster.store.snapshots import SqlSnapshots
    from wfgov_dagster.store.table_use import SqlTableUse
    from wfgov_dagster.store.version_history import SqlVersionHistory
    from wfgov_dagster.store.versions import SqlVersions
    from wfgov_dagster.store.workflows import SqlWorkflows


class SqlWork:
    """Repositories over one connection, made when they are asked for."""

    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    @cached_property
    def lineage(self) -> "SqlLineage":
        from wfgov_dagster.store.lineage import SqlLineage

        return SqlLineage(self._conn)

    @cached_property
    def derivation(self) -> "SqlDerivation":
        from wfgov_dagster.store.derivation import SqlDerivation

        return SqlDerivation(self._conn)

    @cached_property
    def workflows(self) -> "SqlWorkflows":
        from wfgov_dagster.store.workflows import SqlWorkflows

        return SqlWorkflows(self._conn)

    @cached_property
    def versions(self) -> "SqlVersions":
        from wfgov_dagster.store.versions import SqlVersions

        return SqlVersions(self._conn)

    @cached_property
    def version_history(self) -> "SqlVersionHistory":
        from wfgov_dagster.store.version_history import SqlVersionHistory

        return SqlVersionHistory(self._conn)

    @cached_property
    def snapshots(self) -> "SqlSnapshots":
        from wfgov_dagster.store.snapshots import SqlSnapshots

        return SqlSnapshots(self._conn)

    @cached_property
    def table_use(self) -> "SqlTableUse":
        from wfgov_dagster.store.table_use import SqlTableUse

        return SqlTableUse(self._conn)

    @cached_property
    def findings(self) -> "SqlFindings":
        from wfgov_dagster.store.records import SqlFindings

        return SqlFindings(self._conn)

    @cached_property
    def imports(self) -> "SqlImports":
        from wfgov_dagster.store.imports import SqlImports

        return SqlImports(self._conn)

    @cached_property
    def audit(self) -> "SqlAudit":
        from wfgov_dagster.store.records import SqlAudit

        return SqlAudit(self._conn)

    @cached_property
    def alerts(self) -> "SqlAlerts":
        from wfgov_dagster.store.alerts import SqlAlerts

        return SqlAlerts(self._conn)

    @cached_property
    def publishing(self) -> "SqlPublishing":
        from wfgov_dagster.store.publishing import SqlPublishing

        return SqlPublishing(self._conn)

    @cached_property
    def engines(self) -> "SqlEngines":
        from wfgov_dagster.store.engines import SqlEngines

        return SqlEngines(self._conn)

    @cached_property
    def history(self) -> "SqlPublishHistory":
        from wfgov_dagster.store.publish_history import SqlPublishHistory

        return SqlPublishHistory(self._conn)

    @cached_property
    def instances(self) -> "SqlInstances":
        from wfgov_dagster.store.instances import SqlInstances

        return SqlInstances(self._conn)

    @cached_property
    def leases(self) -> "SqlLeases":
        from wfgov_dagster.store.leases import SqlLeases

        return SqlLeases(self._conn)

    @cached_property
    def breakers(self) -> "SqlBreakers":
        from wfgov_dagster.store.breakers import SqlBreakers

        return SqlBreakers(self._conn)

    @cached_property
    def inspections(self) -> "SqlInspections":
        from wfgov_dagster.store.inspection import SqlInspections

        return SqlInspections(self._conn)

    @cached_property
    def flows(self) -> "SqlFlows":
        from wfgov_dagster.store.flows import SqlFlows

        return SqlFlows(self._conn)

    @cached_property
    def calls(self) -> "SqlCalls":
        from wfgov_dagster.store.calls import SqlCalls

        return SqlCalls(self._conn)

    @cached_property
    def change_sets(self) -> "SqlChangeSets":
        from wfgov_dagster.store.change_sets import SqlChangeSets

        return SqlChangeSets(self._conn)

    @cached_property
    def looks(self) -> "SqlLooks":
        from wfgov_dagster.store.looks import SqlLooks

        return SqlLooks(self._conn)

    @cached_property
    def paces(self) -> "SqlPaces":
        from wfgov_dagster.store.paces import SqlPaces

        return SqlPaces(self._conn)

    @cached_property
    def cross_edges(self) -> "SqlCrossEdges":
        from wfgov_dagster.store.cross_edges import SqlCrossEdges

        return SqlCrossEdges(self._conn)

    @cached_property
    def adoption(self) -> "SqlAdoption":
        from wfgov_dagster.store.adoption import SqlAdoption

        return SqlAdoption(self._conn)

    @cached_property
    def retention(self) -> "SqlRetention":
        from wfgov_dagster.store.retention import SqlRetention

        return SqlRetention(self._conn)

    @cached_property
    def pins(self) -> "SqlPins":
        from wfgov_dagster.store.pins import SqlPins

        return SqlPins(self._conn)

    @cached_property
    def candidates(self) -> "SqlCandidates":
        from wfgov_dagster.store.candidates import SqlCandidates

        return SqlCandidates(self._conn)

    @cached_property
    def memberships(self) -> "SqlMemberships":
        from wfgov_dagster.store.memberships import SqlMemberships

        return SqlMemberships(self._conn)

    @cached_property
    def catalogue(self) -> "SqlCatalogue":
        from wfgov_dagster.store.catalogue import SqlCatalogue

        return SqlCatalogue(self._conn)

    @cached_property
    def checks(self) -> "SqlChecks":
        from wfgov_dagster.store.checks import SqlChecks

        return SqlChecks(self._conn)

    @cached_property
    def queries(self) -> "SqlQueries":
        from wfgov_dagster.store.queries import SqlQueries

        return SqlQueries(self._conn)


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
