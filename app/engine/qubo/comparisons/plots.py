"""The curves of a comparison: the share of runs that reached the target, and how the median run came down."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.engine.base.units import number_text, ratio_text
from app.engine.qubo.comparisons.canvas import MUTED, Line, Mark, Words

COLORS: Final = ("#2f6fde", "#d9822b", "#3a9b6b", "#a44fb5", "#c4413a", "#6b7280")
SIZE: Final = (720, 320)
_WIDTH, _HEIGHT = SIZE
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 10, 10, 40
Points = Sequence[tuple[float, float]]


def shares(result: Mapping[str, Any]) -> list[Mark]:
    """Return the share of runs that reached the target over time (log scale), a step line per solver."""
    lines = []
    for row in result["rows"]:
        times = sorted(time for time in row["times"] if time)
        lines.append((str(row["label"]), [(time, (k + 1) / len(row["times"])) for k, time in enumerate(times)]))
    most = float(result["seconds"])
    least = 0.8 * min([time for _, points in lines for time, _ in points] + [most / 10])
    ticks = [(share, ratio_text(share)) for share in (0.0, 0.5, 1.0)]
    return _framed((least, most), (0.0, 1.0), ticks) + _steps(lines, (least, most), (0.0, 1.0), rising=True, first=0.0)


def medians(result: Mapping[str, Any]) -> list[Mark]:
    """Return the objective of the median run over time (log scale), a step line per solver; nothing when none was kept."""
    courses = result.get("median_course") or {}
    lines = [(label, [(t, value) for t, value in courses.get(label, ())]) for label in (row["label"] for row in result["rows"])]
    values = [value for _, points in lines for _, value in points]
    if not values:
        return []
    most = float(result["seconds"])
    least = min(t for _, points in lines for t, _ in points)
    low, high = min(values), max(values)
    room = 0.06 * (high - low) or abs(high) * 0.01 or 1.0
    ticks = [(value, number_text(value, ",.6g")) for value in (low, (low + high) / 2, high)]
    scale = (low - room, high + room)
    return _framed((least, most), scale, ticks) + _steps(lines, (least, most), scale, rising=result["sense"] == "max")


def _x(time_s: float, span: tuple[float, float]) -> float:
    least, most = span[0], max(span[1], 1.001 * span[0])
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * math.log(max(time_s, least) / least) / math.log(most / least)


def _y(value: float, scale: tuple[float, float]) -> float:
    return _TOP + (_HEIGHT - _BOTTOM - _TOP) * (scale[1] - value) / (scale[1] - scale[0])


def _framed(span: tuple[float, float], scale: tuple[float, float], ticks: Sequence[tuple[float, str]]) -> list[Mark]:
    """Return the levels with their figures at the left, and the powers of ten below."""
    out: list[Mark] = []
    for value, told in ticks:
        out.append(Line([(_LEFT, _y(value, scale)), (_WIDTH - _RIGHT, _y(value, scale))]))
        out.append(Words(_LEFT - 6, _y(value, scale) + 4, told, color=MUTED, anchor="end"))
    for power in range(math.ceil(math.log10(span[0])), math.floor(math.log10(span[1])) + 1):
        told = number_text(10.0**power, "g") + "\u2009s"
        out.append(Words(_x(10.0**power, span), _HEIGHT - 20, told, color=MUTED, anchor="middle"))
    return out


def _steps(
    lines: Sequence[tuple[str, Points]],
    span: tuple[float, float],
    scale: tuple[float, float],
    *,
    rising: bool,
    first: float | None = None,
) -> list[Mark]:
    """Return a line per solver that holds each value until the next, from `first` at the left where that is given.

    The solvers are named at the right, where lines that rise, or fall, leave room.
    """
    out: list[Mark] = []
    for k, (label, points) in enumerate(lines):
        color = COLORS[k % len(COLORS)]
        path = [] if first is None else [(float(_LEFT), _y(first, scale))]
        for time_s, value in points:
            path += [(_x(time_s, span), path[-1][1])] if path else []
            path.append((_x(time_s, span), _y(value, scale)))
        if path:
            out.append(Line([*path, (float(_WIDTH - _RIGHT), path[-1][1])], color, 2.0))
        level = _HEIGHT - _BOTTOM - 14 - 16 * (len(lines) - 1 - k) if rising else 24 + 16 * k
        out.append(Words(_WIDTH - _RIGHT - 8, level, label, color=color, anchor="end", weight="Medium"))
    return out
