"""The change feed: triggers over the metadata and the declarations, made by this one function for both databases."""

from collections.abc import Iterator, Mapping

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
NODES = {"task_node_declaration": ("task_id",)}  # watched since the migration of adoption; WATCHED since 0001
Keys = Mapping[str, tuple[str, ...]]
ACTIONS = ("insert", "update", "delete")


def trigger_name(table: str, action: str) -> str:
    return f"feed_{table}_{action}"


def create_statements(dialect: str, watched: Keys = WATCHED) -> Iterator[str]:
    """DDL that makes all triggers of these tables. `dialect`: sqlite or postgresql."""
    for table, keys in watched.items():
        for action in ACTIONS:
            yield from (_sqlite if dialect == "sqlite" else _postgresql)(table, action, keys)
        if dialect == "postgresql":
            yield from _truncate(table, keys)


def drop_statements(dialect: str, watched: Keys = WATCHED) -> Iterator[str]:
    for table in watched:
        for action in (*ACTIONS, "truncate"):
            name = trigger_name(table, action)
            if dialect == "sqlite":
                yield f"DROP TRIGGER IF EXISTS {name}"
            else:
                yield f"DROP TRIGGER IF EXISTS {name} ON {table}"
                yield f"DROP FUNCTION IF EXISTS {name}()"


def _sqlite(table: str, action: str, keys: tuple[str, ...]) -> Iterator[str]:
    """A row whose id changed is told under both: its former keys with the new one, and that it is gone from the old."""
    row = "OLD" if action == "delete" else "NEW"
    before = f"json_array({', '.join(f'OLD.{key}' for key in keys)})" if keys and action != "insert" else "NULL"
    at = "strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'"
    into = "INSERT INTO metadata_change (table_name, row_id, action, before, changed_at)"
    moved = f"{into} SELECT '{table}', OLD.id, 'update', NULL, {at} WHERE OLD.id <> NEW.id; "
    yield (
        f"CREATE TRIGGER {trigger_name(table, action)} AFTER {action.upper()} ON {table} BEGIN "
        f"{into} VALUES ('{table}', {row}.id, '{action}', {before}, {at}); {moved if action == 'update' else ''}END"
    )


def _postgresql(table: str, action: str, keys: tuple[str, ...]) -> Iterator[str]:
    """A trigger a statement, not a row: an import of a million rows writes its changes in one go."""
    before = _before(keys) if action != "insert" else "NULL"
    row, source, referencing = {
        "insert": ("o.id", "new_rows AS o", "REFERENCING NEW TABLE AS new_rows"),
        "update": (
            "coalesce(n.id, o.id)",  # a changed id has no partner: it is told under both
            "new_rows AS n FULL JOIN old_rows AS o ON o.id = n.id",
            "REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows",
        ),
        "delete": ("o.id", "old_rows AS o", "REFERENCING OLD TABLE AS old_rows"),
    }[action]
    name = trigger_name(table, action)
    yield _function(name, table, f"{row}, '{action}', {before}", source)
    yield (
        f"CREATE TRIGGER {name} AFTER {action.upper()} ON {table} {referencing} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
    )


def _truncate(table: str, keys: tuple[str, ...]) -> Iterator[str]:
    """TRUNCATE hands over no rows; before it they are still there."""
    name = trigger_name(table, "truncate")
    yield _function(name, table, f"o.id, 'delete', {_before(keys)}", f"{table} AS o")
    yield f"CREATE TRIGGER {name} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {name}()"


def _function(name: str, table: str, selected: str, source: str) -> str:
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO metadata_change (table_name, row_id, action, before, changed_at) "
        f"SELECT '{table}', {selected}, clock_timestamp() FROM {source} ORDER BY 2; RETURN NULL; END $$"
    )


def _before(keys: tuple[str, ...]) -> str:
    if not keys:
        return "NULL"
    return f"CASE WHEN o.id IS NOT NULL THEN json_build_array({', '.join(f'o.{key}' for key in keys)})::text END"
