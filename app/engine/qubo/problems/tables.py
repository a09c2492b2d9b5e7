"""Tables as people type and paste them: `name = value` lines, a heading, rows; comma, semicolon, tab or blanks between.

Lines that start with # are comments. Every complaint names file, line and reason, as the readers of files do.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from app.engine.base.errors import BadInput
from app.engine.base.units import typed_text
from app.engine.qubo.readers.lines import Lines, lines_of, short

_NAME = re.compile(r"[A-Za-z][A-Za-z_ ]*")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_HEAD_LINES = 200


@dataclass(frozen=True)
class Cell:
    """One word of a table and the line it stands on."""

    text: str
    line: int


class Table:
    """A parsed table: `columns` (their `titles` as written on line `heading`), `rows` of cells, settings by name.

    The readers of numbers complain with the cell's line. Who has asked for all that is known calls `close`.
    """

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self._lines = Lines(text, file, ("#",))
        self.columns: tuple[str, ...] = ()
        self.titles: tuple[str, ...] = ()
        self.heading = 1
        self.rows: list[list[Cell]] = []
        self._settings: dict[str, list[Cell]] = {}
        self._asked: dict[str, bool] = {"problem": True}
        for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
            if line.strip() and not line.lstrip().startswith("#"):
                self._take(line, number)
        self._index = self._numbered()

    def _numbered(self) -> dict[str, int]:
        return {name: at for at, name in enumerate(self.columns)}

    def _take(self, line: str, number: int) -> None:
        setting = setting_of(line)
        if setting:
            self._settings.setdefault(setting[0], []).append(Cell(setting[1], number))
            return
        words = split(line)
        if not self.columns:
            self.titles, self.heading = tuple(words), number
            self.columns = tuple(_plain(word) for word in words)
            twice = next((word for k, word in enumerate(self.columns) if word in self.columns[:k]), "")
            if twice:
                raise self.bad(number, "two columns are called {name}", name=twice)
            return
        if tuple(words) == self.titles:
            raise self.bad(number, "the heading stands already on line {before}", before=self.heading)
        if len(words) != len(self.columns):
            raise self.bad(number, "expected {count} values, found {found}", count=len(self.columns), found=len(words))
        self.rows.append([Cell(word, number) for word in words])

    def bad(self, line: int, reason: str, **values: object) -> BadInput:
        """Return the error to raise for `line`; `reason` is a literal template."""
        return self._lines.bad(reason, line=line, **values)

    def need(self, *names: str) -> None:
        """Raise when there is no row, or no column called one of `names`."""
        missing = [name for name in names if name not in self._index]
        if missing:
            raise self.bad(
                1, "a column {name} is missing; found {found}", name=missing[0], found=", ".join(self.columns) or "–"
            )
        if not self.rows:
            raise self.bad(1, "the table has no rows")

    def __iter__(self) -> Iterator["Row"]:
        return (Row(self, cells) for cells in self.rows)

    def names(self, column: str) -> tuple[str, ...]:
        """Return the words in `column`, each of which stands once."""
        seen: dict[str, int] = {}
        for row in self:
            word = row.text(column)
            if word in seen:
                raise self.bad(row.line, "{name} stands already on line {before}", name=short(word), before=seen[word])
            seen[word] = row.line
        return tuple(seen)

    def has(self, name: str) -> bool:
        """Tell whether there is a column `name`."""
        return name in self._index

    def cell(self, cells: list[Cell], name: str) -> Cell:
        """Return the cell of column `name` in a row."""
        return cells[self._index[name]]

    def real(self, cell: Cell, low: float = -1e15, high: float = 1e15) -> float:
        """Return a finite number from `low` to `high`."""
        value = self.number(cell.text, cell.line)
        if not low <= value <= high:
            raise self.bad(cell.line, "expected a number from {low} to {high}, found {word}",
                           low=typed_text(low), high=typed_text(high), word=short(cell.text))  # fmt: skip
        return value

    def number(self, word: str, line: int) -> float:
        """Return a finite number that stands on `line`."""
        self._lines.number = line
        return self._lines.real(word)

    def whole(self, cell: Cell, low: int = 0, high: int = 10**12) -> int:
        """Return a whole number from `low` to `high`."""
        self._lines.number = cell.line
        return self._lines.whole(cell.text, low, high)

    def setting(self, name: str, default: str | None = None) -> Cell:
        """Return the setting `name`; without one the default, and without that an error."""
        self._asked[name] = True
        if name in self._settings:
            return self._settings[name][0]
        if default is None:
            raise self.bad(1, "a line {name} = … is missing", name=name)
        return Cell(default, 1)

    def each(self, name: str) -> list[Cell]:
        """Return the settings `name`, of which there may be several."""
        self._asked[name] = False
        return self._settings.get(name, [])

    def told(self, name: str) -> bool:
        """Tell whether there is a setting `name`."""
        return name in self._settings

    def close(self) -> None:
        """Raise for a setting that nobody asked for, and for one that stands twice and may stand once: neither would count."""
        for name, cells in self._settings.items():
            if name not in self._asked:
                raise self.bad(cells[0].line, "{name} is no setting of this table; it knows {names}", name=short(name),
                               names=", ".join(self._asked))  # fmt: skip
            if self._asked[name] and len(cells) > 1:
                raise self.bad(cells[1].line, "{name} stands already on line {before}", name=name, before=cells[0].line)

    def one_of(self, name: str, words: Sequence[str], default: str | None = None) -> str:
        """Return the setting `name`, which is one of `words`."""
        cell = self.setting(name, default)
        if cell.text.lower() not in words:
            raise self.bad(cell.line, "{name} is one of {words}, not {word}", name=name, words=", ".join(words),
                           word=short(cell.text))  # fmt: skip
        return cell.text.lower()


@dataclass(frozen=True)
class Row:
    """One row of a table."""

    table: Table
    cells: list[Cell]

    @property
    def line(self) -> int:
        """Return the line it stands on."""
        return self.cells[0].line

    def text(self, name: str) -> str:
        """Return the word in column `name`."""
        return self.table.cell(self.cells, name).text

    def real(self, name: str, low: float = -1e15) -> float:
        """Return the number in column `name`."""
        return self.table.real(self.table.cell(self.cells, name), low)

    def whole(self, name: str, low: int = 0, high: int = 10**12) -> int:
        """Return the whole number in column `name`."""
        return self.table.whole(self.table.cell(self.cells, name), low, high)


def setting_of(line: str) -> tuple[str, str] | None:
    """Return name and value of a line `name = value`, None for any other; pasted lines may be long, so it looks once."""
    name, equals, value = line.partition("=")
    return (_plain(name), value.strip()) if equals and _NAME.fullmatch(name.strip()) else None


def sets(text: str, name: str) -> bool:
    """Tell whether a line of `text` reads `name = …`."""
    return name in settings_in(text)


def head_lines(text: str, most: int = _HEAD_LINES) -> Iterator[str]:
    """Return the first `most` lines of a text."""
    return islice(lines_of(text), most)


def split(line: str) -> list[str]:
    """Return the words of a line, split at what it uses: comma, semicolon, tab, else blanks."""
    for mark in (",", ";", "\t"):
        if mark in line:
            return [word.strip().strip('"') for word in line.strip().split(mark)]
    return line.split()


def _plain(word: str) -> str:
    return word.strip().strip('"').lower().replace(" ", "_")


def declared_kind(text: str) -> str:
    """Return what a line `problem = …` near the top says; empty when there is none."""
    for line in head_lines(text):
        setting = setting_of(line)
        if setting and setting[0] == "problem":
            return _plain(setting[1])
    return ""


def headings(text: str) -> set[str]:
    """Return the column names of a table, or an empty set when `text` does not begin like one."""
    for line in head_lines(text.lstrip("\ufeff")):
        if not line.strip() or line.lstrip().startswith("#") or setting_of(line):
            continue
        words = [_plain(word) for word in split(line)]
        return set(words) if len(words) > 1 and all(word and not _numeric(word) for word in words[:2]) else set()
    return set()


def settings_in(text: str) -> set[str]:
    """Return the names of the `name = value` lines near the top."""
    return {found[0] for line in head_lines(text) if (found := setting_of(line))}


def _numeric(word: str) -> bool:
    return bool(re.fullmatch(r"[+-]?[\d.]+(e[+-]?\d+)?", word))


def numbers(text: str, file: str, comments: tuple[str, ...] = ("#",)) -> tuple[list[float], list[int]]:
    """Return all numbers of a text in order with the lines they stand on; raise `BadInput` for a word that is none."""
    lines = Lines(text, file, comments)
    values: list[float] = []
    at: list[int] = []
    for words in lines:
        values.extend(lines.real(word) for word in words)
        at.extend([lines.number] * len(words))
    return values, at


def shape(text: str, most: int = 400) -> list[list[int | None]]:
    """Return the first `most` lines that say something as whole numbers (None for any other word)."""
    return [[int(word) if _WHOLE.fullmatch(word) else None for word in words] for words in islice(_said(text), most)]


def holds_words(text: str, count: int) -> bool:
    """Tell whether the lines that say something hold `count` words in all; reads no further than the first too many."""
    found = 0
    for words in _said(text):
        found += len(words)
        if found > count:
            return False
    return found == count


def _said(text: str) -> Iterator[list[str]]:
    """Yield the words of the lines that say something."""
    return (line.split() for line in lines_of(text) if line.strip() and not line.lstrip().startswith("#"))


def is_numbers(text: str) -> bool:
    """Tell whether a text begins with a line of numbers only."""
    first = next(_said(text), [])
    return bool(first) and all(_numeric(word) for word in first)
