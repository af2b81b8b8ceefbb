"""First tables: metadata with its change feed, dependencies, workflows, versions, publishing, the embedded engine.

Safe with old code running: there is none.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from wfgov_dagster.store import change_feed, views

revision, down_revision = "0001", None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
VIEWS = ("data_task_governed", "workflow_edge_version")


def key(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(postgresql.VARCHAR(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "alert",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("kind", key(50), nullable=False, comment="What failed: publish_failed, instance_failed …"),
        sa.Column("dedupe_key", key(255), nullable=False, comment="A fault has one: it is told once."),
        sa.Column("workflow_code", key(100), nullable=True, comment="Workflow."),
        sa.Column("version_no", sa.Integer(), nullable=True, comment="Version of it."),
        sa.Column("task_code", key(255), nullable=True, comment="Task that failed."),
        sa.Column("step", key(100), nullable=True, comment="Publish step, flow node or job that failed."),
        sa.Column("engine_name", key(100), nullable=True, comment="On which engine."),
        sa.Column("error_code", sa.String(length=50), nullable=True, comment="Code of the error."),
        sa.Column("message", sa.Text(), nullable=False, comment="What happened, without secrets."),
        sa.Column("links", sa.Text(), nullable=False, comment="JSON: name → command, or path on the webserver."),
        sa.Column(
            "raised_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it failed.",
        ),
        sa.Column("state", key(20), server_default="waiting", nullable=False, comment="State."),
        sa.Column("lead_id", ID, nullable=True, comment="Alert that speaks for this one; NULL = it speaks for itself."),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="Deliveries begun."),
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="Not before; while one delivers it, when another may.",
        ),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True, comment="When it was delivered."),
        sa.Column("last_error", sa.Text(), nullable=True, comment="How the last delivery failed."),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'grouped', 'dead')", name=op.f("ck_alert_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_alert_dedupe_key")),
        comment="Failures to tell people about.",
    )
    op.create_index(
        op.f("ix_alert_lead_id_workflow_code_kind_raised_at"),
        "alert",
        ["lead_id", "workflow_code", "kind", "raised_at"],
        unique=False,
    )
    op.create_index(op.f("ix_alert_state_due_at"), "alert", ["state", "due_at"], unique=False)
    op.create_table(
        "canonical_document",
        sa.Column("hash", sa.String(length=80), nullable=False, comment="w1:<sha256 of the text>."),
        sa.Column("body", sa.Text(), nullable=False, comment="Canonical JSON, byte for byte."),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_canonical_document")),
        comment="Canonical texts, kept once per content: task bodies and whole documents.",
    )
    op.create_table(
        "change_set",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("engine_id", ID, nullable=False, comment="Engine."),
        sa.Column("operation", sa.String(length=20), nullable=False, comment="deploy, online or offline."),
        sa.Column(
            "on_failure", sa.String(length=20), nullable=False, comment="stop, restore; go_on for one that restores."
        ),
        sa.Column("state", key(20), server_default="running", nullable=False, comment="How it stands."),
        sa.Column(
            "parallel", sa.Integer(), nullable=False, comment="Members that are published side by side, at most."
        ),
        sa.Column("writes_per_second", sa.Float(), nullable=False, comment="To the engine, at most; 0 = no limit."),
        sa.Column("restores", ID, nullable=True, comment="Change set whose members this one brings back."),
        sa.Column("flow_id", ID, nullable=True, comment="Durable flow that drives it."),
        sa.Column("operator", key(100), nullable=False, comment="Who."),
        sa.Column("canceled_by", key(100), nullable=True, comment="Who canceled it."),
        sa.Column("cancel_reason", sa.Text(), nullable=True, comment="Why it was canceled."),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it was asked for.",
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True, comment="When the last member ended."),
        sa.CheckConstraint("on_failure IN ('stop', 'restore', 'go_on')", name=op.f("ck_change_set_on_failure")),
        sa.CheckConstraint("operation IN ('deploy', 'online', 'offline')", name=op.f("ck_change_set_operation")),
        sa.CheckConstraint(
            "state IN ('running', 'restoring', 'success', 'failed', 'canceled', 'restored', 'restore_failed')",
            name=op.f("ck_change_set_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_set")),
        comment="Many workflows published as one, in waves.",
    )
    op.create_index(op.f("ix_change_set_restores"), "change_set", ["restores"], unique=False)
    op.create_index(op.f("ix_change_set_state"), "change_set", ["state"], unique=False)
    op.create_table(
        "change_set_member",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("change_set_id", ID, nullable=False, comment="Change set."),
        sa.Column("workflow_id", ID, nullable=False, comment="Workflow."),
        sa.Column("wave", sa.Integer(), nullable=False, comment="From 1; a wave begins when the one before has ended."),
        sa.Column("state", sa.String(length=20), server_default="waiting", nullable=False, comment="How it stands."),
        sa.Column(
            "version_no", sa.Integer(), nullable=True, comment="Version it is about; NULL = whatever the engine holds."
        ),
        sa.Column(
            "before",
            sa.Text(),
            nullable=True,
            comment="JSON of what was confirmed before the set began; NULL = never deployed.",
        ),
        sa.Column("target", sa.Text(), nullable=True, comment="JSON of what a set that restores brings back."),
        sa.Column(
            "after_record",
            ID,
            nullable=True,
            comment="Restores what this record did; a newer one leaves nothing to restore.",
        ),
        sa.Column("record_id", ID, nullable=True, comment="Its publish record, once it was begun."),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why it failed or was skipped."),
        sa.CheckConstraint(
            "state IN ('waiting', 'open', 'success', 'failed', 'skipped')", name=op.f("ck_change_set_member_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_set_member")),
        sa.UniqueConstraint(
            "change_set_id", "workflow_id", name=op.f("uq_change_set_member_change_set_id_workflow_id")
        ),
        comment="One workflow of a change set.",
    )
    op.create_index(op.f("ix_change_set_member_record_id"), "change_set_member", ["record_id"], unique=False)
    op.create_index(op.f("ix_change_set_member_workflow_id"), "change_set_member", ["workflow_id"], unique=False)
    op.create_table(
        "cross_workflow_dependency",
        sa.Column("task_id", ID, autoincrement=False, nullable=False, comment="Downstream task."),
        sa.Column("upstream_task_id", ID, autoincrement=False, nullable=False, comment="Upstream task."),
        sa.Column("workflow_id", ID, nullable=False, comment="Workflow of the downstream task."),
        sa.Column("upstream_workflow_id", ID, nullable=False, comment="Workflow of the upstream task."),
        sa.Column(
            "state", sa.String(length=20), server_default="unconfirmed", nullable=False, comment="What a person said."
        ),
        sa.Column("decided_by", key(100), nullable=True, comment="Who."),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why."),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True, comment="When."),
        sa.CheckConstraint(
            "state IN ('unconfirmed', 'confirmed', 'rejected')", name=op.f("ck_cross_workflow_dependency_state")
        ),
        sa.PrimaryKeyConstraint("task_id", "upstream_task_id", name=op.f("pk_cross_workflow_dependency")),
        comment="Dependencies whose ends are in two workflows.",
    )
    op.create_index(
        "ix_cross_workflow_dependency_upstream_task", "cross_workflow_dependency", ["upstream_task_id"], unique=False
    )
    op.create_index(
        "ix_cross_workflow_dependency_upstream_workflow",
        "cross_workflow_dependency",
        ["upstream_workflow_id"],
        unique=False,
    )
    op.create_index("ix_cross_workflow_dependency_workflow", "cross_workflow_dependency", ["workflow_id"], unique=False)
    op.create_table(
        "data_lineage",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("task_id", ID, nullable=True, comment="NULL: downstream_table is a view of upstream_table."),
        sa.Column("upstream_table_id", ID, nullable=True, comment="Table that is read."),
        sa.Column("downstream_table_id", ID, nullable=True, comment="Table that is written, or the view."),
        sa.Column(
            "lineage_type", sa.String(length=20), server_default="input", nullable=False, comment="input or output."
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When the row came.",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it last changed.",
        ),
        sa.Column("deleted", sa.SmallInteger(), server_default="0", nullable=False, comment="1 = gone."),
        sa.CheckConstraint("lineage_type IN ('input', 'output')", name=op.f("ck_data_lineage_lineage_type")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_lineage")),
        comment="A task reads and writes tables; or, without a task, a table feeds a view.",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_data_lineage_downstream", "data_lineage", ["downstream_table_id"], unique=False)
    op.create_index("ix_data_lineage_task", "data_lineage", ["task_id"], unique=False)
    op.create_index("ix_data_lineage_upstream", "data_lineage", ["upstream_table_id"], unique=False)
    op.create_table(
        "data_table",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("db_name", key(255), server_default="", nullable=False, comment="Text before the last dot."),
        sa.Column("table_name", key(255), nullable=False, comment="Text after the last dot."),
        sa.Column("layer", sa.String(length=50), nullable=True, comment="ODS … ADS, bronze … gold: free text."),
        sa.Column("business_domain", key(255), nullable=True, comment="Business domain."),
        sa.Column("data_domain", key(255), nullable=True, comment="Data domain or data set."),
        sa.Column("owner", key(255), nullable=True, comment="Person or team."),
        sa.Column("table_type", sa.String(length=50), nullable=True, comment="table, view …"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When the row came.",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it last changed.",
        ),
        sa.Column("deleted", sa.SmallInteger(), server_default="0", nullable=False, comment="1 = gone."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_table")),
        sa.UniqueConstraint("db_name", "table_name", name=op.f("uq_data_table_db_name_table_name")),
        comment="Tables and views.",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "data_task",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("task_code", key(255), nullable=False, comment="Its name for people, files and hashes."),
        sa.Column("task_name", sa.String(length=255), nullable=False, comment="Display name."),
        sa.Column(
            "task_type", sa.String(length=20), server_default="batch", nullable=False, comment="batch or stream."
        ),
        sa.Column(
            "engine", sa.String(length=20), server_default="dolphin", nullable=False, comment="dolphin or dinky."
        ),
        sa.Column("dolphin_node_type", sa.String(length=50), nullable=True, comment="SQL, SHELL, PYTHON, SPARK …"),
        sa.Column("task_sql", sa.Text(), nullable=True, comment="What it runs, whatever the language."),
        sa.Column("task_desc", sa.Text(), nullable=True, comment="Description."),
        sa.Column("datasource_name", sa.String(length=255), nullable=True, comment="Data source, by name."),
        sa.Column("datasource_type", sa.String(length=50), nullable=True, comment="Kind of the data source."),
        sa.Column("schedule_cron", sa.String(length=100), nullable=True, comment="Five-field cron the task asks for."),
        sa.Column("priority", sa.Integer(), nullable=True, comment="1 lowest … 5 highest; NULL = 3."),
        sa.Column("timeout_seconds", sa.Integer(), nullable=True, comment="0 or NULL = none."),
        sa.Column("retry_times", sa.Integer(), nullable=True, comment="Retries after the first try."),
        sa.Column("retry_interval", sa.Integer(), nullable=True, comment="Seconds between two tries."),
        sa.Column("owner", key(255), nullable=True, comment="Person or team."),
        sa.Column("status", sa.String(length=50), nullable=True, comment="The portal's own word; not interpreted."),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When the row came.",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it last changed.",
        ),
        sa.Column(
            "deleted",
            sa.SmallInteger(),
            server_default="0",
            nullable=False,
            comment="1 = gone; kept so that it can come back.",
        ),
        sa.CheckConstraint("engine IN ('dolphin', 'dinky')", name=op.f("ck_data_task_engine")),
        sa.CheckConstraint("task_type IN ('batch', 'stream')", name=op.f("ck_data_task_task_type")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_task")),
        sa.UniqueConstraint("task_code", name=op.f("uq_data_task_task_code")),
        comment="Tasks, as the portal gives them.",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "data_workflow",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("workflow_code", key(100), nullable=False, comment="Its name for everybody."),
        sa.Column("workflow_name", sa.String(length=200), nullable=False, comment="Display name."),
        sa.Column("description", sa.Text(), nullable=True, comment="Description."),
        sa.Column(
            "origin", sa.String(length=20), nullable=False, comment="declared, auto or manual: who made the grouping."
        ),
        sa.Column("status", sa.String(length=20), server_default="draft", nullable=False, comment="Platform state."),
        sa.Column(
            "publish_status", sa.String(length=20), server_default="never", nullable=False, comment="Last publish."
        ),
        sa.Column("current_version_id", ID, nullable=True, comment="Newest version."),
        sa.Column(
            "last_published_version_id", ID, nullable=True, comment="Newest version that an engine was seen to hold."
        ),
        sa.Column("definition_hash", sa.String(length=80), nullable=True, comment="Content hash of definition_json."),
        sa.Column(
            "definition_error", sa.Text(), nullable=True, comment="Why the current definition cannot become a version."
        ),
        sa.Column(
            "entry_task_ids",
            sa.Text(),
            nullable=True,
            comment="JSON list of task codes without upstream inside the workflow.",
        ),
        sa.Column(
            "exit_task_ids",
            sa.Text(),
            nullable=True,
            comment="JSON list of task codes without downstream inside the workflow.",
        ),
        sa.Column("business_domain", key(255), nullable=True, comment="Business domain."),
        sa.Column("owner", key(255), nullable=True, comment="Person or team."),
        sa.Column("owner_team", key(255), nullable=True, comment="Team that is responsible."),
        sa.Column("tags", sa.Text(), nullable=True, comment="JSON list."),
        sa.Column("pinned_reason", sa.Text(), nullable=True, comment="Pin: why automation may only make candidates."),
        sa.Column("pinned_by", key(100), nullable=True, comment="Pin: who."),
        sa.Column("pinned_until", sa.DateTime(timezone=True), nullable=True, comment="Pin: until when."),
        sa.Column("created_by", key(100), nullable=False, comment="Who made it."),
        sa.Column("updated_by", key(100), nullable=False, comment="Who changed it last."),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When.",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it last changed.",
        ),
        sa.Column(
            "definition_json",
            sa.Text(),
            nullable=True,
            comment="Current definition (w1), also when it is not a version yet.",
        ),
        sa.CheckConstraint("origin IN ('declared', 'auto', 'manual')", name=op.f("ck_data_workflow_origin")),
        sa.CheckConstraint(
            "publish_status IN ('never', 'publishing', 'published', 'failed')",
            name=op.f("ck_data_workflow_publish_status"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'ready', 'online', 'offline', 'archived')", name=op.f("ck_data_workflow_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_workflow")),
        sa.UniqueConstraint("workflow_code", name=op.f("uq_data_workflow_workflow_code")),
        comment="A schedulable DAG with a platform state and a publish state.",
    )
    op.create_table(
        "derivation_batch",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("actor", key(100), nullable=False, comment="Who asked."),
        sa.Column("mode", sa.String(length=20), nullable=False, comment="incremental or full."),
        sa.Column("changes", sa.Integer(), nullable=False, comment="Rows of the feed it took."),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When.",
        ),
        sa.CheckConstraint("mode IN ('incremental', 'full')", name=op.f("ck_derivation_batch_mode")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_derivation_batch")),
        comment="One derivation of the dependency view.",
    )
    op.create_table(
        "derivation_todo",
        sa.Column("step", key(30), nullable=False, comment="workflow_definitions or workflow_versions."),
        sa.Column("key", key(120), nullable=False, comment="task:<id> or workflow:<id>."),
        sa.Column("first_seq", ID, nullable=False, comment="First change that asked for it."),
        sa.Column("reason", key(30), nullable=False, comment="lineage_update wins over task_change and manual."),
        sa.CheckConstraint(
            "step IN ('workflow_definitions', 'workflow_versions')", name=op.f("ck_derivation_todo_step")
        ),
        sa.PrimaryKeyConstraint("step", "key", name=op.f("pk_derivation_todo")),
        comment="What a finished step leaves for the next one, written in the same transaction.",
    )
    op.create_table(
        "embedded_fire",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("engine_name", key(100), nullable=False, comment="Which embedded engine."),
        sa.Column("workflow_code", key(100), nullable=False, comment="Workflow."),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=False, comment="The time that its cron says."),
        sa.Column("instance_id", ID, nullable=False, comment="embedded_instance.id that it made."),
        sa.Column("skipped", sa.Integer(), nullable=False, comment="Due times before it that were left out."),
        sa.Column(
            "fired_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When.",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_embedded_fire")),
        sa.UniqueConstraint(
            "engine_name",
            "workflow_code",
            "scheduled_at",
            name=op.f("uq_embedded_fire_engine_name_workflow_code_scheduled_at"),
        ),
        comment="Each time that a schedule of an embedded engine fired.",
    )
    op.create_table(
        "embedded_instance",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("engine_name", key(100), nullable=False, comment="Which embedded engine."),
        sa.Column("workflow_code", key(100), nullable=False, comment="Workflow."),
        sa.Column("version", sa.Integer(), nullable=False, comment="Version of the definition that runs."),
        sa.Column("document", sa.Text(), nullable=False, comment="What is run, frozen at the start."),
        sa.Column("marker", sa.Text(), nullable=False, comment="JSON: whose version this is."),
        sa.Column("request_key", key(100), nullable=False, comment="Caller's key: asking twice starts once."),
        sa.Column("trigger", sa.String(length=20), nullable=False, comment="manual or schedule."),
        sa.Column("started_by", key(100), nullable=False, comment="Who."),
        sa.Column("state", sa.String(length=20), server_default="submitted", nullable=False, comment="State."),
        sa.Column("error", sa.Text(), nullable=True, comment="Why it failed."),
        sa.Column("stop_requested", sa.SmallInteger(), server_default="0", nullable=False, comment="1 = stop it."),
        sa.Column("run_id", key(100), nullable=True, comment="Dagster run that has it."),
        sa.Column(
            "heartbeat_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Last sign of life, by the database's clock.",
        ),
        sa.Column(
            "submitted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it was asked for.",
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True, comment="When it began."),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="When it ended."),
        sa.CheckConstraint(
            "state IN ('submitted', 'running', 'success', 'failed', 'stopped')", name=op.f("ck_embedded_instance_state")
        ),
        sa.CheckConstraint("trigger IN ('manual', 'schedule')", name=op.f("ck_embedded_instance_trigger")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_embedded_instance")),
        sa.UniqueConstraint(
            "engine_name",
            "workflow_code",
            "request_key",
            name=op.f("uq_embedded_instance_engine_name_workflow_code_request_key"),
        ),
        comment="Runs of workflows on an embedded engine.",
    )
    op.create_index("ix_embedded_instance_state", "embedded_instance", ["engine_name", "state"], unique=False)
    op.create_table(
        "embedded_task_instance",
        sa.Column("instance_id", ID, autoincrement=False, nullable=False, comment="embedded_instance.id."),
        sa.Column("task_code", key(255), nullable=False, comment="Task."),
        sa.Column("state", sa.String(length=20), server_default="waiting", nullable=False, comment="State."),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False, comment="Tries so far."),
        sa.Column("exit_code", sa.Integer(), nullable=True, comment="Of the last try."),
        sa.Column("error", sa.Text(), nullable=True, comment="Why it failed."),
        sa.Column(
            "log_path", sa.Text(), nullable=True, comment="Log file, relative to the folder of all logs of instances."
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True, comment="When its first try began."),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="When its last try ended."),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'success', 'failed', 'skipped', 'stopped')",
            name=op.f("ck_embedded_task_instance_state"),
        ),
        sa.PrimaryKeyConstraint("instance_id", "task_code", name=op.f("pk_embedded_task_instance")),
        comment="Runs of tasks inside an instance.",
    )
    op.create_table(
        "embedded_workflow",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("engine_name", key(100), nullable=False, comment="Which embedded engine."),
        sa.Column("workflow_code", key(100), nullable=False, comment="Workflow."),
        sa.Column("version", sa.Integer(), nullable=False, comment="The engine's own version, from 1."),
        sa.Column("document", sa.Text(), nullable=False, comment="w1 document without its schedule."),
        sa.Column("marker", sa.Text(), server_default="{}", nullable=False, comment="JSON: whose version this is."),
        sa.Column("online", sa.SmallInteger(), server_default="0", nullable=False, comment="1 = instances may start."),
        sa.Column("schedule", sa.Text(), nullable=True, comment="JSON of the schedule; NULL = none."),
        sa.Column(
            "schedule_online", sa.SmallInteger(), server_default="0", nullable=False, comment="1 = its cron fires."
        ),
        sa.Column(
            "next_fire_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="First time that may still fire; NULL = none.",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it last changed.",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_embedded_workflow")),
        sa.UniqueConstraint(
            "engine_name", "workflow_code", name=op.f("uq_embedded_workflow_engine_name_workflow_code")
        ),
        comment="What an embedded engine holds.",
    )
    op.create_index(op.f("ix_embedded_workflow_next_fire_at"), "embedded_workflow", ["next_fire_at"], unique=False)
    op.create_table(
        "embedded_workflow_version",
        sa.Column("workflow_id", ID, autoincrement=False, nullable=False, comment="embedded_workflow.id."),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False, comment="From 1."),
        sa.Column("document", sa.Text(), nullable=False, comment="w1 document without its schedule."),
        sa.Column("marker", sa.Text(), nullable=False, comment="JSON: whose version this is."),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When.",
        ),
        sa.PrimaryKeyConstraint("workflow_id", "version", name=op.f("pk_embedded_workflow_version")),
        comment="Every definition an embedded engine held.",
    )
    op.create_table(
        "engine",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("name", key(100), nullable=False, comment="Its name for people and workflow keys."),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="dolphin, dinky or embedded."),
        sa.Column("url", sa.Text(), nullable=True, comment="Where it answers; NULL for the embedded one."),
        sa.Column("project", key(255), server_default="default", nullable=False, comment="Project on the engine."),
        sa.Column(
            "credential_ref",
            sa.String(length=255),
            nullable=True,
            comment="Name of the credential, never the credential.",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When.",
        ),
        sa.CheckConstraint("kind IN ('dolphin', 'dinky', 'embedded')", name=op.f("ck_engine_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engine")),
        sa.UniqueConstraint("name", name=op.f("uq_engine_name")),
        comment="Registered engines.",
    )
    op.create_table(
        "engine_breaker",
        sa.Column("engine_id", ID, autoincrement=False, nullable=False, comment="Engine."),
        sa.Column(
            "failures", sa.Integer(), server_default="0", nullable=False, comment="Calls in a row without an answer."
        ),
        sa.Column(
            "open_until", sa.DateTime(timezone=True), nullable=True, comment="No call before that; NULL = closed."
        ),
        sa.Column(
            "prober", key(200), nullable=True, comment="Who makes the one call that shall find out whether it is back."
        ),
        sa.Column(
            "probing_until", sa.DateTime(timezone=True), nullable=True, comment="From then on somebody else may probe."
        ),
        sa.PrimaryKeyConstraint("engine_id", name=op.f("pk_engine_breaker")),
        comment="Engines that do not answer are left alone for a while.",
    )
    op.create_table(
        "engine_deployment",
        sa.Column("engine_id", ID, autoincrement=False, nullable=False, comment="Engine."),
        sa.Column("workflow_id", ID, autoincrement=False, nullable=False, comment="Workflow."),
        sa.Column("version_id", ID, nullable=False, comment="Version we last saw it hold."),
        sa.Column("content_hash", sa.String(length=80), nullable=False, comment="Its content hash."),
        sa.Column(
            "engine_workflow_code", sa.String(length=100), nullable=False, comment="The engine's code of the workflow."
        ),
        sa.Column(
            "engine_task_codes", sa.Text(), server_default="{}", nullable=False, comment="JSON: task → engine's code."
        ),
        sa.Column("online", sa.SmallInteger(), server_default="0", nullable=False, comment="1 = it was online."),
        sa.Column(
            "schedule_online",
            sa.SmallInteger(),
            server_default="0",
            nullable=False,
            comment="1 = its schedule was online.",
        ),
        sa.Column(
            "confirmed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When we last saw it.",
        ),
        sa.PrimaryKeyConstraint("engine_id", "workflow_id", name=op.f("pk_engine_deployment")),
        comment="What we last confirmed an engine to hold.",
    )
    op.create_table(
        "engine_lease",
        sa.Column("engine_id", ID, autoincrement=False, nullable=False, comment="Engine."),
        sa.Column("workflow_code", key(100), nullable=False, comment="Workflow."),
        sa.Column("holder", key(200), nullable=False, comment="Who publishes."),
        sa.Column("epoch", ID, nullable=False, comment="Counts up with each taking; fences late writers."),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False, comment="By the database's clock."),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True, comment="When the sweeper looked last."),
        sa.PrimaryKeyConstraint("engine_id", "workflow_code", name=op.f("pk_engine_lease")),
        comment="One publisher per engine and workflow at a time.",
    )
    op.create_table(
        "engine_pace",
        sa.Column("engine_id", ID, autoincrement=False, nullable=False, comment="Engine."),
        sa.Column("free_at", sa.DateTime(timezone=True), nullable=False, comment="No write is begun before that."),
        sa.PrimaryKeyConstraint("engine_id", name=op.f("pk_engine_pace")),
        comment="When an engine may be written to again, whoever writes.",
    )
    op.create_table(
        "flow",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("flow_key", key(40), nullable=False, comment="Random; beginning of its nodes' keys."),
        sa.Column("flow_name", key(100), nullable=False, comment="Name of the definition."),
        sa.Column(
            "definition_version",
            sa.Integer(),
            nullable=True,
            comment="Version it runs on for life; NULL until a manager chose.",
        ),
        sa.Column("biz_id", key(255), nullable=False, comment="What it is about."),
        sa.Column("biz_type", key(100), nullable=False, comment="What kind of thing that is."),
        sa.Column(
            "state", sa.String(length=20), server_default="Initializing", nullable=False, comment="State, as in spec D."
        ),
        sa.Column(
            "context", sa.Text(), server_default="{}", nullable=False, comment="JSON object; frozen by the start."
        ),
        sa.Column("context_version", sa.Integer(), server_default="0", nullable=False, comment="Counts its changes."),
        sa.Column(
            "cancel_reason", sa.Text(), nullable=True, comment="Why it was cancelled; once set it is only undone."
        ),
        sa.Column("error_code", sa.String(length=50), nullable=True, comment="Code of the error that holds it up."),
        sa.Column("error", sa.Text(), nullable=True, comment="That error, for people."),
        sa.Column("created_by", key(100), nullable=False, comment="Who; acts in its flow nodes."),
        sa.Column("holder", key(200), nullable=True, comment="Manager that is at it; NULL = nobody."),
        sa.Column(
            "epoch", ID, server_default="0", nullable=False, comment="Counts up with each lease; fences late words."
        ),
        sa.Column(
            "until", sa.DateTime(timezone=True), nullable=True, comment="End of the lease, by the database's clock."
        ),
        sa.Column(
            "next_due_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When a manager has to look; NULL = not by itself.",
        ),
        sa.Column(
            "deadline_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="End of the whole flow's patience; NULL = none.",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When.",
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True, comment="When it was started."),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="When it came to an end."),
        sa.CheckConstraint(
            "state IN ('Initializing', 'Processing', 'Canceling', 'Canceled', 'Stopped', 'Finished', 'Error')",
            name=op.f("ck_flow_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow")),
        sa.UniqueConstraint("flow_key", name=op.f("uq_flow_flow_key")),
        comment="Durable sequences of steps that survive a crash.",
    )
    op.create_index("ix_flow_biz", "flow", ["biz_type", "biz_id"], unique=False)
    op.create_index("ix_flow_next_due_at", "flow", ["next_due_at"], unique=False)
    op.create_table(
        "flow_attempt",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("flow_node_id", ID, nullable=False, comment="Flow node."),
        sa.Column("no", sa.Integer(), nullable=False, comment="From 1 inside the flow node."),
        sa.Column("action", sa.String(length=10), nullable=False, comment="do, or undo when it was cancelled."),
        sa.Column("holder", key(200), nullable=False, comment="Manager that looked last."),
        sa.Column("epoch", ID, nullable=False, comment="Of the lease under which it looked last."),
        sa.Column("looks", sa.Integer(), server_default="1", nullable=False, comment="Calls; a poll has many."),
        sa.Column(
            "outcome",
            sa.String(length=20),
            nullable=True,
            comment="ok, failed, interrupted; NULL = begun, not known to have ended.",
        ),
        sa.Column("error_code", sa.String(length=50), nullable=True, comment="Code of its error."),
        sa.Column("error", sa.Text(), nullable=True, comment="Its error, for people."),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="Committed before the first call.",
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="When the outcome was known."),
        sa.CheckConstraint("action IN ('do', 'undo')", name=op.f("ck_flow_attempt_action")),
        sa.CheckConstraint("outcome IN ('ok', 'failed', 'interrupted')", name=op.f("ck_flow_attempt_outcome")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow_attempt")),
        sa.UniqueConstraint("flow_node_id", "no", name=op.f("uq_flow_attempt_flow_node_id_no")),
        comment="Attempts at flow nodes: a row before the function is called, its outcome after.",
    )
    op.create_table(
        "flow_node",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("flow_id", ID, nullable=False, comment="Flow."),
        sa.Column("no", sa.Integer(), nullable=False, comment="From 1, in order."),
        sa.Column("node_name", key(100), nullable=False, comment="Name in the definition."),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="call or poll."),
        sa.Column("state", sa.String(length=10), server_default="waiting", nullable=False, comment="How it stands."),
        sa.Column("result", sa.Text(), nullable=True, comment="JSON that its function returned."),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False, comment="Since the last resume."),
        sa.Column("interruptions", sa.Integer(), server_default="0", nullable=False, comment="Since the last resume."),
        sa.Column("error_code", sa.String(length=50), nullable=True, comment="Code of its last error."),
        sa.Column("error", sa.Text(), nullable=True, comment="Its last error, for people."),
        sa.Column(
            "deadline_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Until when it is tried or asked; NULL = for ever.",
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True, comment="When it was begun first."),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="When its verdict came."),
        sa.CheckConstraint("kind IN ('call', 'poll')", name=op.f("ck_flow_node_kind")),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'undone')", name=op.f("ck_flow_node_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow_node")),
        sa.UniqueConstraint("flow_id", "no", name=op.f("uq_flow_node_flow_id_no")),
        sa.UniqueConstraint("flow_id", "node_name", name=op.f("uq_flow_node_flow_id_node_name")),
        comment="Flow nodes of a flow, as its definition had them.",
    )
    op.create_table(
        "inspection_finding",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("rule", key(50), nullable=False, comment="Which rule."),
        sa.Column("object_type", key(20), nullable=False, comment="task, workflow or table."),
        sa.Column("object_code", key(255), nullable=False, comment="Which one."),
        sa.Column("message", sa.Text(), nullable=False, comment="What is wrong and what to do."),
        sa.Column("owner", key(255), nullable=True, comment="Who should look."),
        sa.Column(
            "opened_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="Since when.",
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True, comment="Until when; NULL = open."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection_finding")),
        comment="What is held against the estate; closes by itself when it is mended.",
    )
    op.create_index(
        "ix_inspection_finding_object", "inspection_finding", ["rule", "object_type", "object_code"], unique=False
    )
    op.create_table(
        "metadata_change",
        sa.Column("seq", ID, autoincrement=True, nullable=False, comment="Order of the feed."),
        sa.Column("table_name", key(50), nullable=False, comment="Where."),
        sa.Column("row_id", ID, nullable=False, comment="Which row."),
        sa.Column("action", sa.String(length=10), nullable=False, comment="insert, update or delete."),
        sa.Column(
            "before",
            sa.Text(),
            nullable=True,
            comment="JSON list of the row's keys before; they say what lost an edge.",
        ),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="By the database's clock.",
        ),
        sa.Column("batch_id", ID, nullable=True, comment="NULL = open; else the derivation that took it."),
        sa.CheckConstraint("action IN ('insert', 'update', 'delete')", name=op.f("ck_metadata_change_action")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_metadata_change")),
        comment="Change feed over the metadata and the declarations; written by triggers.",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_metadata_change_batch", "metadata_change", ["batch_id", "seq"], unique=False)
    op.create_table(
        "metadata_import",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("source", key(100), nullable=False, comment="Who owns the row."),
        sa.Column("table_name", key(50), nullable=False, comment="Which metadata table."),
        sa.Column("row_id", ID, nullable=False, comment="Which row of it."),
        sa.Column("natural_key", sa.Text(), nullable=False, comment="Key of the row in its source, as JSON."),
        sa.Column("row_hash", sa.String(length=64), nullable=False, comment="sha256 of what the source says of it."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metadata_import")),
        sa.UniqueConstraint("source", "table_name", "row_id", name=op.f("uq_metadata_import_source_table_name_row_id")),
        comment="Ledger: which source brought which row. A source's rows that are gone are soft-deleted.",
    )
    op.create_table(
        "publish_event",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("record_id", ID, nullable=False, comment="Publish record."),
        sa.Column("round", sa.Integer(), nullable=False, comment="Round of the record."),
        sa.Column("phase", sa.String(length=20), nullable=False, comment="Phase from then on."),
        sa.Column("after_step", sa.Integer(), nullable=False, comment="Number of the last step before it; 0 = none."),
        sa.Column("error_code", sa.String(length=50), nullable=True, comment="Code of the error that led to it."),
        sa.Column("message", sa.Text(), nullable=False, comment="What happened, for people."),
        sa.Column("actor", key(100), nullable=False, comment="Who: a person, or the publisher by itself as system."),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When.",
        ),
        sa.CheckConstraint(
            "phase IN ('intent', 'running', 'settling', 'compensating', 'paused', 'parked', 'confirmed', 'rejected', 'superseded', 'failed', 'aborted')",
            name=op.f("ck_publish_event_phase"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publish_event")),
        comment="What happened to a publish beside its steps: changes of phase, failed looks, what people chose.",
    )
    op.create_index("ix_publish_event_record", "publish_event", ["record_id"], unique=False)
    op.create_table(
        "publish_step",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("record_id", ID, nullable=False, comment="Publish record."),
        sa.Column("round", sa.Integer(), server_default="1", nullable=False, comment="Round of the record."),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="From 1."),
        sa.Column("no", sa.Integer(), nullable=False, comment="From 1 inside the record."),
        sa.Column("step", sa.String(length=30), nullable=False, comment="What was about to be done."),
        sa.Column("request_digest", sa.String(length=80), nullable=False, comment="Hash of what was sent."),
        sa.Column(
            "outcome", key(10), nullable=True, comment="ok, rejected, unknown; NULL = begun, not known to have ended."
        ),
        sa.Column("message", sa.Text(), nullable=True, comment="The engine's word."),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="Committed before the call.",
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="When the outcome was known."),
        sa.CheckConstraint("outcome IN ('ok', 'rejected', 'unknown')", name=op.f("ck_publish_step_outcome")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publish_step")),
        sa.UniqueConstraint("record_id", "no", name=op.f("uq_publish_step_record_id_no")),
        comment="Steps of a publish: written down before the wire is touched, and after.",
    )
    op.create_index("ix_publish_step_outcome", "publish_step", ["outcome", "ended_at"], unique=False)
    op.create_table(
        "table_task_relation",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("table_id", ID, nullable=False, comment="Table."),
        sa.Column("task_id", ID, nullable=False, comment="Task."),
        sa.Column("relation_type", sa.String(length=20), nullable=False, comment="read or write."),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When the row came.",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it last changed.",
        ),
        sa.Column("deleted", sa.SmallInteger(), server_default="0", nullable=False, comment="1 = gone."),
        sa.CheckConstraint("relation_type IN ('read', 'write')", name=op.f("ck_table_task_relation_relation_type")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_table_task_relation")),
        comment="Tasks read and write tables.",
        sqlite_autoincrement=True,
    )
    op.create_index("ix_table_task_relation_table", "table_task_relation", ["table_id"], unique=False)
    op.create_index("ix_table_task_relation_task", "table_task_relation", ["task_id"], unique=False)
    op.create_table(
        "task_definition",
        sa.Column("task_code", key(255), nullable=False, comment="Task."),
        sa.Column("version", sa.Integer(), nullable=False, comment="Current version, from 1."),
        sa.Column("body_hash", sa.String(length=80), nullable=False, comment="Its content in canonical_document."),
        sa.Column("created_by", key(100), nullable=False, comment="Who made version 1."),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When version 1 was made.",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When the current version was made.",
        ),
        sa.PrimaryKeyConstraint("task_code", name=op.f("pk_task_definition")),
        comment="What a DAG node runs now.",
    )
    op.create_table(
        "task_definition_log",
        sa.Column("task_code", key(255), nullable=False, comment="Task."),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False, comment="From 1, never reused."),
        sa.Column("body_hash", sa.String(length=80), nullable=False, comment="Its content in canonical_document."),
        sa.Column("operator", key(100), nullable=False, comment="Who made this version."),
        sa.Column("created_by", key(100), nullable=False, comment="Who made version 1."),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="When version 1 was made."),
        sa.Column(
            "operated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When this version was made.",
        ),
        sa.PrimaryKeyConstraint("task_code", "version", name=op.f("pk_task_definition_log")),
        comment="Every version of a task definition.",
    )
    op.create_table(
        "task_dependency_declaration",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("task_id", ID, nullable=False, comment="The one that waits."),
        sa.Column("upstream_task_id", ID, nullable=False, comment="The one it waits for."),
        sa.Column("reason", sa.Text(), nullable=False, comment="Why; there is no lineage to tell."),
        sa.Column("declared_by", key(100), nullable=False, comment="import:<source> or a person."),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When.",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_dependency_declaration")),
        sa.UniqueConstraint(
            "task_id",
            "upstream_task_id",
            "declared_by",
            name=op.f("uq_task_dependency_declaration_task_id_upstream_task_id_declared_by"),
        ),
        comment="Stated dependencies that no table shows.",
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_task_dependency_declaration_upstream", "task_dependency_declaration", ["upstream_task_id"], unique=False
    )
    op.create_table(
        "task_dependency_view",
        sa.Column("task_id", ID, autoincrement=False, nullable=False, comment="Downstream: the one that waits."),
        sa.Column("upstream_task_id", ID, autoincrement=False, nullable=False, comment="The one it waits for."),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="direct, view or declared."),
        sa.Column("table_read_id", ID, nullable=True, comment="Evidence: the table that is read; NULL when declared."),
        sa.Column("table_written_id", ID, nullable=True, comment="Evidence: the table that is written."),
        sa.Column(
            "chain",
            sa.Text(),
            nullable=True,
            comment="JSON list of table ids from the read to the written one; NULL when direct.",
        ),
        sa.CheckConstraint("kind IN ('direct', 'view', 'declared')", name=op.f("ck_task_dependency_view_kind")),
        sa.PrimaryKeyConstraint("task_id", "upstream_task_id", name=op.f("pk_task_dependency_view")),
        comment="Task depends on task: it reads what the other writes, directly, through views, or as declared.",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_task_dependency_view_upstream", "task_dependency_view", ["upstream_task_id"], unique=False)
    op.create_table(
        "task_topology",
        sa.Column("task_id", ID, autoincrement=False, nullable=False, comment="Task."),
        sa.Column("level", sa.Integer(), nullable=False, comment="Longest path from a task without upstream."),
        sa.Column("cycle", ID, nullable=True, comment="Smallest task id of its cycle; NULL = in none."),
        sa.Column("upstream_task_count", sa.Integer(), nullable=False, comment="Direct upstream tasks."),
        sa.Column("downstream_task_count", sa.Integer(), nullable=False, comment="Direct downstream tasks."),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_task_topology")),
        comment="Where each task stands in the dependency view; cycles are contracted.",
    )
    op.create_index("ix_task_topology_cycle", "task_topology", ["cycle"], unique=False)
    op.create_table(
        "task_workflow_declaration",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("task_id", ID, nullable=False, comment="Task."),
        sa.Column("workflow_code", key(100), nullable=False, comment="Where it shall be."),
        sa.Column("declared_by", key(100), nullable=False, comment="import:<source> or a person."),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why."),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When.",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_workflow_declaration")),
        sa.UniqueConstraint("task_id", "declared_by", name=op.f("uq_task_workflow_declaration_task_id_declared_by")),
        comment="Stated memberships. A person outranks an import.",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "workflow_definition_snapshot",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("workflow_key", key(460), nullable=False, comment="<engine>/<project>/<workflow_code>, for life."),
        sa.Column("workflow_id", ID, nullable=False, comment="Workflow."),
        sa.Column("version_id", ID, nullable=False, comment="Version that is frozen."),
        sa.Column("engine_id", ID, nullable=False, comment="Engine it is for."),
        sa.Column("content_hash", sa.String(length=80), nullable=False, comment="Text in canonical_document."),
        sa.Column(
            "status",
            sa.String(length=20),
            server_default="draft",
            nullable=False,
            comment="draft → published / failed.",
        ),
        sa.Column(
            "is_baseline",
            sa.SmallInteger(),
            server_default="0",
            nullable=False,
            comment="1 = read from the engine at adoption.",
        ),
        sa.Column("error", sa.Text(), nullable=True, comment="How the last attempt failed."),
        sa.Column("publisher", key(100), nullable=False, comment="Who."),
        sa.Column("trigger_source", sa.String(length=20), nullable=False, comment="What led to it."),
        sa.Column("rollback_of", sa.Integer(), nullable=True, comment="Version number whose content came back."),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When.",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it last changed.",
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'published', 'failed')", name=op.f("ck_workflow_definition_snapshot_status")
        ),
        sa.CheckConstraint(
            "trigger_source IN ('task_change', 'lineage_update', 'manual', 'api')",
            name=op.f("ck_workflow_definition_snapshot_trigger_source"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_definition_snapshot")),
        sa.UniqueConstraint(
            "workflow_key", "version_id", name=op.f("uq_workflow_definition_snapshot_workflow_key_version_id")
        ),
        comment="The canonical document frozen for one publish; a retry uses it again.",
    )
    op.create_table(
        "workflow_edge",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("workflow_code", key(100), nullable=False, comment="Workflow."),
        sa.Column("pre_task_code", key(255), nullable=False, comment="Upstream task."),
        sa.Column("post_task_code", key(255), nullable=False, comment="Downstream task."),
        sa.Column("pre_task_version", sa.Integer(), nullable=False, comment="Version of the upstream task."),
        sa.Column("post_task_version", sa.Integer(), nullable=False, comment="Version of the downstream task."),
        sa.Column("workflow_version", sa.Integer(), nullable=False, comment="Version it belongs to."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_edge")),
        sa.UniqueConstraint(
            "workflow_code",
            "pre_task_code",
            "post_task_code",
            name=op.f("uq_workflow_edge_workflow_code_pre_task_code_post_task_code"),
        ),
        comment="Edges of the current version of each workflow.",
    )
    op.create_table(
        "workflow_edge_log",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("workflow_code", key(100), nullable=False, comment="Workflow."),
        sa.Column("pre_task_code", key(255), nullable=False, comment="Upstream task."),
        sa.Column("post_task_code", key(255), nullable=False, comment="Downstream task."),
        sa.Column("pre_task_version", sa.Integer(), nullable=False, comment="Version of the upstream task."),
        sa.Column("post_task_version", sa.Integer(), nullable=False, comment="Version of the downstream task."),
        sa.Column("from_version", sa.Integer(), nullable=False, comment="First version of the unbroken run."),
        sa.Column("to_version", sa.Integer(), nullable=True, comment="Last one; NULL = still there."),
        sa.Column("operator", key(100), nullable=False, comment="Who brought the edge."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_edge_log")),
        comment="One row per edge, task versions and unbroken run of workflow versions.",
    )
    op.create_index("ix_workflow_edge_log_workflow", "workflow_edge_log", ["workflow_code", "to_version"], unique=False)
    op.create_table(
        "workflow_operation_log",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("actor", key(100), nullable=False, comment="Who."),
        sa.Column("action", key(50), nullable=False, comment="Which use case."),
        sa.Column("object_type", key(20), nullable=False, comment="workflow, task, engine, database …"),
        sa.Column("object_code", key(255), nullable=False, comment="Which one; empty = all."),
        sa.Column("outcome", sa.String(length=10), nullable=False, comment="done or refused."),
        sa.Column("detail", sa.Text(), server_default="{}", nullable=False, comment="JSON; never a secret."),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When.",
        ),
        sa.CheckConstraint("outcome IN ('done', 'refused')", name=op.f("ck_workflow_operation_log_outcome")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_operation_log")),
        comment="Audit entries: one a use case that changes something, one a refusal.",
    )
    op.create_index(
        "ix_workflow_operation_log_object", "workflow_operation_log", ["object_type", "object_code"], unique=False
    )
    op.create_table(
        "workflow_publish_record",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("workflow_id", ID, nullable=False, comment="Workflow."),
        sa.Column("version_id", ID, nullable=False, comment="Version."),
        sa.Column("snapshot_id", ID, nullable=True, comment="Frozen document; NULL for offline."),
        sa.Column("engine_id", ID, nullable=False, comment="Engine."),
        sa.Column("flow_id", ID, nullable=True, comment="Durable flow that drives it."),
        sa.Column("target_engine", sa.String(length=20), nullable=False, comment="Kind of the engine."),
        sa.Column("operation", sa.String(length=20), nullable=False, comment="deploy, online or offline."),
        sa.Column(
            "status",
            sa.String(length=20),
            server_default="pending",
            nullable=False,
            comment="pending, success, failed.",
        ),
        sa.Column("phase", key(20), server_default="intent", nullable=False, comment="Finer state of the protocol."),
        sa.Column(
            "desired",
            sa.Text(),
            nullable=True,
            comment="JSON of what the engine shall show; set by the first observation.",
        ),
        sa.Column("found", sa.Text(), nullable=True, comment="JSON of what the engine showed before the first write."),
        sa.Column(
            "took_over",
            sa.SmallInteger(),
            server_default="0",
            nullable=False,
            comment="1 = so it found the engine in the middle of an older publish; found is what that one had found.",
        ),
        sa.Column(
            "target",
            sa.Text(),
            nullable=True,
            comment="JSON of a restore: version_id, online, schedule_online, publishes.",
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="Attempts that failed."),
        sa.Column(
            "round",
            sa.Integer(),
            server_default="1",
            nullable=False,
            comment="From 1; each retry and each way back is another one, with attempts and a deadline of its own.",
        ),
        sa.Column(
            "round_from", sa.Integer(), server_default="0", nullable=False, comment="Attempts before this round."
        ),
        sa.Column(
            "round_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When this round began.",
        ),
        sa.Column(
            "ends_as",
            sa.String(length=20),
            nullable=True,
            comment="Set while what was there before is brought back: phase at the end.",
        ),
        sa.Column(
            "undone_steps",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="Steps up to this number have left nothing: the engine was seen to show what was there before them.",
        ),
        sa.Column(
            "waits_on",
            sa.Text(),
            nullable=True,
            comment="JSON: why it is paused or parked, with what was seen on the engine.",
        ),
        sa.Column(
            "overruled",
            sa.Text(),
            server_default="[]",
            nullable=False,
            comment="JSON digests of foreign edits that somebody chose to overwrite.",
        ),
        sa.Column(
            "engine_workflow_code",
            sa.String(length=100),
            nullable=True,
            comment="The engine's own code of the workflow.",
        ),
        sa.Column("error_code", sa.String(length=50), nullable=True, comment="Code of the last error."),
        sa.Column("error", sa.Text(), nullable=True, comment="Its sentence."),
        sa.Column("log", sa.Text(), server_default="[]", nullable=False, comment="JSON: what was done, in order."),
        sa.Column("operator", key(100), nullable=False, comment="Who."),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it was asked for.",
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True, comment="When it ended."),
        sa.CheckConstraint(
            "ends_as IN ('rejected', 'failed', 'aborted')", name=op.f("ck_workflow_publish_record_ends_as")
        ),
        sa.CheckConstraint(
            "operation IN ('deploy', 'online', 'offline')", name=op.f("ck_workflow_publish_record_operation")
        ),
        sa.CheckConstraint(
            "phase IN ('intent', 'running', 'settling', 'compensating', 'paused', 'parked', 'confirmed', 'rejected', 'superseded', 'failed', 'aborted')",
            name=op.f("ck_workflow_publish_record_phase"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'success', 'failed')", name=op.f("ck_workflow_publish_record_status")
        ),
        sa.CheckConstraint(
            "target_engine IN ('dolphin', 'dinky', 'embedded')", name=op.f("ck_workflow_publish_record_target_engine")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_publish_record")),
        comment="One deploy / online / offline on one engine, and how it ended.",
    )
    op.create_index("ix_workflow_publish_record_phase", "workflow_publish_record", ["phase"], unique=False)
    op.create_index("ix_workflow_publish_record_workflow", "workflow_publish_record", ["workflow_id"], unique=False)
    op.create_table(
        "workflow_settings_declaration",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("workflow_code", key(100), nullable=False, comment="Declared workflow."),
        sa.Column("workflow_name", sa.String(length=200), nullable=True, comment="Display name; NULL = the code."),
        sa.Column("description", sa.Text(), nullable=True, comment="Description."),
        sa.Column(
            "schedule_cron", sa.String(length=100), nullable=True, comment="Five-field cron; NULL = no schedule."
        ),
        sa.Column("time_zone", sa.String(length=64), nullable=True, comment="IANA zone; NULL = the setting's."),
        sa.Column("declared_by", key(100), nullable=False, comment="import:<source> or a person."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_settings_declaration")),
        sa.UniqueConstraint("workflow_code", name=op.f("uq_workflow_settings_declaration_workflow_code")),
        comment="Stated settings of workflows.",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "workflow_task_relation",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("workflow_id", ID, nullable=False, comment="Workflow."),
        sa.Column("task_id", ID, nullable=False, comment="Task: in one workflow at most."),
        sa.Column("node_attrs", sa.Text(), server_default="{}", nullable=False, comment="JSON: layer, owner, tags …"),
        sa.Column(
            "upstream_task_count", sa.Integer(), server_default="0", nullable=False, comment="Direct upstream tasks."
        ),
        sa.Column(
            "downstream_task_count", sa.Integer(), server_default="0", nullable=False, comment="Direct downstream."
        ),
        sa.Column("version_id", ID, nullable=True, comment="Version in which this row last changed."),
        sa.Column("workflow_inheritance_mode", sa.String(length=20), nullable=False, comment="How it came here."),
        sa.Column("placed_by", key(100), nullable=False, comment="system, import:<source> or a person."),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When.",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it last changed.",
        ),
        sa.CheckConstraint(
            "workflow_inheritance_mode IN ('auto', 'inherit_upstream', 'manual_select')",
            name=op.f("ck_workflow_task_relation_workflow_inheritance_mode"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_task_relation")),
        sa.UniqueConstraint("task_id", name=op.f("uq_workflow_task_relation_task_id")),
        comment="Membership. It is kept while its task is deleted, so that an undeleted task returns.",
    )
    op.create_index("ix_workflow_task_relation_workflow", "workflow_task_relation", ["workflow_id"], unique=False)
    op.create_table(
        "workflow_version",
        sa.Column("id", ID, autoincrement=True, nullable=False, comment="Never leaves the database."),
        sa.Column("workflow_id", ID, nullable=False, comment="Workflow."),
        sa.Column("version_no", sa.Integer(), nullable=False, comment="From 1, never reused; shown with a V."),
        sa.Column(
            "structure_snapshot", sa.Text(), nullable=False, comment="JSON: settings, tasks with versions, edges."
        ),
        sa.Column("content_hash", sa.String(length=80), nullable=False, comment="Of the whole document."),
        sa.Column("functional_hash", sa.String(length=80), nullable=False, comment="Without names and descriptions."),
        sa.Column("change_summary", sa.String(length=1000), nullable=False, comment="What changed and why."),
        sa.Column("trigger_source", sa.String(length=20), nullable=False, comment="What led to it."),
        sa.Column("rollback_of", sa.Integer(), nullable=True, comment="Version number whose content came back."),
        sa.Column("created_by", key(100), nullable=False, comment="Who."),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When.",
        ),
        sa.CheckConstraint(
            "trigger_source IN ('task_change', 'lineage_update', 'manual', 'api')",
            name=op.f("ck_workflow_version_trigger_source"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_version")),
        sa.UniqueConstraint("workflow_id", "version_no", name=op.f("uq_workflow_version_workflow_id_version_no")),
        comment="V1, V2 … of a workflow; immutable.",
    )
    dialect = op.get_bind().dialect.name
    for statement in (*change_feed.create_statements(dialect), *map(views.text, VIEWS)):
        op.execute(statement)


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW IF EXISTS {name}")
    for statement in change_feed.drop_statements(dialect):
        op.execute(statement)
    op.drop_table("workflow_version")
    op.drop_index("ix_workflow_task_relation_workflow", table_name="workflow_task_relation")
    op.drop_table("workflow_task_relation")
    op.drop_table("workflow_settings_declaration")
    op.drop_index("ix_workflow_publish_record_workflow", table_name="workflow_publish_record")
    op.drop_index("ix_workflow_publish_record_phase", table_name="workflow_publish_record")
    op.drop_table("workflow_publish_record")
    op.drop_index("ix_workflow_operation_log_object", table_name="workflow_operation_log")
    op.drop_table("workflow_operation_log")
    op.drop_index("ix_workflow_edge_log_workflow", table_name="workflow_edge_log")
    op.drop_table("workflow_edge_log")
    op.drop_table("workflow_edge")
    op.drop_table("workflow_definition_snapshot")
    op.drop_table("task_workflow_declaration")
    op.drop_index("ix_task_topology_cycle", table_name="task_topology")
    op.drop_table("task_topology")
    op.drop_index("ix_task_dependency_view_upstream", table_name="task_dependency_view")
    op.drop_table("task_dependency_view")
    op.drop_index("ix_task_dependency_declaration_upstream", table_name="task_dependency_declaration")
    op.drop_table("task_dependency_declaration")
    op.drop_table("task_definition_log")
    op.drop_table("task_definition")
    op.drop_index("ix_table_task_relation_task", table_name="table_task_relation")
    op.drop_index("ix_table_task_relation_table", table_name="table_task_relation")
    op.drop_table("table_task_relation")
    op.drop_index("ix_publish_step_outcome", table_name="publish_step")
    op.drop_table("publish_step")
    op.drop_index("ix_publish_event_record", table_name="publish_event")
    op.drop_table("publish_event")
    op.drop_table("metadata_import")
    op.drop_index("ix_metadata_change_batch", table_name="metadata_change")
    op.drop_table("metadata_change")
    op.drop_index("ix_inspection_finding_object", table_name="inspection_finding")
    op.drop_table("inspection_finding")
    op.drop_table("flow_node")
    op.drop_table("flow_attempt")
    op.drop_index("ix_flow_next_due_at", table_name="flow")
    op.drop_index("ix_flow_biz", table_name="flow")
    op.drop_table("flow")
    op.drop_table("engine_pace")
    op.drop_table("engine_lease")
    op.drop_table("engine_deployment")
    op.drop_table("engine_breaker")
    op.drop_table("engine")
    op.drop_table("embedded_workflow_version")
    op.drop_index(op.f("ix_embedded_workflow_next_fire_at"), table_name="embedded_workflow")
    op.drop_table("embedded_workflow")
    op.drop_table("embedded_task_instance")
    op.drop_index("ix_embedded_instance_state", table_name="embedded_instance")
    op.drop_table("embedded_instance")
    op.drop_table("embedded_fire")
    op.drop_table("derivation_todo")
    op.drop_table("derivation_batch")
    op.drop_table("data_workflow")
    op.drop_table("data_task")
    op.drop_table("data_table")
    op.drop_index("ix_data_lineage_upstream", table_name="data_lineage")
    op.drop_index("ix_data_lineage_task", table_name="data_lineage")
    op.drop_index("ix_data_lineage_downstream", table_name="data_lineage")
    op.drop_table("data_lineage")
    op.drop_index("ix_cross_workflow_dependency_workflow", table_name="cross_workflow_dependency")
    op.drop_index("ix_cross_workflow_dependency_upstream_workflow", table_name="cross_workflow_dependency")
    op.drop_index("ix_cross_workflow_dependency_upstream_task", table_name="cross_workflow_dependency")
    op.drop_table("cross_workflow_dependency")
    op.drop_index(op.f("ix_change_set_member_workflow_id"), table_name="change_set_member")
    op.drop_index(op.f("ix_change_set_member_record_id"), table_name="change_set_member")
    op.drop_table("change_set_member")
    op.drop_index(op.f("ix_change_set_state"), table_name="change_set")
    op.drop_index(op.f("ix_change_set_restores"), table_name="change_set")
    op.drop_table("change_set")
    op.drop_table("canonical_document")
    op.drop_index(op.f("ix_alert_state_due_at"), table_name="alert")
    op.drop_index(op.f("ix_alert_lead_id_workflow_code_kind_raised_at"), table_name="alert")
    op.drop_table("alert")
