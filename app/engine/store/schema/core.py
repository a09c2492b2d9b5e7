"""Tables of the house itself: jobs, artifacts, audit, outbox and meta."""

from sqlalchemy import Column, Index, Integer

from app.engine.store.schema.columns import document, key, local, real, text, whole

META = local("meta", key("id", "local"), document("value", "local"))

JOBS = local(
    "jobs",
    key("id", "local"),
    text("kind", "local"),
    text("target", "local"),
    text("title", "local"),
    text("state", "local"),
    document("spec", "local", dict),
    whole("seed", "local"),
    whole("created_us", "local"),
    whole("started_us", "local"),
    whole("ended_us", "local"),
    real("done", "local", 0.0),
    real("total", "local", 0.0),
    text("unit", "local"),
    document("partial", "local", dict),
    document("result", "local"),
    text("artifact", "local"),
    document("error", "local"),
    text("cause", "local"),
    text("actor", "local"),
    Index(None, "state", "created_us"),
    Index(None, "artifact"),
)

ARTIFACTS = local(
    "artifacts",
    key("id", "local"),
    text("kind", "local"),
    text("media_type", "local"),
    whole("size_bytes", "local"),
    whole("created_us", "local"),
)

AUDIT = local(
    "audit",
    key("id", "append"),
    whole("at_us", "append"),
    text("actor", "append"),
    text("command", "append"),
    document("args", "append", dict),
    text("cause", "append"),
    text("outcome", "append"),
    text("detail", "append"),
    real("duration_s", "append"),
    Index(None, "at_us"),
    Index(None, "command", "at_us"),
    Index(None, "actor", "at_us"),
)

# One row per changed row, written by the triggers of `capture.py`: `fields` holds what changed, `before` what stood there in
# columns whose merge asks for it, `hlc` the hybrid logical clock.
OUTBOX = local(
    "outbox",
    Column("seq", Integer, primary_key=True, autoincrement=True, info={"merge": "local"}),
    text("txn", "local"),
    text("table_name", "local"),
    text("row_id", "local"),
    text("action", "local"),
    document("fields", "local", dict),
    whole("base_version", "local"),
    whole("at_us", "local"),
    text("actor", "local"),
    text("cause", "local"),
    document("before", "local"),
    whole("hlc", "local", None),
    text("intent", "local", None),
    whole("is_new", "local", None),
    sqlite_autoincrement=True,
)
