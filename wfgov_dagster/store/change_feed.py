"""The change feed: triggers over the metadata and the declarations, made by this one function for both databases."""

from collections.abc import Iterator

# table → columns whose former values an update or delete has to tell: they say what lost an edge
WATCHED = {
    "data_task": (),
    "data_table": (),
    "data_lineage": ("task_id", "upstream_table_id", "downstream_table_id"),
    "table_task_relation": ("table_id", "task_id"),
    "task_workflow_declaration": ("task_id",),
    "task_dependency_declaration": ("task_id", "upstream_task_id"),
    "workflow_settings_declaration": ("workflow_code",),
}
ACTIONS = ("insert", "update", "delete")


def trigger_name(table: str, action: str) -> str:
    return f"feed_{table}_{action}"


def create_statements(dialect: str) -> Iterator[str]:
    """DDL that makes all triggers. `dialect`: sqlite or postgresql."""
    for table, keys in WATCHED.items():
        for action in ACTIONS:
            yield from (_sqlite if dialect == "sqlite" else _postgresql)(table, action, keys)


def drop_statements(dialect: str) -> Iterator[str]:
    for table in WATCHED:
        for action in ACTIONS:
            name = trigger_name(table, action)
            if dialect == "sqlite":
                yield f"DROP TRIGGER IF EXISTS {name}"
            else:
                yield f"DROP TRIGGER IF EXISTS {name} ON {table}"
                yield f"DROP FUNCTION IF EXISTS {name}()"


def _sqlite(table: str, action: str, keys: tuple[str, ...]) -> Iterator[str]:
    row = "OLD" if action == "delete" else "NEW"
    before = f"json_array({', '.join(f'OLD.{key}' for key in keys)})" if keys and action != "insert" else "NULL"
    yield (
        f"CREATE TRIGGER {trigger_name(table, action)} AFTER {action.upper()} ON {table} BEGIN "
        "INSERT INTO metadata_change (table_name, row_id, action, before, changed_at) VALUES "
        f"('{table}', {row}.id, '{action}', {before}, strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'); END"
    )


def _postgresql(table: str, action: str, keys: tuple[str, ...]) -> Iterator[str]:
    """A trigger a statement, not a row: an import of a million rows writes its changes in one go."""
    name = trigger_name(table, action)
    listed = ", ".join(f"o.{key}" for key in keys)
    before = f"json_build_array({listed})::text" if keys and action != "insert" else "NULL"
    source = {
        "insert": "new_rows AS o",
        "update": "new_rows AS n JOIN old_rows AS o ON o.id = n.id",
        "delete": "old_rows AS o",
    }[action]
    referencing = {
        "insert": "REFERENCING NEW TABLE AS new_rows",
        "update": "REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows",
        "delete": "REFERENCING OLD TABLE AS old_rows",
    }[action]
    yield (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO metadata_change (table_name, row_id, action, before, changed_at) "
        f"SELECT '{table}', o.id, '{action}', {before}, clock_timestamp() FROM {source} ORDER BY o.id; "
        "RETURN NULL; END $$"
    )
    yield (
        f"CREATE TRIGGER {name} AFTER {action.upper()} ON {table} {referencing} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
    )
