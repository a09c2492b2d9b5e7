"""The nodes: registry, health, telemetry."""
