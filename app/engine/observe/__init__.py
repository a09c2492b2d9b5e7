"""What the engine tells of itself: traces and metrics."""
