"""Tables of sync: who we are to others, our own operations, what each value's stamp is, the peers, and a hub's log."""

from sqlalchemy import Column, Index, Integer

from app.engine.store.schema.columns import document, key, key_whole, local, synced, text, whole

# One row, `here`: read by the triggers that write the outbox. `applying` keeps them quiet, `hlc` is the clock, `skew_us` what
# a hub said our clock is behind. The last of our own operations is `seq`, its chain of digests `chain`.
HERE = local(
    "sync_here",
    key("id", "local"),
    text("replica", "local"),
    whole("hlc", "local"),
    whole("applying", "local"),
    whole("skew_us", "local"),
    text("txn", "local"),
    text("actor", "local"),
    text("cause", "local"),
    text("intent", "local"),
    whole("now_us", "local"),
    whole("seq", "local"),
    text("chain", "local"),
)

# What is left of the outbox once it has a number: our own operations, until a hub has them in a backup.
OPS = local(
    "sync_ops",
    key_whole("seq", "local"),
    text("table_name", "local"),
    text("row_id", "local"),
    text("op", "local"),
    text("chain", "local"),
    Index(None, "table_name", "row_id"),
)

# Where our own log is stamped anew, slice by slice: each stamp with those its writer had seen, and the time it gets.
MOVED = local(
    "sync_moved",
    key_whole("hlc", "local"),
    key("replica", "local"),
    document("had", "local", list),
    whole("fresh_hlc", "local"),
)

CELLS = local(
    "sync_cells",
    key("table_name", "local"),
    key("row_id", "local"),
    text("cells", "local"),
)

# A peer is a hub this home syncs with, a console that syncs with this hub, or a console whose bundles are taken.
PEERS = local(
    "sync_peers",
    key("id", "local"),
    text("kind", "local"),
    text("name", "local"),
    text("address", "local"),
    document("identity", "local", dict),
    text("epoch", "local"),
    whole("cursor", "local"),
    whole("acked", "local"),
    whole("durable", "local"),
    whole("sent_bytes", "local"),
    whole("received_bytes", "local"),
    whole("synced_us", "local"),
    whole("tried_us", "local"),
    text("error", "local"),
    whole("schema", "local"),
    document("state", "local", dict),
)

REPLICAS = local(
    "sync_replicas",
    key("id", "local"),
    text("device", "local"),
    text("name", "local"),
    text("state", "local"),
    whole("acked", "local"),
    text("chain", "local"),
    whole("cursor", "local"),
    whole("durable", "local"),
    whole("schema", "local"),
    whole("seen_us", "local"),
)

LOG = local(
    "sync_log",
    Column("hub_seq", Integer, primary_key=True, autoincrement=True, info={"merge": "local"}),
    text("replica", "local"),
    whole("seq", "local"),
    whole("left_count", "local"),
    text("table_name", "local"),
    text("row_id", "local"),
    whole("at_us", "local"),
    text("op", "local"),
    text("verdicts", "local"),
    Index("uq_sync_log_replica_seq", "replica", "seq", unique=True),
    Index(None, "table_name", "row_id"),
    sqlite_autoincrement=True,
)

# Operations, or parts of them, that this version does not know: tried again after an update.
LATER = local(
    "sync_later",
    Column("number", Integer, primary_key=True, autoincrement=True, info={"merge": "local"}),
    text("replica", "local"),
    text("op", "local"),
    sqlite_autoincrement=True,
)

# What lost against a write that did not know of it. Hubs write the rows; a choice is a change like any other.
CONFLICTS = synced(
    "sync_conflicts",
    text("table_name", "append"),
    text("row_id", "append"),
    text("column_name", "append"),
    text("title", "append"),
    text("reason", "append"),
    document("kept", "append"),
    whole("kept_us", "append"),
    text("kept_by", "append"),
    document("lost", "append"),
    whole("lost_us", "append"),
    text("lost_by", "append"),
    text("state"),
    text("choice"),
    text("resolved_by"),
    whole("resolved_us"),
    Index("ix_sync_conflicts_state", "state"),
    lasting=True,
)
