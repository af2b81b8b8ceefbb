"""The three steps from the change feed to versions, one after the other. Each can be run alone, twice, or again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from wfgov_dagster.errors import DatabaseBusy
from wfgov_dagster.ports.store import Store
from wfgov_dagster.usecases.define_workflows import DefinitionReport, define_workflows
from wfgov_dagster.usecases.derive_dependencies import DependencyReport, derive_dependencies
from wfgov_dagster.usecases.propose import Proposed
from wfgov_dagster.usecases.save_versions import NewVersion, save_or_propose

T = TypeVar("T")
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class OrchestrationReport:
    dependencies: DependencyReport
    definitions: DefinitionReport
    versions: tuple[NewVersion, ...]
    candidates: tuple[Proposed, ...]


@dataclass(frozen=True, slots=True)
class Options:
    """`full`: derive everything again; memberships stay. `rebuild_above`: open changes from which that is quicker."""

    time_zone: str = "UTC"
    full: bool = False
    rebuild_above: int = 50_000


def orchestrate(store: Store, actor: str, options: Options) -> OrchestrationReport:
    """Bring dependencies, definitions and versions up to the metadata."""
    full = options.full
    dependencies = steadily(lambda: derive_dependencies(store, actor, full=full, rebuild_above=options.rebuild_above))
    definitions = steadily(lambda: define_workflows(store, actor, options.time_zone, full=full))
    saved = steadily(lambda: save_or_propose(store, actor, full=full))
    return OrchestrationReport(dependencies, definitions, saved.versions, saved.candidates)


def steadily(step: Callable[[], T]) -> T:
    """Again when somebody else wrote the same rows meanwhile: the step left nothing behind, and now sees theirs."""
    for _ in range(_TRIES - 1):
        try:
            return step()
        except DatabaseBusy:
            continue
    return step()
