"""Sync: an operation log, ordered at a hub, merged field by field; so that weeks offline end in one state."""
