"""Durable flows, their flow nodes, and every attempt at one."""

import sqlalchemy as sa

from wfgov_dagster.store.schema.types import Id, UtcDateTime, identity, key, metadata, moment, one_of

_STATES = ("Initializing", "Processing", "Canceling", "Canceled", "Stopped", "Finished", "Error")

flow = sa.Table(
    "flow",
    metadata,
    identity(),
    sa.Column("flow_key", key(40), nullable=False, unique=True, comment="Random; beginning of its nodes' keys."),
    sa.Column("flow_name", key(100), nullable=False, comment="Name of the definition."),
    sa.Column("definition_version", sa.Integer, comment="Version it runs on for life; NULL until a manager chose."),
    sa.Column("biz_id", key(255), nullable=False, comment="What it is about."),
    sa.Column("biz_type", key(100), nullable=False, comment="What kind of thing that is."),
    sa.Column("state", sa.String(20), nullable=False, server_default="Initializing", comment="State, as in spec D."),
    sa.Column("context", sa.Text, nullable=False, server_default="{}", comment="JSON object; frozen by the start."),
    sa.Column("context_version", sa.Integer, nullable=False, server_default="0", comment="Counts its changes."),
    sa.Column("cancel_reason", sa.Text, comment="Why it was cancelled; once set it is only undone."),
    sa.Column("error_code", sa.String(50), comment="Code of the error that holds it up."),
    sa.Column("error", sa.Text, comment="That error, for people."),
    sa.Column("created_by", key(100), nullable=False, comment="Who; acts in its flow nodes."),
    sa.Column("holder", key(200), comment="Manager that is at it; NULL = nobody."),
    sa.Column("epoch", Id, nullable=False, server_default="0", comment="Counts up with each lease; fences late words."),
    sa.Column("until", UtcDateTime, comment="End of the lease, by the database's clock."),
    sa.Column("next_due_at", UtcDateTime, comment="When a manager has to look; NULL = not by itself."),
    sa.Column("deadline_at", UtcDateTime, comment="End of the whole flow's patience; NULL = none."),
    moment("created_at", "When."),
    moment("started_at", "When it was started.", nullable=True),
    moment("ended_at", "When it came to an end.", nullable=True),
    one_of("state", _STATES),
    sa.Index("ix_flow_next_due_at", "next_due_at"),
    sa.Index("ix_flow_biz", "biz_type", "biz_id"),
    comment="Durable sequences of steps that survive a crash.",
)

flow_node = sa.Table(
    "flow_node",
    metadata,
    identity(),
    sa.Column("flow_id", Id, nullable=False, comment="Flow."),
    sa.Column("no", sa.Integer, nullable=False, comment="From 1, in order."),
    sa.Column("node_name", key(100), nullable=False, comment="Name in the definition."),
    sa.Column("kind", sa.String(10), nullable=False, comment="call or poll."),
    sa.Column("state", sa.String(10), nullable=False, server_default="waiting", comment="How it stands."),
    sa.Column("result", sa.Text, comment="JSON that its function returned."),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0", comment="Since the last resume."),
    sa.Column("interruptions", sa.Integer, nullable=False, server_default="0", comment="Since the last resume."),
    sa.Column("error_code", sa.String(50), comment="Code of its last error."),
    sa.Column("error", sa.Text, comment="Its last error, for people."),
    sa.Column("deadline_at", UtcDateTime, comment="Until when it is tried or asked; NULL = for ever."),
    moment("started_at", "When it was begun first.", nullable=True),
    moment("ended_at", "When its verdict came.", nullable=True),
    one_of("kind", ("call", "poll")),
    one_of("state", ("waiting", "running", "done", "failed", "undone")),
    sa.UniqueConstraint("flow_id", "no"),
    sa.UniqueConstraint("flow_id", "node_name"),
    comment="Flow nodes of a flow, as its definition had them.",
)

flow_attempt = sa.Table(
    "flow_attempt",
    metadata,
    identity(),
    sa.Column("flow_node_id", Id, nullable=False, comment="Flow node."),
    sa.Column("no", sa.Integer, nullable=False, comment="From 1 inside the flow node."),
    sa.Column("action", sa.String(10), nullable=False, comment="do, or undo when it was cancelled."),
    sa.Column("holder", key(200), nullable=False, comment="Manager that looked last."),
    sa.Column("epoch", Id, nullable=False, comment="Of the lease under which it looked last."),
    sa.Column("looks", sa.Integer, nullable=False, server_default="1", comment="Calls; a poll has many."),
    sa.Column("outcome", sa.String(20), comment="ok, failed, interrupted; NULL = begun, not known to have ended."),
    sa.Column("error_code", sa.String(50), comment="Code of its error."),
    sa.Column("error", sa.Text, comment="Its error, for people."),
    moment("started_at", "Committed before the first call."),
    moment("ended_at", "When the outcome was known.", nullable=True),
    one_of("action", ("do", "undo")),
    one_of("outcome", ("ok", "failed", "interrupted")),
    sa.UniqueConstraint("flow_node_id", "no"),
    comment="Attempts at flow nodes: a row before the function is called, its outcome after.",
)

flow_call = sa.Table(
    "flow_call",
    metadata,
    sa.Column("day", sa.Date, primary_key=True, comment="Day in UTC on which it was written down."),
    sa.Column("verb", key(50), primary_key=True, comment="flow_query, flow_detail, flow_start …"),
    sa.Column("calls", Id, nullable=False, server_default="0", comment="How often, failures included."),
    sa.Column("failures", Id, nullable=False, server_default="0", comment="How often in vain."),
    sa.Column("seconds", sa.Double, nullable=False, server_default="0", comment="Of all calls together."),
    comment="How often the verbs of flows were called, by all processes together.",
)
