"""The governed tables, so that lineage can be browsed; instances that wrote them mark them materialised.

The process of a run builds the definitions again only to find its job, and no step needs these: without them it starts
sooner, the more so the more tables there are.
"""

from dagster._core.definitions.definitions_load_context import (  # the one place that knows; it has no public name yet
    DefinitionsLoadContext,
    DefinitionsLoadType,
)

from resources import catalogue
from wfgov_dagster.settings import Settings

_for_a_run = DefinitionsLoadContext.get().load_type is DefinitionsLoadType.RECONSTRUCTION
governed_tables = [] if _for_a_run else catalogue.load(Settings().catalogue())
