"""Series of prices or returns as a table: a column per asset, a row per period, dates if they are there; and its two moments.

The mean is that of the rows. The covariance is the sample's (over T - 1), or the same drawn towards equal variances without
correlation: S* = (1 - d) S + d m I with m = tr(S) / n and the weight d that loses least, estimated from the rows themselves
(Ledoit, Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices", section 3.2; S over T there).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine.qubo.problems.tables import Table, head_lines, headings, split

Floats = NDArray[np.float64]
PRICES, RETURNS, PERCENT = MEANINGS = ("prices", "returns", "percent")
SHRUNK, SAMPLE = ESTIMATES = ("shrunk", "sample")
LEAST_ROWS: Final = 3
_LOOK_ROWS: Final = 5
_DATES: Final = frozenset(("date", "day", "week", "month", "quarter", "year", "time", "period", "datum", "monat"))
# Words that open tables of other kinds; a column of an undated series is not called so.
_TAKEN: Final = frozenset(("i", "j", "from", "to", "name", "item", "job", "set", "site", "workload", "value", "flow", "asset"))


@dataclass(frozen=True, eq=False)
class Series:
    """Returns (periods, assets) as ratios; `meaning` is what the table held, `assumed` that its values told it."""

    assets: tuple[str, ...]
    returns: Floats
    meaning: str
    assumed: bool
    span: str = ""


def recognise(text: str) -> bool:
    """Tell whether `text` is a table that begins with a column of dates; what its cells hold is for the reader to judge."""
    first, rows = _head(text)
    return bool(rows) and first in _DATES and not _TAKEN & headings(text)


def perhaps(text: str) -> bool:
    """Tell whether `text` is a table of numbers only whose columns have names of their own."""
    _, rows = _head(text)
    names = headings(text)
    plain = bool(names) and not _TAKEN & names and not any(_are_numbers([name]) for name in names)
    return plain and len(rows) >= LEAST_ROWS - 1 and all(_are_numbers(words) for words in rows)


def _head(text: str) -> tuple[str, list[list[str]]]:
    """Return the first heading and the first rows under it; nothing when `text` does not begin like a table."""
    if not headings(text):
        return "", []
    lines = [
        line for line in head_lines(text.lstrip("\ufeff"))
        if line.strip() and not line.lstrip().startswith("#") and "=" not in line
    ]  # fmt: skip
    return split(lines[0])[0].lower(), [split(line) for line in lines[1 : 1 + _LOOK_ROWS]]


def _are_numbers(words: Sequence[str]) -> bool:
    return bool(words) and all(re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*%?", word.lower()) for word in words)


def read(table: Table) -> Series:
    """Return the series in `table`; raises `BadInput` naming the line of what cannot be."""
    table.need()
    dated = table.columns[0] in _DATES
    columns = table.columns[1:] if dated else table.columns
    if not columns:
        raise table.bad(table.heading, "there is no column of an asset beside the dates")
    values = np.array([[_value(table, cell.text, cell.line) for cell in row[int(dated) :]] for row in table.rows])
    order, span = _in_time(table) if dated else (1, "")
    meaning, assumed = _meaning(table, values)
    _refuse(table, values, meaning)
    returns = _returns(values[::order], meaning)
    if len(returns) < LEAST_ROWS - 1 + (meaning != PRICES):
        raise table.bad(table.rows[-1][0].line, "a covariance takes {least} rows at least; there are {found}",
                        least=LEAST_ROWS, found=len(values))  # fmt: skip
    return Series(tuple(table.titles[int(dated) :]), returns, meaning, assumed, span)


def _value(table: Table, word: str, line: int) -> float:
    """Return a number, hundredths where it ends with a percent sign."""
    if not word:
        raise table.bad(line, "a value is missing; a row has one for every asset")
    if word.endswith("%"):
        return table.number(word[:-1].strip(), line) / 100
    return table.number(word, line)


def _in_time(table: Table) -> tuple[int, str]:
    """Return 1 or -1 for rows that go forth or back in time, and from when to when; dates that are not ISO go as they stand."""
    words = [row[0].text for row in table.rows]
    seen: dict[str, int] = {}
    for row in table.rows:
        if row[0].text in seen:
            raise table.bad(row[0].line, "{name} stands already on line {before}", name=row[0].text, before=seen[row[0].text])
        seen[row[0].text] = row[0].line
    span = f"{words[0]} – {words[-1]}"
    try:
        days = [date.fromisoformat(word[:10]) for word in words]
    except ValueError:
        return 1, span
    order = 1 if days[-1] >= days[0] else -1
    for row, before, after in zip(table.rows[1:], days, days[1:], strict=False):
        if (after - before).days * order < 0:
            raise table.bad(row[0].line, "{date} is out of order among the dates", date=row[0].text)
    return order, span if order > 0 else f"{words[-1]} – {words[0]}"


def _meaning(table: Table, values: Floats) -> tuple[str, bool]:
    """Return what the values are, and whether that was told from them: all above 0 are prices, for returns fall at times."""
    if table.told("series"):
        return table.one_of("series", MEANINGS), False
    return (PRICES if (values > 0).all() else RETURNS), True


def _refuse(table: Table, values: Floats, meaning: str) -> None:
    """Raise for a price of 0 or less, and for a loss of more than all."""
    least = {PRICES: 0.0, RETURNS: -1.0, PERCENT: -100.0}[meaning]
    wrong = np.argwhere(values <= least if meaning == PRICES else values < least)
    if not len(wrong):
        return
    row, column = (int(k) for k in wrong[0])
    line, asset = table.rows[row][0].line, table.titles[len(table.titles) - values.shape[1] + column]
    if meaning == PRICES:
        raise table.bad(line, "a price is above 0; that of {asset} is not", asset=asset)
    raise table.bad(line, "{asset} loses more than all; say what the values are by a line series = prices, returns or percent",
                    asset=asset)  # fmt: skip


def _returns(values: Floats, meaning: str) -> Floats:
    if meaning == PRICES:
        return values[1:] / values[:-1] - 1.0
    return values / 100.0 if meaning == PERCENT else values


def moments(returns: Floats, estimate: str) -> tuple[Floats, Floats, float]:
    """Return mean (n,), covariance (n, n) and the weight of equal variances in it, 0 to 1, of returns (periods, n)."""
    mean = returns.mean(axis=0)
    rows = returns - mean
    periods, n = rows.shape
    if estimate == SAMPLE:
        return mean, rows.T @ rows / (periods - 1), 0.0
    sample = rows.T @ rows / periods
    level = float(np.trace(sample)) / n
    target = level * np.eye(n)
    spread = float(((sample - target) ** 2).sum())
    # The mean over t of |x x' - S|^2, with |x x'|^2 = |x|^4 and the sum of <x x', S> being T |S|^2.
    noise = (float(((rows**2).sum(axis=1) ** 2).mean()) - float((sample**2).sum())) / periods
    weight = min(1.0, max(0.0, noise / spread)) if spread > 0 else 0.0
    return mean, (1 - weight) * sample + weight * target, weight
