"""Tables of what was observed: the events, as they were told on the bus."""

from sqlalchemy import Index

from app.engine.store.schema.columns import document, key, local, text, whole

# `object_id` is what it happened to (a node, a run, a setting), of the kind `object_kind`; `state` is how that stands now.
EVENTS = local(
    "events",
    key("id", "local"),
    whole("at_us", "local"),
    text("name", "local"),
    text("actor", "local"),
    text("cause", "local"),
    text("object_kind", "local"),
    text("object_id", "local"),
    text("object_name", "local"),
    text("state", "local"),
    document("detail", "local", dict),
    Index(None, "at_us"),
    Index(None, "object_id", "at_us"),
    Index(None, "name", "at_us"),
)
