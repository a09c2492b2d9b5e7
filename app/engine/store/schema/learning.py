"""Tables of federated training: a session of rounds over nodes, and what each node sent in each round.

Updates themselves are not kept: `model_update` tells their digest, norm and bytes. `privacy_config` and `privacy_spent` say
what was promised and used; empty and null where no noise was added.
"""

from sqlalchemy import Index

from app.engine.store.schema.columns import document, real, synced, text, whole

SESSIONS = synced(
    "federated_training_sessions",
    text("session_name"),
    text("model_architecture", "append"),
    document("privacy_config", "append", dict),
    document("participating_nodes", "append", list),
    whole("current_round"),
    real("convergence_metric"),
    text("status", "guarded"),
    whole("started_at", "append"),
    text("reason"),
    document("spec", "append", dict),
    document("checkpoint", default=dict),
    Index("ix_federated_training_sessions_status", "status"),
)

UPDATES = synced(
    "federated_updates",
    text("session_id", "append"),
    whole("round_number", "append"),
    text("node_id", "append"),
    document("model_update", "append", dict),
    document("metrics", "append", dict),
    real("privacy_spent", "append"),
    whole("submitted_at", "append"),
    text("status", "append"),
    text("reason", "append"),
    Index(None, "session_id", "round_number"),
)
