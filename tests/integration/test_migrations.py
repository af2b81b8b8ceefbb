"""Migrations make what the tables say, and undo it; a database that does not fit is left as it is."""

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from wfgov_dagster.errors import DatabaseMissing, DatabaseNewer, DatabaseOlder, StoreError
from wfgov_dagster.store import change_feed, migrate, views
from wfgov_dagster.store.db import Database
from wfgov_dagster.store.schema import metadata

POSTGRESQL = {  # everything that makes up a schema, as the catalogue tells it
    "column": """
        SELECT c.table_name, c.column_name, c.ordinal_position, c.data_type, c.character_maximum_length, c.is_nullable,
               c.column_default, c.collation_name, c.is_identity,
               col_description(format('%I', c.table_name)::regclass, c.ordinal_position)
        FROM information_schema.columns AS c WHERE c.table_schema = 'public'""",
    "constraint": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace""",
    "index": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "trigger": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "function": "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "view": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
    "comment": """
        SELECT relname, obj_description(oid) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'""",
    "sequence": "SELECT sequencename, data_type, increment_by FROM pg_sequences WHERE schemaname = 'public'",
}


def described(database: Database) -> set[str]:
    """One line for each thing in the database, whatever the order it was made in; alembic's own table apart."""
    with database.read() as conn:
        if database.is_sqlite:
            rows = conn.exec_driver_sql("SELECT type, name, sql FROM sqlite_master").all()
            found = {f"{kind} {name}: {_parts(text)}" for kind, name, text in rows}
        else:
            found = {
                f"{kind} {tuple(row)}" for kind, query in POSTGRESQL.items() for row in conn.execute(sa.text(query))
            }
    return {line for line in found if "alembic_version" not in line}


def _parts(text: str | None) -> str:
    """The columns and constraints of a CREATE TABLE, sorted: their order in the text means nothing, and a column that
    was added later stands behind the constraints."""
    parts, depth = [""], 0
    for letter in re.sub(r"\s+", " ", text or ""):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 1:
            parts.append("")
        else:
            parts[-1] += letter
    head, bracket, first = parts[0].partition("(")
    last = parts[-1].removesuffix(")")
    inner = [first, *parts[1:-1], last] if len(parts) > 1 else [first]
    return f"{head}{bracket}" + " | ".join(sorted(part.strip() for part in inner))


@pytest.fixture
def bare(new_database: Callable[[], str]) -> Iterator[Database]:
    """A database that was migrated down again."""
    url = new_database()
    migrate.downgrade(url)
    database = Database(url)
    yield database
    database.dispose()


@pytest.fixture
def migrated(new_database: Callable[[], str]) -> Iterator[Database]:
    database = Database(new_database())
    yield database
    database.dispose()


def url_of(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


# --- equal to the tables -------------------------------------------------------------------------


def test_migrations_make_what_the_tables_say(bare: Database, migrated: Database) -> None:
    dialect = bare.url.get_backend_name()
    with bare.write() as conn:
        metadata.create_all(conn)
        feeds = (change_feed.WATCHED, change_feed.NODES)
        triggers = (statement for watched in feeds for statement in change_feed.create_statements(dialect, watched))
        for statement in (*triggers, *views.create_statements()):
            conn.exec_driver_sql(statement)
    made, wanted = described(migrated), described(bare)
    assert made - wanted == set()
    assert wanted - made == set()
    assert len(made) > 80


def test_alembic_sees_no_difference(migrated: Database) -> None:
    with migrated.read() as conn:
        assert compare_metadata(MigrationContext.configure(conn, opts={"compare_type": True}), metadata) == []


def test_down_leaves_nothing_behind(bare: Database) -> None:
    assert described(bare) - {"table sqlite_sequence: CREATE TABLE sqlite_sequence(name | seq"} == set()
    with bare.read() as conn:
        assert sa.inspect(conn).get_table_names() == ["alembic_version"]


def test_up_again_is_as_up_at_first(bare: Database, migrated: Database) -> None:
    migrate.upgrade(url_of(bare))
    assert described(bare) == described(migrated)


def test_every_table_and_column_says_what_it_is() -> None:
    for table in metadata.sorted_tables:
        assert table.comment, table.name
        for column in table.columns:
            assert column.comment, f"{table.name}.{column.name}"


@pytest.mark.postgresql
def test_comments_are_in_the_database_too(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.read() as conn:
        inspector = sa.inspect(conn)
        for name in set(inspector.get_table_names()) - {"alembic_version"}:
            assert inspector.get_table_comment(name)["text"] == metadata.tables[name].comment
            for column in inspector.get_columns(name):
                assert column["comment"] == metadata.tables[name].columns[column["name"]].comment
    database.dispose()


def test_every_text_that_is_compared_sorts_by_bytes(migrated: Database) -> None:
    """Keys and indexes: the cluster's own order is ICU's, in which a < B and é is near e."""
    if migrated.is_sqlite:
        return
    query = """
        SELECT DISTINCT t.relname, a.attname FROM pg_index AS i
        JOIN pg_class AS t ON t.oid = i.indrelid
        JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = ANY(i.indkey)
        JOIN pg_type AS y ON y.oid = a.atttypid LEFT JOIN pg_collation AS c ON c.oid = a.attcollation
        WHERE t.relnamespace = 'public'::regnamespace AND y.typcategory = 'S' AND c.collname <> 'C'
          AND t.relname <> 'alembic_version'"""
    with migrated.read() as conn:
        found = {(table, column) for table, column in conn.execute(sa.text(query))}
    hashes = {("task_definition", "body_hash"), ("task_definition_log", "body_hash"), ("canonical_document", "hash"),
              ("workflow_definition_snapshot", "content_hash")}  # fmt: skip
    assert found <= {*hashes, ("embedded_instance", "state")}  # only ever asked whether equal


def test_ids_of_given_rows_are_never_given_twice(migrated: Database) -> None:
    insert = "INSERT INTO data_table (table_name) VALUES ('{}')"
    with migrated.write() as conn:
        conn.exec_driver_sql(insert.format("a"))
        first = conn.exec_driver_sql("SELECT max(id) FROM data_table").scalar_one()
        conn.exec_driver_sql("DELETE FROM data_table")
        conn.exec_driver_sql(insert.format("b"))
        assert conn.exec_driver_sql("SELECT max(id) FROM data_table").scalar_one() > first


def test_revisions_are_numbered_without_gaps() -> None:
    scripts = ScriptDirectory.from_config(migrate._config())
    found = sorted(script.revision for script in scripts.walk_revisions())
    assert found == [f"{at:04}" for at in range(1, len(found) + 1)]


# --- databases that do not fit -------------------------------------------------------------------


def set_revision(database: Database, revision: str) -> None:
    with database.write() as conn:
        conn.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
    database.dispose()


def test_a_newer_database_is_refused_untouched(migrated: Database) -> None:
    set_revision(migrated, "9999")
    before = described(migrated)
    for act in (migrate.upgrade, migrate.check):
        with pytest.raises(DatabaseNewer, match="9999") as caught:
            act(url_of(migrated))
        assert caught.value.hint
    assert described(migrated) == before
    with migrated.read() as conn:
        assert conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "9999"
    if migrated.is_sqlite:
        assert copies(migrated) == []


def test_an_older_database_has_to_be_upgraded_by_hand(bare: Database) -> None:
    with pytest.raises(DatabaseMissing) as caught:
        migrate.check(url_of(bare))
    assert caught.value.hint == "run: wfgov db upgrade"
    with bare.read() as conn:
        assert sa.inspect(conn).get_table_names() == ["alembic_version"]


def test_a_database_of_an_older_release_is_named_as_such(migrated: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScriptDirectory, "get_current_head", lambda _: "0999")
    with pytest.raises(DatabaseOlder, match=migrate_head(migrated)):
        migrate.check(url_of(migrated))


def migrate_head(database: Database) -> str:
    with database.read() as conn:
        return str(conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())


def test_a_database_that_fits_passes_and_a_second_upgrade_does_nothing(migrated: Database) -> None:
    before = described(migrated)
    migrate.check(url_of(migrated))
    assert migrate.upgrade(url_of(migrated)) == migrate_head(migrated)
    assert described(migrated) == before
    if migrated.is_sqlite:
        assert copies(migrated) == []


def test_the_metadata_survives_an_upgrade_that_fails(migrated: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """One transaction: what a migration did before its error is undone."""
    migrate.downgrade(url_of(migrated))

    def broken(_: str) -> Iterator[str]:
        yield "CREATE TRIGGER nonsense"

    monkeypatch.setattr(change_feed, "create_statements", broken)
    with pytest.raises(StoreError):
        migrate.upgrade(url_of(migrated))
    with migrated.read() as conn:
        assert sa.inspect(conn).get_table_names() == ["alembic_version"]


# --- SQLite files --------------------------------------------------------------------------------


def copies(database: Database) -> list[Path]:
    file = Path(str(database.url.database))
    return sorted(file.parent.glob(f"{file.name}.before-*"))


def test_a_missing_file_is_made_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "new folder" / "wfgov.db"
    migrate.check(f"sqlite:///{file}")
    assert file.is_file()
    migrate.check(f"sqlite:///{file}")
    assert [one.name for one in file.parent.iterdir() if "before" in one.name] == []


def test_an_empty_file_is_not_taken_for_a_database(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with pytest.raises(DatabaseMissing):
        migrate.check(f"sqlite:///{tmp_path / 'empty.db'}")


def test_a_file_that_is_none_of_ours_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "note.db").write_text("a letter to my aunt, which is no database at all")
    for act in (migrate.check, migrate.upgrade):
        with pytest.raises(StoreError):
            act(f"sqlite:///{tmp_path / 'note.db'}")
    assert (tmp_path / "note.db").read_text().startswith("a letter")


@pytest.fixture
def older(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A file with a row in it, and a release with one migration more."""
    database = Database(sqlite_url)
    with database.write() as conn:
        conn.exec_driver_sql("INSERT INTO data_task (task_code, task_name) VALUES ('kept', 'Kept')")
    monkeypatch.setattr(ScriptDirectory, "get_current_head", lambda _: "0999")
    return database


def tasks(file: Path) -> list[tuple[str]]:
    with sqlite3.connect(file) as conn:
        found = conn.execute("SELECT task_code FROM data_task").fetchall()
    conn.close()
    return found


def test_a_file_is_copied_before_anything_is_migrated(older: Database) -> None:
    older.dispose()
    migrate.upgrade(url_of(older))
    (copy,) = copies(older)
    assert tasks(copy) == [("kept",)]


def test_the_copy_is_whole_while_somebody_reads_and_writes(older: Database) -> None:
    """What was committed is in the write-ahead log as long as a reader needs the pages before."""
    with sqlite3.connect(str(older.url.database), isolation_level=None) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM data_task").fetchone()
        with older.write() as conn:
            conn.exec_driver_sql("INSERT INTO data_task (task_code, task_name) VALUES ('late', 'Late')")
        migrate.upgrade(url_of(older))
        (copy,) = copies(older)
        alone = shutil.copy(copy, copy.with_name("alone.db"))
    reader.close()
    older.dispose()
    assert tasks(Path(alone)) == [("kept",), ("late",)]
