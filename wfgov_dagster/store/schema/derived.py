"""What is derived: dependencies, levels, what the next step has to do, findings."""

import sqlalchemy as sa

from wfgov_dagster.store.schema.types import Id, identity, key, metadata, moment, one_of

task_dependency_view = sa.Table(
    "task_dependency_view",
    metadata,
    sa.Column("task_id", Id, primary_key=True, autoincrement=False, comment="Downstream: the one that waits."),
    sa.Column("upstream_task_id", Id, primary_key=True, autoincrement=False, comment="The one it waits for."),
    sa.Column("kind", sa.String(10), nullable=False, comment="direct, view or declared."),
    sa.Column("table_read_id", Id, comment="Evidence: the table that is read; NULL when declared."),
    sa.Column("table_written_id", Id, comment="Evidence: the table that is written."),
    sa.Column("chain", sa.Text, comment="JSON list of table ids from the read to the written one; NULL when direct."),
    one_of("kind", ("direct", "view", "declared")),
    sa.Index("ix_task_dependency_view_upstream", "upstream_task_id"),
    sqlite_with_rowid=False,  # rows come sorted by the key: one tree to write instead of two
    comment="Task depends on task: it reads what the other writes, directly, through views, or as declared.",
)

task_topology = sa.Table(
    "task_topology",
    metadata,
    sa.Column("task_id", Id, primary_key=True, autoincrement=False, comment="Task."),
    sa.Column("level", sa.Integer, nullable=False, comment="Longest path from a task without upstream."),
    sa.Column("cycle", Id, comment="Smallest task id of its cycle; NULL = in none."),
    sa.Column("upstream_task_count", sa.Integer, nullable=False, comment="Direct upstream tasks."),
    sa.Column("downstream_task_count", sa.Integer, nullable=False, comment="Direct downstream tasks."),
    sa.Index("ix_task_topology_cycle", "cycle"),
    comment="Where each task stands in the dependency view; cycles are contracted.",
)

derivation_todo = sa.Table(
    "derivation_todo",
    metadata,
    sa.Column("step", key(30), primary_key=True, comment="workflow_definitions or workflow_versions."),
    sa.Column("key", key(120), primary_key=True, comment="task:<id> or workflow:<id>."),
    sa.Column("first_seq", Id, nullable=False, comment="First change that asked for it."),
    sa.Column("reason", key(30), nullable=False, comment="lineage_update wins over task_change and manual."),
    one_of("step", ("workflow_definitions", "workflow_versions")),
    comment="What a finished step leaves for the next one, written in the same transaction.",
)

derivation_batch = sa.Table(
    "derivation_batch",
    metadata,
    identity(),
    sa.Column("actor", key(100), nullable=False, comment="Who asked."),
    sa.Column("mode", sa.String(20), nullable=False, comment="incremental or full."),
    sa.Column("changes", sa.Integer, nullable=False, comment="Rows of the feed it took."),
    moment("created_at", "When."),
    one_of("mode", ("incremental", "full")),
    comment="One derivation of the dependency view.",
)

inspection_finding = sa.Table(
    "inspection_finding",
    metadata,
    identity(),
    sa.Column("rule", key(50), nullable=False, comment="Which rule."),
    sa.Column("object_type", key(20), nullable=False, comment="task, workflow or table."),
    sa.Column("object_code", key(255), nullable=False, comment="Which one."),
    sa.Column("message", sa.Text, nullable=False, comment="What is wrong and what to do."),
    sa.Column("owner", key(255), comment="Who should look."),
    moment("opened_at", "Since when."),
    moment("closed_at", "Until when; NULL = open.", nullable=True),
    sa.Index("ix_inspection_finding_object", "rule", "object_type", "object_code"),
    comment="What is held against the estate; closes by itself when it is mended.",
)
