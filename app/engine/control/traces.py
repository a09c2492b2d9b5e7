"""Load traces from CSV: the first column holds arrival time stamps, as seconds or as dates after ISO 8601.

A second column named `value` makes the file a series of rates (the form of the Numenta benchmark): the arrivals are then
spread evenly within each step, in proportion to the value, about twenty thousand in all.
"""

import contextlib
import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput, Missing

Floats = NDArray[np.float64]
_FROM_RATES: Final = 20_000
_MOST: Final = 5_000_000
_DIGITS: Final = "0123456789"


def read_trace(path: Path) -> Floats:
    """Return the arrival times of a CSV file in seconds, ascending; a malformed line raises `BadInput` that names it."""
    stamps: list[float] = []
    values: list[float] = []
    rated = False
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.reader(file), 1):
                if not row or not row[0].strip():
                    continue
                if number == 1 and _stamp(row[0]) is None:
                    rated = len(row) > 1 and row[1].strip().lower() == "value"
                    continue
                stamps.append(_need_stamp(path, number, row[0]))
                if rated:
                    values.append(_need_value(path, number, row))
                if len(stamps) > _MOST:
                    raise BadInput("{file} has more than {most} lines", file=path, most=_MOST)
    except FileNotFoundError:
        raise Missing("There is no file {file}", file=path) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput("{file} cannot be read as CSV: {why}", file=path, why=error) from error
    if len(stamps) < 2:
        raise BadInput("{file} has no two time stamps in its first column", file=path)
    times = np.array(stamps)
    return _spread(times, np.array(values)) if rated else np.sort(times)


def _stamp(text: str) -> float | None:
    text = text.strip()
    with contextlib.suppress(ValueError):
        value = float(text)
        return value if np.isfinite(value) else None
    head, dot, tail = text.partition(".")
    digits = tail[: len(tail) - len(tail.lstrip(_DIGITS))]
    try:
        # Fractions of more than six digits are cut: the standard library takes no more.
        moment = datetime.fromisoformat(head + (dot + digits[:6] + tail[len(digits) :] if dot else ""))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _need_stamp(path: Path, line: int, text: str) -> float:
    found = _stamp(text)
    if found is None:
        raise BadInput("{file}, line {line}: {text} is no time stamp", file=path, line=line, text=repr(text[:40]))
    return found


def _need_value(path: Path, line: int, row: list[str]) -> float:
    try:
        value = float(row[1])
    except (IndexError, ValueError):
        value = -1.0
    if not (np.isfinite(value) and value >= 0):
        raise BadInput("{file}, line {line}: expected a rate of at least 0", file=path, line=line)
    return value


def _spread(times: Floats, values: Floats) -> Floats:
    """Return arrivals whose running count follows the integral of the rates."""
    order = np.argsort(times)
    times, values = times[order], values[order]
    with np.errstate(over="ignore", invalid="ignore"):
        area = np.concatenate([[0.0], np.cumsum(np.diff(times) * values[:-1])])
    if not 0 < area[-1] < np.inf:
        raise BadInput("The series has no rate above 0, or rates too large to be added up")
    counts = np.linspace(0.0, float(area[-1]), _FROM_RATES, endpoint=False) + 0.5 * float(area[-1]) / _FROM_RATES
    return np.asarray(np.interp(counts, area, times))
