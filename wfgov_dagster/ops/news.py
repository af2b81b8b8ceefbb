"""What Dagster has not been told yet. It is found by comparing, not by remembering: a derivation on the command line,
or a run that died before it could speak, is told by the next run."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final

import dagster as dg

from resources import keys, names
from wfgov_dagster.domain.redact import redact
from wfgov_dagster.ops import present
from wfgov_dagster.ports.catalogue import CurrentDefinition
from wfgov_dagster.ports.store import Store

WORKFLOWS: Final = str(keys.WORKFLOWS.name)
_DRAWN: Final = 100  # DAGs a run: a first run over a large estate would read every definition again
_SLICE: Final = 500
_FIRST: Final = "first version"
_NOT_COMPARED: Final = (
    f"not compared: more than {_DRAWN} new versions in one run; materialise this partition, or wfgov version diff"
)


def add_partitions(instance: dg.DagsterInstance, store: Store) -> set[str]:
    """One for each workflow that there is; returns those of no workflow."""
    with store.read() as work:
        wanted = {names.partition(one.workflow_code) for one in work.catalogue.current()}
    known = set(instance.get_dynamic_partitions(WORKFLOWS))
    instance.add_dynamic_partitions(WORKFLOWS, sorted(wanted - known))
    return known - wanted


def sync_partitions(instance: dg.DagsterInstance, store: Store) -> None:
    """One for each workflow that there is, and no other."""
    for gone in sorted(add_partitions(instance, store)):
        instance.delete_dynamic_partition(WORKFLOWS, gone)


def news(instance: dg.DagsterInstance, store: Store, default_engine: str) -> Iterator[dg.AssetMaterialization]:
    """One for each partition whose data version differs from what Dagster was told last."""
    with store.read() as work:
        revision, current = work.catalogue.revision(), work.catalogue.current()
    derivation = str(revision.derivation)
    told = instance.get_latest_materialization_event(keys.TASK_DEPENDENCY_VIEW)
    last = told.asset_materialization.tags if told is not None and told.asset_materialization is not None else {}
    if revision.derivation and (last or {}).get(keys.DATA_VERSION) != derivation:
        yield dg.AssetMaterialization(keys.TASK_DEPENDENCY_VIEW, tags={keys.DATA_VERSION: derivation})
    yield from _definitions(instance, current)
    yield from _versions(instance, store, current, default_engine)


def _definitions(
    instance: dg.DagsterInstance, current: Sequence[CurrentDefinition]
) -> Iterator[dg.AssetMaterialization]:
    known = _known(instance, keys.WORKFLOW_DEFINITIONS)
    for one in current:
        key = names.partition(one.workflow_code)
        version = f"{one.definition_hash} {'draft' if one.error else 'ready'}"
        if one.definition_hash is not None and known.get(key) != version:
            yield dg.AssetMaterialization(
                keys.WORKFLOW_DEFINITIONS,
                partition=key,
                metadata=definition_metadata(one),
                tags={keys.DATA_VERSION: version},
            )


def definition_metadata(one: CurrentDefinition) -> dict[str, dg.MetadataValue]:
    return {
        "workflow": dg.MetadataValue.text(one.workflow_code),
        "state": dg.MetadataValue.text("draft" if one.error else "ready"),
        "error": dg.MetadataValue.text(one.error or ""),
        "definition_hash": dg.MetadataValue.text(one.definition_hash or ""),
    }


def _versions(
    instance: dg.DagsterInstance, store: Store, current: Sequence[CurrentDefinition], default_engine: str
) -> Iterator[dg.AssetMaterialization]:
    known = _known(instance, keys.WORKFLOW_VERSIONS)
    new = [
        one
        for one in current
        if one.version_hash is not None and known.get(names.partition(one.workflow_code)) != one.version_hash
    ]
    for start in range(0, len(new), _SLICE):
        some = new[start : start + _SLICE]
        with store.read() as work:
            summaries = work.catalogue.change_summaries([one.workflow_code for one in some])
        for number, one in enumerate(some, start):
            summary, drawn = summaries[one.workflow_code], store if number < _DRAWN else None
            yield dg.AssetMaterialization(
                keys.WORKFLOW_VERSIONS,
                partition=names.partition(one.workflow_code),
                metadata=version_metadata(one, summary, drawn, default_engine),
                tags={keys.DATA_VERSION: str(one.version_hash)},
            )


def version_metadata(
    one: CurrentDefinition, summary: str, store: Store | None, default_engine: str
) -> dict[str, dg.MetadataValue]:
    """With its DAG, its class and what differs from the version before, if there is a store to read them from; else
    with how to see them."""
    told: dict[str, dg.MetadataValue] = {
        "workflow": dg.MetadataValue.text(one.workflow_code),
        "version": dg.MetadataValue.text(f"V{one.version_no}"),
        "change": dg.MetadataValue.md(present.text(summary)),
        "content_hash": dg.MetadataValue.text(one.version_hash or ""),
    }
    if store is None:
        told["class"] = dg.MetadataValue.text(_FIRST if one.version_no == 1 else _NOT_COMPARED)
    elif one.version_no is not None:
        with store.read() as work:
            definition = work.versions.definition(one.workflow_code, one.version_no)
        told["tasks"] = dg.MetadataValue.int(len(definition.tasks))
        told["edges"] = dg.MetadataValue.int(len(definition.edges))
        told["dag"] = present.dag(definition)
        told |= _difference(store, one.workflow_code, one.version_no, default_engine)
    return told


def _difference(store: Store, code: str, version_no: int, default_engine: str) -> dict[str, dg.MetadataValue]:
    """Without texts and values, which are for `wfgov version diff`."""
    from wfgov_dagster.domain.compare_text import lines, verdict
    from wfgov_dagster.usecases.compare_versions import Side, compare_in
    from wfgov_dagster.usecases.sql_nodes import dialect_for
    from wfgov_dagster.wiring import sql_reader

    dialect = dialect_for(store, code, default_engine)
    with store.read() as work:
        before = work.version_history.previous(code, version_no)
        if before is None:
            return {"class": dg.MetadataValue.text(_FIRST)}
        sides = Side(before), Side(version_no)
        found = compare_in(work, cache(lambda: sql_reader(dialect)), code, sides).comparison
    told = [*verdict(found), "", *lines(found, f"V{before}", f"V{version_no}", whole=False)]
    return {
        "class": dg.MetadataValue.text(found.verdict.change_class.value),
        "compared_with": dg.MetadataValue.text(f"V{before}"),
        "diff": present.preformatted(redact(line) for line in told),
    }


def _known(instance: dg.DagsterInstance, key: dg.AssetKey) -> Mapping[str, str]:
    """Partition → data version, as Dagster was told last."""
    found = instance.event_log_storage.get_latest_tags_by_partition(
        key, dg.DagsterEventType.ASSET_MATERIALIZATION, [keys.DATA_VERSION]
    )
    return {partition: tags[keys.DATA_VERSION] for partition, tags in found.items() if keys.DATA_VERSION in tags}
