"""What we are given: the four metadata tables, what people and imports declare, and the change feed.

No id is given twice (SQLite would, without AUTOINCREMENT): memberships and the import ledger outlive their rows.
"""

import sqlalchemy as sa

from wfgov_dagster.store.schema.types import Id, flag, identity, key, metadata, moment, one_of

data_task = sa.Table(
    "data_task",
    metadata,
    identity(),
    sa.Column("task_code", key(255), nullable=False, unique=True, comment="Its name for people, files and hashes."),
    sa.Column("task_name", sa.String(255), nullable=False, comment="Display name."),
    sa.Column("task_type", sa.String(20), nullable=False, server_default="batch", comment="batch or stream."),
    sa.Column("engine", sa.String(20), nullable=False, server_default="dolphin", comment="dolphin or dinky."),
    sa.Column("dolphin_node_type", sa.String(50), comment="SQL, SHELL, PYTHON, SPARK …"),
    sa.Column("task_sql", sa.Text, comment="What it runs, whatever the language."),
    sa.Column("task_desc", sa.Text, comment="Description."),
    sa.Column("datasource_name", sa.String(255), comment="Data source, by name."),
    sa.Column("datasource_type", sa.String(50), comment="Kind of the data source."),
    sa.Column("schedule_cron", sa.String(100), comment="Five-field cron the task asks for."),
    sa.Column("priority", sa.Integer, comment="1 lowest … 5 highest; NULL = 3."),
    sa.Column("timeout_seconds", sa.Integer, comment="0 or NULL = none."),
    sa.Column("retry_times", sa.Integer, comment="Retries after the first try."),
    sa.Column("retry_interval", sa.Integer, comment="Seconds between two tries."),
    sa.Column("owner", key(255), comment="Person or team."),
    sa.Column("status", sa.String(50), comment="The portal's own word; not interpreted."),
    moment("created_at", "When the row came."),
    moment("updated_at", "When it last changed."),
    flag("deleted", "1 = gone; kept so that it can come back."),
    one_of("task_type", ("batch", "stream")),
    one_of("engine", ("dolphin", "dinky")),
    sqlite_autoincrement=True,
    comment="Tasks, as the portal gives them.",
)

data_table = sa.Table(
    "data_table",
    metadata,
    identity(),
    sa.Column("db_name", key(255), nullable=False, server_default="", comment="Text before the last dot."),
    sa.Column("table_name", key(255), nullable=False, comment="Text after the last dot."),
    sa.Column("layer", sa.String(50), comment="ODS … ADS, bronze … gold: free text."),
    sa.Column("business_domain", key(255), comment="Business domain."),
    sa.Column("data_domain", key(255), comment="Data domain or data set."),
    sa.Column("owner", key(255), comment="Person or team."),
    sa.Column("table_type", sa.String(50), comment="table, view …"),
    moment("created_at", "When the row came."),
    moment("updated_at", "When it last changed."),
    flag("deleted", "1 = gone."),
    sa.UniqueConstraint("db_name", "table_name"),
    sqlite_autoincrement=True,
    comment="Tables and views.",
)

data_lineage = sa.Table(
    "data_lineage",
    metadata,
    identity(),
    sa.Column("task_id", Id, comment="NULL: downstream_table is a view of upstream_table."),
    sa.Column("upstream_table_id", Id, comment="Table that is read."),
    sa.Column("downstream_table_id", Id, comment="Table that is written, or the view."),
    sa.Column("lineage_type", sa.String(20), nullable=False, server_default="input", comment="input or output."),
    moment("created_at", "When the row came."),
    moment("updated_at", "When it last changed."),
    flag("deleted", "1 = gone."),
    one_of("lineage_type", ("input", "output")),
    sa.Index("ix_data_lineage_task", "task_id"),
    sa.Index("ix_data_lineage_upstream", "upstream_table_id"),
    sa.Index("ix_data_lineage_downstream", "downstream_table_id"),
    sqlite_autoincrement=True,
    comment="A task reads and writes tables; or, without a task, a table feeds a view.",
)

table_task_relation = sa.Table(
    "table_task_relation",
    metadata,
    identity(),
    sa.Column("table_id", Id, nullable=False, comment="Table."),
    sa.Column("task_id", Id, nullable=False, comment="Task."),
    sa.Column("relation_type", sa.String(20), nullable=False, comment="read or write."),
    moment("created_at", "When the row came."),
    moment("updated_at", "When it last changed."),
    flag("deleted", "1 = gone."),
    one_of("relation_type", ("read", "write")),
    sa.Index("ix_table_task_relation_task", "task_id"),
    sa.Index("ix_table_task_relation_table", "table_id"),
    sqlite_autoincrement=True,
    comment="Tasks read and write tables.",
)

task_workflow_declaration = sa.Table(
    "task_workflow_declaration",
    metadata,
    identity(),
    sa.Column("task_id", Id, nullable=False, comment="Task."),
    sa.Column("workflow_code", key(100), nullable=False, comment="Where it shall be."),
    sa.Column("declared_by", key(100), nullable=False, comment="import:<source> or a person."),
    sa.Column("reason", sa.Text, comment="Why."),
    moment("created_at", "When."),
    sa.UniqueConstraint("task_id", "declared_by"),
    sqlite_autoincrement=True,
    comment="Stated memberships. A person outranks an import.",
)

task_dependency_declaration = sa.Table(
    "task_dependency_declaration",
    metadata,
    identity(),
    sa.Column("task_id", Id, nullable=False, comment="The one that waits."),
    sa.Column("upstream_task_id", Id, nullable=False, comment="The one it waits for."),
    sa.Column("reason", sa.Text, nullable=False, comment="Why; there is no lineage to tell."),
    sa.Column("declared_by", key(100), nullable=False, comment="import:<source> or a person."),
    moment("created_at", "When."),
    sa.UniqueConstraint("task_id", "upstream_task_id", "declared_by"),
    sa.Index("ix_task_dependency_declaration_upstream", "upstream_task_id"),
    sqlite_autoincrement=True,
    comment="Stated dependencies that no table shows.",
)

workflow_settings_declaration = sa.Table(
    "workflow_settings_declaration",
    metadata,
    identity(),
    sa.Column("workflow_code", key(100), nullable=False, unique=True, comment="Declared workflow."),
    sa.Column("workflow_name", sa.String(200), comment="Display name; NULL = the code."),
    sa.Column("description", sa.Text, comment="Description."),
    sa.Column("schedule_cron", sa.String(100), comment="Five-field cron; NULL = no schedule."),
    sa.Column("time_zone", sa.String(64), comment="IANA zone; NULL = the setting's."),
    sa.Column("declared_by", key(100), nullable=False, comment="import:<source> or a person."),
    sa.Column("settings", sa.Text, comment="JSON: the settings as a whole; NULL = only what the columns say."),
    sqlite_autoincrement=True,
    comment="Stated settings of workflows.",
)

task_node_declaration = sa.Table(
    "task_node_declaration",
    metadata,
    identity(),
    sa.Column("task_id", Id, nullable=False, unique=True, comment="Task."),
    sa.Column("spec", sa.Text, nullable=False, comment="JSON: parameters, resources, flags and extra of its node."),
    sa.Column("declared_by", key(100), nullable=False, comment="import:<source> or a person."),
    moment("created_at", "When."),
    sqlite_autoincrement=True,
    comment="What the DAG node of a task needs that data_task has no column for.",
)

metadata_import = sa.Table(
    "metadata_import",
    metadata,
    identity(),
    sa.Column("source", key(100), nullable=False, comment="Who owns the row."),
    sa.Column("table_name", key(50), nullable=False, comment="Which metadata table."),
    sa.Column("row_id", Id, nullable=False, comment="Which row of it."),
    sa.Column("natural_key", sa.Text, nullable=False, comment="Key of the row in its source, as JSON."),
    sa.Column("row_hash", sa.String(64), nullable=False, comment="sha256 of what the source says of it."),
    sa.UniqueConstraint("source", "table_name", "row_id"),
    comment="Ledger: which source brought which row. A source's rows that are gone are soft-deleted.",
)

metadata_change = sa.Table(
    "metadata_change",
    metadata,
    sa.Column("seq", Id, primary_key=True, autoincrement=True, comment="Order of the feed."),
    sa.Column("table_name", key(50), nullable=False, comment="Where."),
    sa.Column("row_id", Id, nullable=False, comment="Which row."),
    sa.Column("action", sa.String(10), nullable=False, comment="insert, update or delete."),
    sa.Column("before", sa.Text, comment="JSON list of the row's keys before; they say what lost an edge."),
    moment("changed_at", "By the database's clock."),
    sa.Column("batch_id", Id, comment="NULL = open; else the derivation that took it."),
    one_of("action", ("insert", "update", "delete")),
    sa.Index("ix_metadata_change_batch", "batch_id", "seq"),
    sqlite_autoincrement=True,
    comment="Change feed over the metadata and the declarations; written by triggers.",
)
