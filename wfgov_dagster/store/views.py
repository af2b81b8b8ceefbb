"""Views: their text is in sql/views, the same for both databases."""

from collections.abc import Iterator

from wfgov_dagster.settings import CHECKOUT

NAMES = ("data_task_governed", "workflow_edge_version", "workflow_task_version")


def text(name: str) -> str:
    return (CHECKOUT / "sql" / "views" / f"{name}.sql").read_text(encoding="utf-8")


def create_statements() -> Iterator[str]:
    for name in NAMES:
        yield text(name)


def drop_statements() -> Iterator[str]:
    for name in reversed(NAMES):
        yield f"DROP VIEW IF EXISTS {name}"
