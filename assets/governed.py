"""The governed tables, so that lineage can be browsed; instances that wrote them mark them materialised."""

from resources import catalogue
from wfgov_dagster.settings import Settings

governed_tables = catalogue.load(Settings().catalogue())
