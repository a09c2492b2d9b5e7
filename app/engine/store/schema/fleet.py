"""Tables of the fleet: nodes, deployments, rollouts and what nodes measured; who waits to be let in; twins and layers."""

from sqlalchemy import Index
from sqlalchemy import text as sql

from app.engine.store.schema.columns import document, key, key_whole, local, real, synced, text, whole

NODES = synced(
    "edge_nodes",
    text("node_identifier", "append"),
    text("name"),
    text("address"),
    real("location_lat"),
    real("location_lon"),
    document("hardware_profile", default=dict),
    text("connectivity_type"),
    text("status", "local"),
    whole("last_heartbeat", "local"),
    whole("registered_at", "append"),
    text("site"),
    document("labels", "set", dict),
    text("certificate"),
    document("identity", default=dict),
    text("cursor_epoch", "local"),
    whole("cursor_seq", "local"),
    text("home", "local"),
    document("models", "local"),
    text("tier", default=None),
    text("held", default=None),
    whole("link_bytes_s", default=None),
    whole("link_bytes_day", default=None),
    Index(
        "uq_edge_nodes_node_identifier",
        "node_identifier",
        unique=True,
        sqlite_where=sql("deleted_us IS NULL"),
    ),
    lasting=True,
)

DEPLOYMENTS = synced(
    "edge_deployments",
    text("deployment_name"),
    text("model_id"),
    document("target_nodes", "set", list),
    document("deployment_config", default=dict),
    text("rollout_strategy"),
    text("status", "guarded"),
    whole("deployed_at"),
    lasting=True,
)

# At least once from the node, deduplicated here by (node_id, epoch, seq).
TELEMETRY = local(
    "edge_telemetry",
    key("node_id", "local"),
    key("epoch", "local"),
    key_whole("seq", "local"),
    document("metrics_snapshot", "local", dict),
    whole("inference_count", "local"),
    real("average_latency_ms", "local"),
    real("error_rate", "local"),
    document("resource_usage", "local", dict),
    whole("collected_at", "local"),
    Index(None, "node_id", "collected_at"),
    Index(None, "collected_at"),
)

# Nodes that were found, listed in a file or announced, and that nobody has paired with yet.
CANDIDATES = local(
    "edge_candidates",
    key("id", "local"),
    text("name", "local"),
    text("address", "local"),
    text("device_id", "local"),
    text("source", "local"),
    text("state", "local"),
    document("about", "local", dict),
    whole("found_us", "local"),
)

# A layer is a part of the desired state that holds for every node its query finds; the higher priority wins per key.
LAYERS = synced(
    "edge_layers",
    text("name"),
    text("query"),
    whole("priority"),
    whole("version"),
    document("document", default=dict),
    lasting=True,
)

# The id is the node's. `desired` holds the node's own keys, above all layers; `acked` is what the node last took from here,
# at its own `acked_version`.
TWINS = synced(
    "edge_twins",
    whole("version"),
    document("desired", default=dict),
    document("acked", "local", dict),
    document("reported", "local", dict),
    whole("acked_version", "local"),
    whole("applied_version", "local"),
    whole("reported_us", "local"),
    document("conflict", "local", dict),
    lasting=True,
)

SAVED_VIEWS = synced(
    "saved_views",
    text("name"),
    text("page"),
    text("filter"),
    text("sort"),
    text("grouping"),
    document("columns", default=list),
)

# One row per node of a rollout; the rollout itself is a row of `edge_deployments`. One console writes them, so they stay here.
ROLLOUT_TASKS = local(
    "rollout_tasks",
    key("rollout_id", "local"),
    key("node_id", "local"),
    text("state", "local"),
    document("task", "local", dict),
)
