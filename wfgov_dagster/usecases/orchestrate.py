"""The three steps from the change feed to versions, one after the other. Each can be run alone, twice, or again."""

from dataclasses import dataclass

from wfgov_dagster.ports.store import Store
from wfgov_dagster.usecases.define_workflows import DefinitionReport, define_workflows
from wfgov_dagster.usecases.derive_dependencies import DependencyReport, derive_dependencies
from wfgov_dagster.usecases.save_versions import NewVersion, save_versions


@dataclass(frozen=True, slots=True)
class OrchestrationReport:
    dependencies: DependencyReport
    definitions: DefinitionReport
    versions: tuple[NewVersion, ...]


@dataclass(frozen=True, slots=True)
class Options:
    """`full`: derive everything again; memberships stay. `rebuild_above`: open changes from which that is quicker."""

    time_zone: str = "UTC"
    full: bool = False
    rebuild_above: int = 50_000


def orchestrate(store: Store, actor: str, options: Options) -> OrchestrationReport:
    """Bring dependencies, definitions and versions up to the metadata."""
    dependencies = derive_dependencies(store, actor, full=options.full, rebuild_above=options.rebuild_above)
    definitions = define_workflows(store, actor, options.time_zone, full=options.full)
    versions = save_versions(store, actor, full=options.full)
    return OrchestrationReport(dependencies, definitions, versions)
