"""Numbers as people read them: units, counts, ages and times; used only where something is drawn or printed.

Decimal and grouping signs follow the language of the texts, times of day the zone in use (UTC or this place's own).
"""

import math
from datetime import UTC, datetime
from typing import Final

from app.engine.base.text import language

_THIN = "\u2009"
# (decimal sign, sign between groups of three), as Unicode CLDR has them.
_SIGNS: Final = {"en": (".", ","), "de": (",", ".")}

_zone: str = "utc"


def use_zone(zone: str) -> None:
    """Write times of day in "utc", or in "local" time from now on."""
    global _zone
    _zone = zone


def zone() -> str:
    """Return the zone in use: utc or local."""
    return _zone


def number_text(value: float, form: str = "") -> str:
    """Return a number with the signs of the reader's language; `form` as in format(), `,` for groups of three."""
    decimal, group = _SIGNS.get(language(), _SIGNS["en"])
    return format(value, form).translate({ord("."): decimal, ord(","): group})


def count_text(count: float) -> str:
    """Return a whole number in groups of three: 12,345 in English, 12.345 in German."""
    return number_text(round(count), ",")


def bytes_text(count: float) -> str:
    """Return a byte count with a binary unit, as in 41 MiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{number_text(count, '.0f' if unit == 'B' or abs(count) >= 10 else '.1f')}{_THIN}{unit}"
        count /= 1024
    return f"{number_text(count, '.1f')}{_THIN}TiB"


def figure_text(value: float) -> str:
    """Return a figure without needless digits: six that count, whole numbers in groups of three."""
    return number_text(value, ",.0f") if float(value).is_integer() else number_text(value, ",.6g")


def typed_text(value: float) -> str:
    """Return a number as it is typed in files and on the command line, with a point in every language."""
    return f"{value:g}"


def ratio_text(ratio: float | None, form: str = ".0f") -> str:
    """Return a ratio 0 to 1 as percent, its number in `form`; an unknown one as an en dash."""
    if ratio is None or math.isnan(ratio):
        return "–"
    text = number_text(100 * ratio, form)
    # Two figures of 100 would be written 1e+02.
    return f"{number_text(100 * ratio, ',.0f') if 'e+' in text else text}{_THIN}%"


def span_text(seconds: float | None) -> str:
    """Return a time span with the unit that suits it: 340 µs, 1.2 ms, 3.4 s, 5 min, 2 h, 3 d."""
    if seconds is None or math.isnan(seconds):
        return "–"
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f}{_THIN}µs"
    if seconds < 1:
        return f"{number_text(seconds * 1e3, '.3g')}{_THIN}ms"
    for limit, size, unit in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h")):
        if seconds < limit:
            return f"{number_text(seconds / size, '.1f' if unit == 's' and seconds < 10 else '.0f')}{_THIN}{unit}"
    return f"{seconds / 86400:.0f}{_THIN}d"


def clock_text(at_us: int) -> str:
    """Return the time of day of `at_us` with its zone: 14:02:11 UTC."""
    at = datetime.fromtimestamp(at_us / 1e6, UTC)
    return f"{at:%H:%M:%S} UTC" if _zone == "utc" else f"{at.astimezone():%H:%M:%S %Z}"


def time_text(at_us: int | None) -> str:
    """Return date and time of `at_us` in the zone in use: 2026-03-01 14:02:11 (Z for UTC); an en dash for never."""
    if not at_us:
        return "–"
    at = datetime.fromtimestamp(at_us / 1e6, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}Z" if _zone == "utc" else f"{at.astimezone():%Y-%m-%d %H:%M:%S}"
