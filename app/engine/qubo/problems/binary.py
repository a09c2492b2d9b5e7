"""A bare QUBO: qbsolv and Beasley files, or a table of i, j and value; dimod's BQM files arrive as such a table.

Beasley's files (OR-Library, bqp): `problems`, then per problem `variables entries` and `i j q`, 1-based, the matrix symmetric
with each pair once, so the coefficient of x_i x_j is 2 q; maximised unless told otherwise. Of a file of several problems the
first is read, and told as such.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.text import tr
from app.engine.base.units import ratio_text
from app.engine.qubo.problem import Qubo, Sense, build, check_size
from app.engine.qubo.problems import pictures
from app.engine.qubo.problems.base import Formulation, Kind, Problem
from app.engine.qubo.problems.tables import Table, head_lines, headings, sets, setting_of, shape
from app.engine.qubo.readers import qbsolv
from app.engine.qubo.readers.lines import COMMENTS, TOLD, Lines, sense_told

_MARKS = ("#",)
_MOST_PROBLEMS = 10**6


@dataclass(frozen=True, eq=False)
class Binary(Problem):
    """A QUBO as it is; an answer is its bits. `decided` is what its sense was taken from: TOLD, COMMENTS, or the format.

    `beside` is how many further problems its file holds.
    """

    qubo: Qubo
    name: str = ""
    sense: Sense = "min"
    decided: str = ""
    beside: int = 0
    kind = "qubo"

    def formulate(self) -> Formulation:
        """Return the problem itself."""
        return Formulation(self.qubo)

    def place(self, sample: NDArray[np.int8], answer: Any) -> None:
        """Set the bits."""
        sample[:] = answer

    def decode(self, sample: NDArray[np.int8]) -> list[int]:
        """Return the bits."""
        out: list[int] = sample.tolist()
        return out

    def check(self, answer: Any) -> list[str]:
        """Every sample is feasible."""
        return [] if len(answer) == self.qubo.n else ["every variable needs a value"]

    def objective(self, answer: Any) -> float:
        """Return the sum in the source's own sense."""
        return self.qubo.objective(answer)

    def terms(self, answer: Any) -> dict[str, float]:
        """Return figures beside the objective; see `Problem.terms`."""
        return {tr("ones"): float(np.sum(answer))}

    def draw(self, answer: Any) -> pictures.Picture:
        """Return the variables as a graph, coloured by value, couplings between set ones marked."""
        edges = (self.qubo.rows.astype(np.int64), self.qubo.cols.astype(np.int64), self.qubo.weights)
        names = [str(k) for k in range(self.qubo.n)]
        if answer is None:
            return pictures.graph(names, edges, None)
        x = np.asarray(answer) != 0
        return pictures.graph(names, edges, answer, x[edges[0]] & x[edges[1]])

    def facts(self) -> list[tuple[str, str]]:
        """Return the size of the problem."""
        return [
            (tr("variables"), str(self.qubo.n)), (tr("couplings"), str(self.qubo.couplings)),
            (tr("density"), ratio_text(self.qubo.density_ratio, ".3g")),
            (tr("sense"), self._sense_text()),
            *([(tr("read of the file"), tr("the first of {count} problems", count=self.beside + 1))] if self.beside else []),
        ]  # fmt: skip

    def _sense_text(self) -> str:
        """Return which way it goes, and how that is known."""
        way = tr("maximise") if self.sense == "max" else tr("minimise")
        if self.decided == TOLD:
            return way
        if self.decided == COMMENTS:
            return tr("{way}, as the values of Beasley's problems are published, which its comments name", way=way)
        return tr("{way}, as its format has it unless told otherwise", way=way)


def read(text: str, file: str) -> Binary:
    """Return the problem in `text`."""
    qubo, decided, problems = _read(text, file)
    return Binary(qubo, file, qubo.sense, decided, problems - 1)


def _read(text: str, file: str) -> tuple[Qubo, str, int]:
    """Return the problem, what its sense was taken from, and how many problems the file holds."""
    if _is_table(text):
        table = Table(text, file)
        return _table(table, text, file), TOLD if table.told("sense") else "", 1
    if _is_beasley(text) and not _is_qbsolv(text):
        sense, decided = _beasley_sense(text, file)
        qubo, problems = _beasley(text, file, sense)
        return qubo, decided, problems
    return qbsolv.read(text, file), qbsolv.sense_of(text, file)[1], 1


def with_sense(text: str, sense: str) -> str:
    """Return the text of a QUBO with a line that says which way it goes, "min" or "max"; no other line moves.

    In a table it takes the place of the line that said so, else it is the last.
    """
    if _is_table(text) and sets(text, "sense"):
        lines = text.splitlines(keepends=True)
        at = next(k for k, line in enumerate(lines) if (setting_of(line) or ("",))[0] == "sense")
        return "".join([*lines[:at], f"sense = {sense}\n", *lines[at + 1 :]])
    last = f"{'' if _is_table(text) else 'c ' if _is_qbsolv(text) else '# '}sense = {sense}"
    plain = text.rstrip()
    return text if plain.endswith(f"\n{last}") else f"{plain}\n{last}\n"


def _is_table(text: str) -> bool:
    return not _is_qbsolv(text) and not _is_beasley(text) and bool(headings(text))


def _table(table: Table, text: str, file: str) -> Qubo:
    table.need("i", "j", "value")
    sense = table.setting("sense", "min")
    if sense.text not in ("min", "max"):
        raise table.bad(sense.line, "sense is min or max, not {word}", word=sense.text)
    sign = -1.0 if sense.text == "max" else 1.0
    rows = [(row.whole("i", 0), row.whole("j", 0), row.real("value")) for row in table]
    lines = Lines(text, file, ("#",))
    i, j = (np.array([row[k] for row in rows], np.int64) for k in (0, 1))
    lines.refuse_twice(np.minimum(i, j), np.maximum(i, j), np.array([row.line for row in table], np.int64), 0)
    n = table.whole(table.setting("variables", str(int(max(i.max(), j.max())) + 1)), int(max(i.max(), j.max())) + 1)
    check_size(n, len(rows))
    offset = table.real(table.setting("offset", "0"))
    table.close()
    return build(np.zeros(n), (i, j, sign * np.array([row[2] for row in rows])), offset=sign * offset,
                 sense="max" if sign < 0 else "min", name=file)  # fmt: skip


def _is_qbsolv(text: str) -> bool:
    return any(line.split()[:2] == ["p", "qubo"] for line in head_lines(text, 2000))


def _is_beasley(text: str) -> bool:
    rows = shape(text, 3)
    return [len(row) for row in rows] == [1, 2, 3]


def _beasley_sense(text: str, file: str) -> tuple[Sense, str]:
    return sense_told(text, file, _MARKS, ("max", "max"))


def _beasley(text: str, file: str, sense: Sense) -> tuple[Qubo, int]:
    """Return the first problem, and how many the file holds; the others are counted through."""
    lines = Lines(text, file, _MARKS)
    words = iter(lines)
    problems = lines.whole(next(words)[0], 1, _MOST_PROBLEMS)
    qubo = _beasley_one(lines, words, file, sense)
    for _ in range(1, problems):
        _beasley_one(lines, words, file, sense)
    if next(words, None) is not None:
        raise lines.bad("the first line promises {count} problems, here is more", count=problems)
    return qubo, problems


def _beasley_one(lines: Lines, words: Iterator[list[str]], file: str, sense: Sense) -> Qubo:
    head = next(words, [])
    if len(head) != 2:
        raise lines.bad("expected the number of variables and of entries, found {found} words", found=len(head))
    n, entries = lines.count(head[0]), lines.count(head[1])
    check_size(n, entries)
    i: list[int] = []
    j: list[int] = []
    q: list[float] = []
    at: list[int] = []
    for row in islice(words, entries):
        if len(row) != 3:
            raise lines.bad("expected i, j and a value, found {found} words", found=len(row))
        i.append(lines.whole(row[0], 1, n) - 1)
        j.append(lines.whole(row[1], 1, n) - 1)
        q.append(lines.real(row[2]))
        at.append(lines.number)
    if len(i) < entries:
        raise lines.bad("{promised} entries are promised, the file ends after {found}", promised=entries, found=len(i))
    a, b, w = np.array(i, np.int64), np.array(j, np.int64), np.array(q)
    lines.refuse_twice(np.minimum(a, b), np.maximum(a, b), np.array(at, np.int64), 1)
    sign = -1.0 if sense == "max" else 1.0
    return build(np.zeros(n), (a, b, sign * np.where(a == b, w, 2 * w)), sense=sense, name=file)


def recognise(text: str) -> bool:
    """Tell whether `text` is a qbsolv or Beasley file, or a table of coefficients."""
    return _is_qbsolv(text) or _is_beasley(text) or {"i", "j", "value"} <= headings(text)


KIND = Kind(
    "qubo", "QUBO", "Minimises or maximises a quadratic sum over bits.",
    "qbsolv (minimised unless it says otherwise), Beasley (OR-Library bqp, maximised), dimod BQM (.bqm)", read, recognise,
    "i, j, value (sense = min or max, offset = …)",
)  # fmt: skip
