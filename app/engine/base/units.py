"""Numbers as people read them: units, ages and times; used only where something is drawn or printed."""

import math

_THIN = "\u2009"


def bytes_text(count: float) -> str:
    """Return a byte count with a binary unit, as in 41 MiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f}{_THIN}{unit}" if unit == "B" or abs(count) >= 10 else f"{count:.1f}{_THIN}{unit}"
        count /= 1024
    return f"{count:.1f}{_THIN}TiB"


def ratio_text(ratio: float | None) -> str:
    """Return a ratio 0 to 1 as percent; an unknown one as an en dash."""
    return "–" if ratio is None or math.isnan(ratio) else f"{100 * ratio:.0f}{_THIN}%"


def span_text(seconds: float | None) -> str:
    """Return a time span with the unit that suits it: 340 µs, 1.2 ms, 3.4 s, 5 min, 2 h, 3 d."""
    if seconds is None or math.isnan(seconds):
        return "–"
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f}{_THIN}µs"
    if seconds < 1:
        return f"{seconds * 1e3:.3g}{_THIN}ms"
    for limit, size, unit in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h")):
        if seconds < limit:
            return (
                f"{seconds / size:.1f}{_THIN}{unit}" if unit == "s" and seconds < 10 else f"{seconds / size:.0f}{_THIN}{unit}"
            )
    return f"{seconds / 86400:.0f}{_THIN}d"
