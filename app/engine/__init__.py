"""The engine: everything Outpost does, without a window."""
