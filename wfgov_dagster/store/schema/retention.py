"""Retention rules, tags, and how clean-ups come on."""

import sqlalchemy as sa

from wfgov_dagster.store.schema.types import Id, key, metadata, moment, one_of

retention_rule = sa.Table(
    "retention_rule",
    metadata,
    sa.Column("workflow_code", key(100), primary_key=True, comment="Workflow; empty = every one."),
    sa.Column("keep_last", sa.Integer, comment="So many newest versions stay; NULL = as for every workflow."),
    sa.Column("keep_days", sa.Integer, comment="What is younger stays, 0 = none; NULL = as for every workflow."),
    sa.Column("keep_tagged", sa.SmallInteger, comment="1 = tagged ones stay; NULL = as for every workflow."),
    sa.Column("keep_published", sa.SmallInteger, comment="1 = published stay; NULL = as for every workflow."),
    sa.Column("set_by", key(100), nullable=False, comment="Who said so."),
    moment("set_at", "When."),
    comment="Which versions a clean-up leaves, beside those that are protected.",
)

workflow_version_tag = sa.Table(
    "workflow_version_tag",
    metadata,
    sa.Column("workflow_id", Id, primary_key=True, autoincrement=False, comment="Workflow."),
    sa.Column("tag", key(100), primary_key=True, comment="A name for one version of it."),
    sa.Column("version_id", Id, nullable=False, comment="That version."),
    sa.Column("tagged_by", key(100), nullable=False, comment="Who."),
    moment("tagged_at", "When."),
    comment="Names that people give to versions.",
)

clean_up_cursor = sa.Table(
    "clean_up_cursor",
    metadata,
    sa.Column("flow_id", Id, primary_key=True, autoincrement=False, comment="Durable flow of the clean-up."),
    sa.Column("step", key(20), primary_key=True, comment="Flow node."),
    sa.Column("done_to", key(400), nullable=False, comment="Everything up to this key is done."),
    comment="How far a clean-up has come.",
)

clean_up_count = sa.Table(
    "clean_up_count",
    metadata,
    sa.Column("flow_id", Id, primary_key=True, autoincrement=False, comment="Durable flow of the clean-up."),
    sa.Column("workflow_code", key(100), primary_key=True, comment="Workflow; empty = of tasks, which are nobody's."),
    sa.Column("what", key(20), primary_key=True, comment="versions, edges, tasks, bodies."),
    sa.Column("rows", Id, nullable=False, comment="Rows that were removed."),
    sa.Column("bytes", Id, nullable=False, comment="What was in them."),
    comment="What a clean-up has removed.",
)

clean_up_engine_version = sa.Table(
    "clean_up_engine_version",
    metadata,
    sa.Column("flow_id", Id, primary_key=True, autoincrement=False, comment="Durable flow of the clean-up."),
    sa.Column("engine_id", Id, primary_key=True, autoincrement=False, comment="Engine."),
    sa.Column("workflow_code", key(100), primary_key=True, comment="Workflow."),
    sa.Column(
        "engine_version",
        sa.Integer,
        primary_key=True,
        autoincrement=False,
        comment="The engine's own version; 0 = its list could not be read.",
    ),
    sa.Column("outcome", sa.String(10), comment="NULL = asked for, answer not known."),
    sa.Column("message", sa.Text, comment="The engine's word."),
    moment("asked_at", "Committed before the call."),
    one_of("outcome", ("removed", "refused", "unknown")),
    comment="Versions that an engine was asked to forget.",
)
