r"""The subset of CPLEX's LP format that a binary programme needs: objective (with [ ... ] / 2), constraints, bounds, integers.

Sections: Minimize or Maximize, Subject To, Bounds, Binaries, Generals, End; `\` begins a comment.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.engine.qubo.readers.lines import lines_of, short

_MOST_VALUE = 1e15

_HEADS = {
    "minimize": "min", "minimise": "min", "minimum": "min", "min": "min", "maximize": "max", "maximise": "max",
    "maximum": "max",
    "max": "max", "subject to": "rows", "such that": "rows", "st": "rows", "s.t.": "rows", "bounds": "bounds",
    "bound": "bounds",
    "binary": "binary", "binaries": "binary", "bin": "binary", "general": "general", "generals": "general", "gen": "general",
    "end": "end",
}  # fmt: skip
_TOKEN = re.compile(
    r"\s*(<=|>=|=<|=>|<|>|=|\+|-|\*|\^|/|\[|\]|:|[\d.]+(?:[eE][+-]?\d+)?|[A-Za-z_!\"#$%&(),;?@'`{}|~][^\s+\-*^/\[\]:<>=]*)"
)
_NUMBER = re.compile(r"[\d.]+(?:[eE][+-]?\d+)?$")

Linear = dict[str, float]
Quadratic = dict[tuple[str, str], float]


@dataclass
class Programme:
    """What an LP file says; `rows` are (name, linear, relation, limit, line), `bounded` has the line of a name's last bound."""

    sense: str = "min"
    linear: Linear = field(default_factory=dict)
    quadratic: Quadratic = field(default_factory=dict)
    constant: float = 0.0
    rows: list[tuple[str, Linear, str, float, int]] = field(default_factory=list)
    bounds: dict[str, tuple[float, float]] = field(default_factory=dict)
    bounded: dict[str, int] = field(default_factory=dict)
    binary: dict[str, int] = field(default_factory=dict)
    general: dict[str, int] = field(default_factory=dict)


def is_lp(text: str) -> bool:
    """Tell whether the first line that says something opens an objective."""
    first = next((line.split("\\")[0].strip().lower() for line in lines_of(text) if line.split("\\")[0].strip()), "")
    return _HEADS.get(first.split(":")[0].split(" ")[0], "") in ("min", "max")


def read_lp(text: str, file: str) -> Programme:
    """Return the programme in `text`; raises `BadInput` naming file, line and reason."""
    out, section, pending = Programme(), "", _Statement(file)
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.split("\\")[0].strip()
        head = _HEADS.get(line.lower().rstrip(":")) if line else None
        if head:
            _close(out, section, pending)
            pending = _Statement(file)
            if head in ("min", "max") and section:
                raise _bad(file, number, tr("there is one objective, and it stands first"))
            section = "objective" if head in ("min", "max") else head
            out.sense = head if head in ("min", "max") else out.sense
            if section == "end":
                break
        elif line:
            _line(out, section, pending, number, line)
    if section != "end":
        _close(out, section, pending)
    if not section:
        raise _bad(file, 1, tr("expected Minimize or Maximize"))
    _refuse_unknown(out, file)
    return out


def _refuse_unknown(out: Programme, file: str) -> None:
    """Raise for a bound of a name that stands nowhere else: mistyped, it would bound nothing."""
    known = {*out.linear, *(name for pair in out.quadratic for name in pair), *(name for row in out.rows for name in row[1]),
             *out.binary, *out.general}  # fmt: skip
    for name, line in out.bounded.items():
        if name not in known:
            raise _bad(file, line, tr("{name} is bounded and stands nowhere else", name=short(name)))


class _Statement:
    """Words of an objective or a constraint, which may run over lines; a constraint ends with its number."""

    def __init__(self, file: str) -> None:
        self.file, self.words, self.line = file, list[str](), 1

    def take(self, number: int, line: str) -> None:
        if not self.words:
            self.line = number
        at = 0
        while at < len(line.rstrip()):
            found = _TOKEN.match(line, at)
            if not found:
                raise _bad(self.file, number, tr("cannot read {word}", word=repr(line[at : at + 20])))
            self.words.append(found[1])
            at = found.end()


def _line(out: Programme, section: str, pending: _Statement, number: int, line: str) -> None:
    if section == "objective":
        pending.take(number, line)
    elif section == "rows":
        pending.take(number, line)
        if _complete(pending.words):
            _constraint(out, pending)
    elif section == "bounds":
        one = _Statement(pending.file)
        one.take(number, line)
        _bound(out, one)
    elif section in ("binary", "general"):
        (out.binary if section == "binary" else out.general).update(dict.fromkeys(line.split(), number))
    else:
        raise _bad(pending.file, number, tr("expected Minimize or Maximize"))


def _complete(words: list[str]) -> bool:
    at = next((k for k, word in enumerate(words) if word[0] in "<>="), -1)
    return at >= 0 and bool(_NUMBER.match(words[-1])) and len(words) > at + 1


def _close(out: Programme, section: str, pending: _Statement) -> None:
    if section == "objective":
        linear, out.quadratic, constant = _expression(pending, _unnamed(pending.words)[1])
        out.linear, out.constant = linear, constant
    elif section == "rows" and pending.words:
        raise _bad(pending.file, pending.line, tr("a constraint ends with <=, >= or = and a number"))


def _unnamed(words: list[str]) -> tuple[str, list[str]]:
    return (words[0], words[2:]) if len(words) > 1 and words[1] == ":" else ("", words)


def _constraint(out: Programme, pending: _Statement) -> None:
    name, words = _unnamed(pending.words)
    at = next(k for k, word in enumerate(words) if word[0] in "<>=")
    linear, quadratic, constant = _expression(pending, words[:at])
    limit = _expression(pending, words[at + 1 :])
    if quadratic or limit[0] or limit[1]:
        raise _bad(pending.file, pending.line, tr("a constraint is linear, with a number at its right"))
    before = next((row[4] for row in out.rows if name and row[0] == name), 0)
    if before:
        raise _bad(pending.file, pending.line, tr("{name} stands already on line {before}", name=name, before=before))
    relation = {"<": "<=", "=<": "<=", ">": ">=", "=>": ">="}.get(words[at], words[at])
    row = (name or f"c{len(out.rows) + 1}", linear, relation, limit[2] - constant, pending.line)
    out.rows.append(row)
    pending.words.clear()


def _bound(out: Programme, one: _Statement) -> None:
    words = one.words
    if len(words) == 2 and words[1].lower() == "free":
        raise _bad(one.file, one.line, tr("{name} needs bounds, a free variable cannot be written in bits", name=words[0]))
    parts = re.split(r"(?:<=|>=|=<|=>|<|>|=)", " ".join(words))
    marks = [word[0] for word in words if word[0] in "<>="]
    if len(parts) == 3 and marks == ["<", "<"]:
        name = parts[1].strip()
        out.bounds[name] = (_value(one, parts[0], bound=True), _value(one, parts[2], bound=True))
        out.bounded[name] = one.line
    elif len(parts) == 2:
        name, value, mark = parts[0].strip(), parts[1], marks[0]
        if not name[:1].isalpha() and not name.startswith("_"):
            name, value, mark = parts[1].strip(), parts[0], {"<": ">", ">": "<", "=": "="}[marks[0]]
        low, high = out.bounds.get(name, (0.0, float("inf")))
        told = _value(one, value, bound=True)
        out.bounds[name] = (told if mark in ">=" else low, told if mark in "<=" else high)
        out.bounded[name] = one.line
    else:
        raise _bad(one.file, one.line, tr("expected low <= name <= high"))


def _value(one: _Statement, text: str, *, bound: bool = False) -> float:
    """Return a finite number; a `bound` may be infinite when it says so."""
    compact = text.replace(" ", "").lower()
    if bound and compact.lstrip("+-") in ("inf", "infinity"):
        return float(compact)
    try:
        value = float(compact) if "_" not in compact else float("nan")
    except ValueError:
        value = float("nan")
    if not abs(value) <= _MOST_VALUE:
        raise _bad(one.file, one.line, tr("expected a finite number, found {word}", word=short(text.strip())))
    return value


def _expression(statement: _Statement, words: list[str]) -> tuple[Linear, Quadratic, float]:
    """Return linear terms, quadratic terms (those in [ ] / 2 halved, with the sign before the bracket) and the constant."""
    linear: Linear = {}
    quadratic: Quadratic = {}
    constant, inside, before = 0.0, False, 1.0
    squares: Quadratic = {}
    for sign, factor, names, mark in _terms(statement, words):
        if mark:
            if inside == (mark == "["):
                raise _bad(statement.file, statement.line, tr("each [ is closed by a ]"))
            inside, before = not inside, sign if mark == "[" else before
            for pair, value in squares.items():
                quadratic[pair] = quadratic.get(pair, 0.0) + value * factor * before
            squares = {}
        elif inside and len(names) != 2:
            raise _bad(statement.file, statement.line, tr("only squares and products of two stand in [ ]"))
        elif len(names) == 2:
            target = squares if inside else quadratic
            pair = (min(names), max(names))
            target[pair] = target.get(pair, 0.0) + sign * factor
        elif names:
            linear[names[0]] = linear.get(names[0], 0.0) + sign * factor
        else:
            constant += sign * factor
    if inside:
        raise _bad(statement.file, statement.line, tr("each [ is closed by a ]"))
    return linear, quadratic, constant


def _terms(statement: _Statement, words: list[str]) -> Iterator[tuple[float, float, list[str], str]]:
    """Yield (sign, factor, names, mark) per term; an opening bracket carries the sign before it, a closing one its divisor."""
    sign, at = 1.0, 0
    if words and words[-1] in "+-":
        raise _bad(statement.file, statement.line, tr("cannot read {word} here", word=repr(words[-1])))
    while at < len(words):
        word = words[at]
        at += 1
        if word in "+-":
            sign = -sign if word == "-" else sign
        elif word == "[":
            yield sign, 1.0, [], "["
            sign = 1.0
        elif word == "]":
            halved = words[at : at + 2] == ["/", "2"]
            at += 2 if halved else 0
            yield 1.0, 0.5 if halved else 1.0, [], "]"
        else:
            factor, names, at = _product(statement, words, at - 1)
            yield sign, factor, names, ""
            sign = 1.0


def _product(statement: _Statement, words: list[str], at: int) -> tuple[float, list[str], int]:
    factor, names = 1.0, list[str]()
    if _NUMBER.match(words[at]):
        factor = _value(statement, words[at])
        at += 1
        if at < len(words) and words[at] == "*":
            at += 1
    while at < len(words) and len(names) < 2 and re.match(r"[^\d.+\-*^/\[\]:<>=]", words[at]):
        names.append(words[at])
        at += 1
        if words[at : at + 2] == ["^", "2"]:
            names.append(names[-1])
            at += 2
        elif at < len(words) and words[at] == "*":
            at += 1
            continue
        break
    if at < len(words) and words[at] not in ("+", "-", "]"):
        raise _bad(statement.file, statement.line, tr("cannot read {word} here", word=repr(words[at])))
    return factor, names, at


def _bad(file: str, line: int, reason: str) -> BadInput:
    return BadInput("{file}, line {line}: {reason}", field="file", file=file, line=line, reason=reason)
