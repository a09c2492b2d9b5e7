"""The ground floor: errors, events, records, rings, clocks, settings and command rows (stdlib and numpy only)."""
