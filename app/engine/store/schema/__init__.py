"""The schema: a file per area, all of it in `metadata`."""

from app.engine.store.schema import core, fleet, learning, observe, quantum, runs, sync
from app.engine.store.schema.columns import MERGE_KINDS, STAMPS, metadata

__all__ = ["MERGE_KINDS", "STAMPS", "core", "fleet", "learning", "metadata", "observe", "quantum", "runs", "sync"]
