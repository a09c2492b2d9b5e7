"""Flow-shop scheduling: all jobs pass the machines in one order; the last end as early as can be.

Files: the standard text with the machines in order, or Taillard's (OR-Library flowshop2): `jobs machines seed upper lower`,
then a row of times per machine, lines of words left out.
"""

from dataclasses import dataclass

import numpy as np

from app.engine.base.text import tr
from app.engine.qubo.problems.base import Kind
from app.engine.qubo.problems.shop import Shop, pairs_in_order, read_standard
from app.engine.qubo.problems.tables import Table, declared_kind, headings, shape
from app.engine.qubo.readers.lines import Lines


@dataclass(frozen=True, eq=False)
class FlowShop(Shop):
    """A flow-shop; see `Shop`. Jobs may overtake one another."""

    kind = "flowshop"

    def planned(self) -> list[list[int]]:
        """Return the schedule of the NEH rule."""
        from app.engine.qubo.domain.flow import neh, starts_of

        return starts_of(self.times, neh(self.times))


def read(text: str, file: str) -> FlowShop:
    """Return the problem in `text`."""
    if headings(text) and not _taillard(text):
        return _table(text, file)
    times = _read_taillard(text, file) if _taillard(text) else read_standard(text, file)[1]
    machines = np.tile(np.arange(times.shape[1]), (len(times), 1))
    return FlowShop(machines, times, tuple(tr("job {number}", number=k + 1) for k in range(len(times))), 0, file)


def _taillard(text: str) -> bool:
    head = next((row for row in shape(text, 3) if None not in row), [])
    return len(head) == 5 and text.lower().count("machine") > 0


def _read_taillard(text: str, file: str) -> "np.typing.NDArray[np.int64]":
    lines = Lines("\n".join("" if any(c.isalpha() for c in line) else line for line in text.splitlines()), file, ("#",))
    words = iter(lines)
    head = next(words, [])
    n, m = lines.whole(head[0], 1, 1000), lines.whole(head[1], 1, 1000)
    rows: list[list[int]] = []
    for row in words:
        if len(rows) == m:
            break
        if len(row) != n:
            raise lines.bad("expected {n} times, found {found}", n=n, found=len(row))
        rows.append([lines.whole(word, 0, 10**6) for word in row])
    if len(rows) < m:
        raise lines.bad("{m} machines are promised, the file ends after {found}", m=m, found=len(rows))
    return np.array(rows, np.int64).T


def _table(text: str, file: str) -> FlowShop:
    table = Table(text, file)
    table.need("job")
    stages = [name for name in table.columns if name != "job"]
    if not stages:
        raise table.bad(1, "a column per machine is missing")
    times = np.array([[row.whole(name, 0, 10**6) for name in stages] for row in table], np.int64)
    machines = np.tile(np.arange(len(stages)), (len(times), 1))
    horizon = table.whole(table.setting("horizon", "0"))
    table.close()
    return FlowShop(machines, times, table.names("job"), horizon, file)


def recognise(text: str) -> bool:
    """Tell whether `text` is a shop whose jobs all go one way, or a table declared to be one."""
    table = "job" in headings(text) and declared_kind(text) == "flowshop"
    return pairs_in_order(shape(text))[1] or _taillard(text) or table


KIND = Kind(
    "flowshop", "Flow-shop", "Schedules jobs that all pass the machines in one order.",
    "jobs machines, then machine time pairs in one order; Taillard", read, recognise,
    "job, then a column of times per machine (problem = flowshop)", ("NEH and iterated greedy",),
)  # fmt: skip
