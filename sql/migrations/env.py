"""Alembic's entry: runs on the connection that `store.migrate` opened, in its transaction."""

from alembic import context

from wfgov_dagster.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
