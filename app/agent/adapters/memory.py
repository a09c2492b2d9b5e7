"""How much memory this process holds now."""

import psutil


def resident_bytes() -> int:
    """Return the resident set size of this process."""
    return int(psutil.Process().memory_info().rss)
