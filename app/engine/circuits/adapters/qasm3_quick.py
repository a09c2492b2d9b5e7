"""OpenQASM 3 read quickly: plain statements by a pattern, all others by the reference parser.

The reference parser (openqasm3 1.0 on ANTLR's Python runtime) takes about half a millisecond for a statement, and nearly
every statement of a long file is a gate, a measurement, a barrier or a reset of bits that are named one by one. Those that
stand at the top level are taken out before the parser sees the text; `end;` holds the place of each run of them, so that what
is wrong with the rest is still told by line and column. What the patterns do not know for sure is left to the parser, the
whole text if need be.
"""

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import openqasm3
from openqasm3 import ast

from app.engine.base.errors import Limit
from app.engine.circuits import guard

MOST_LETTERS: Final = 30_000  # of what the reference parser has to read: about three seconds
_MOST_EXPRESSIONS: Final = 100
_MOST_DIGITS: Final = 18
_PLACE: Final = "end;"
_BIT: Final = r"[A-Za-z_]\w*\s*\[\s*[0-9]{1,9}\s*\]"
_BITS: Final = rf"{_BIT}(?:\s*,\s*{_BIT})*"
_GATE: Final = re.compile(rf"([A-Za-z_]\w*)(?:\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*|\s+)({_BITS})\s*", re.ASCII)
_WAIT: Final = re.compile(rf"(barrier|reset)\s+({_BITS})\s*", re.ASCII)
_MEASURE: Final = re.compile(rf"({_BIT})\s*=\s*measure\s+({_BIT})\s*", re.ASCII)
_ARROW: Final = re.compile(rf"measure\s+({_BIT})\s*->\s*({_BIT})\s*", re.ASCII)
_ONE_BIT: Final = re.compile(r"([A-Za-z_]\w*)\s*\[\s*([0-9]+)\s*\]", re.ASCII)
_NUMBER: Final = re.compile(r"(-?)([0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?|\.[0-9]+([eE][+-]?[0-9]+)?)")
_MARK: Final = re.compile(r"[;{}]")
_BLOCK: Final = re.compile(r"\s*(?:gate|if|else|for|while|def)\b")
_SET: Final = re.compile(r"\bin\s*$")
_SET_LETTERS: Final = 100  # before a brace, in which the word of a set is looked for
# Words of the language (Cross and others, 2022) that could stand where the name of a gate stands.
_WORDS: Final = frozenset({
    "angle", "array", "barrier", "bit", "bool", "box", "break", "cal", "case", "complex", "const", "continue", "creg",
    "ctrl", "def", "defcal", "default", "delay", "duration", "else", "end", "extern", "float", "for", "gate", "gphase",
    "if", "in", "include", "input", "int", "inv", "let", "measure", "mutable", "negctrl", "nop", "opaque", "output", "pow",
    "pragma", "qreg", "qubit", "readonly", "reset", "return", "stretch", "switch", "uint", "void", "while",
})  # fmt: skip
_CONSTANTS: Final = ("pi", "tau", "euler")
Run: TypeAlias = list[Any]


@dataclass
class Text:
    """A text without comments, where its lines begin, and what has been read of its expressions."""

    bare: str
    lines: list[int]
    expressions: dict[str, Any] = field(default_factory=dict)
    settled: dict[int, bool] = field(default_factory=dict)  # whether there is nothing to put in or to fold, by id

    def span(self, start: int, end: int) -> ast.Span:
        """Return the span of a piece as the parser would."""
        line = bisect.bisect_right(self.lines, start)
        begin = self.lines[line - 1]
        return ast.Span(line, start - begin, line, end - 1 - begin)

    def expression(self, text: str) -> Any:
        """Return the tree of an expression, without places of its own; None when that is the parser's business."""
        number = _NUMBER.fullmatch(text)
        if number is not None:
            return _number(number)
        if text not in self.expressions:
            if len(self.expressions) >= _MOST_EXPRESSIONS:
                return None
            made = self.expressions[text] = _parsed(text)
            self.settled[id(made)] = _is_settled(made, () if "const" in self.bare else _CONSTANTS)
        return self.expressions[text]

    def is_plain(self, statement: Any) -> bool:
        """Tell whether a statement holds nothing that could be replaced or folded."""
        return not isinstance(statement, ast.QuantumGate) or all(self.settled.get(id(one), True) for one in statement.arguments)


def parse(text: str, name: str) -> tuple[Any, frozenset[int]]:
    """Return the tree of `text`, and the ids of statements in it that hold nothing but names of bits and numbers.

    Raises the parser's own errors, and `Limit` when too much of the text is left to the parser.
    """
    bare = guard.blank_comments(text)
    told = Text(bare, [0, *(found.end() for found in re.finditer("\n", bare))])
    rest, runs = _parted(told)
    try:
        program = openqasm3.parse(_small(rest, name)) if runs else None
    except Limit:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, it is told by the text as it was written
        program = None
    if program is not None and _places(program) >= runs.keys():
        statements = [one for statement in program.statements for one in _put_back(statement, runs)]
        plain = frozenset(id(one) for run in runs.values() for one in run if told.is_plain(one))
        return ast.Program(statements=statements, version=program.version), plain
    return openqasm3.parse(_small(bare, name)), frozenset()


def _small(text: str, name: str) -> str:
    """Return `text`; raise `Limit` when the parser would be at it for long."""
    if sum(map(len, text.split())) > MOST_LETTERS:
        raise Limit(
            "{file}: more than {most} letters of it are conditions, loops or definitions, which OpenQASM 3 takes long to read",
            file=name, most=MOST_LETTERS, hint="Write it as OpenQASM 2 or QPY, which are read far more quickly.",
        )  # fmt: skip
    return text


def _parted(text: Text) -> tuple[str, dict[tuple[int, int], Run]]:
    """Return the text with each run of plain statements replaced, and the runs by line and column."""
    runs: dict[tuple[int, int], Run] = {}
    kept: list[str] = []
    done, run = 0, None  # where the kept text ends; the run that goes on
    for start, end in _statements(text.bare):
        made = _statement(text, start, end)
        if made is None:
            run = None
            continue
        between = text.bare[done:start]
        if run is None or between.strip():
            run = runs.setdefault((made.span.start_line, made.span.start_column), [])
            lead = start + len(text.bare[start:end]) - len(text.bare[start:end].lstrip())
            kept += [text.bare[done:lead], _PLACE, _blank(text.bare[lead : end + 1])[len(_PLACE) :]]
        else:
            kept += [between, _blank(text.bare[start : end + 1])]
        run.append(made)
        done = end + 1
    lines = "".join([*kept, text.bare[done:]]).split("\n")
    return "\n".join(line.rstrip(" \t") for line in lines), runs


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _statements(bare: str) -> Iterator[tuple[int, int]]:
    """Yield (start, place of its semicolon) of each statement at the top level; ends where blocks are not understood."""
    depth, start, in_set = 0, 0, False
    for found in _MARK.finditer(bare):
        at, mark = found.start(), found.group()
        if mark == "{":
            if depth == 0:
                # Not in the whole head: sets that follow one another make it longer and longer.
                in_set = _SET.search(bare[max(start, at - _SET_LETTERS) : at]) is not None
                if not in_set and _BLOCK.match(bare, start, at) is None:
                    return
            depth += 1
        elif mark == "}":
            depth -= 1
            if depth == 0 and not in_set:
                start = at + 1
        elif depth == 0:
            yield start, at
            start = at + 1


def _statement(text: Text, start: int, end: int) -> Any:
    """Return the tree of one statement, or None when it is the parser's."""
    lead = start + len(text.bare[start:end]) - len(text.bare[start:end].lstrip())
    if "\n" in text.bare[lead:end]:
        return None
    span = text.span(lead, end + 1)
    found = _GATE.fullmatch(text.bare, lead, end)
    if found is not None and found.group(1) not in _WORDS:
        return _gate(text, found, span)
    found = _WAIT.fullmatch(text.bare, lead, end)
    if found is not None:
        bits = _bits(text, found, 2)
        if found.group(1) == "barrier":
            return _at(ast.QuantumBarrier(bits), span)
        return _at(ast.QuantumReset(bits[0]), span) if len(bits) == 1 else None
    found = _MEASURE.fullmatch(text.bare, lead, end)
    target, source = 1, 2
    if found is None:
        found, target, source = _ARROW.fullmatch(text.bare, lead, end), 2, 1
    if found is None:
        return None
    measured = _at(ast.QuantumMeasurement(_bits(text, found, source)[0]), span)
    return _at(ast.QuantumMeasurementStatement(measured, _bits(text, found, target)[0]), span)


def _gate(text: Text, found: re.Match[str], span: ast.Span) -> Any:
    arguments = []
    for given in _arguments(found.group(2) or ""):
        argument = text.expression(given)
        if argument is None:
            return None
        arguments.append(argument)
    name = _at(ast.Identifier(found.group(1)), span)
    return _at(ast.QuantumGate([], name, arguments, _bits(text, found, 3)), span)


def _arguments(text: str) -> list[str]:
    """Return the arguments of a call, parted at the commas that are in no bracket."""
    if not text.strip():
        return []
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()]


def _bits(text: Text, found: re.Match[str], group: int) -> list[Any]:
    made = []
    for bit in _ONE_BIT.finditer(text.bare, found.start(group), found.end(group)):
        span = text.span(bit.start(), bit.end())
        index = _at(ast.IntegerLiteral(int(bit.group(2))), span)
        made.append(_at(ast.IndexedIdentifier(_at(ast.Identifier(bit.group(1)), span), [[index]]), span))
    return made


def _at(node: Any, span: ast.Span) -> Any:
    node.span = span
    return node


def _number(found: re.Match[str]) -> Any:
    digits = found.group(2)
    whole = digits.isdecimal()
    if whole and len(digits) > _MOST_DIGITS:
        return None
    made: Any = ast.IntegerLiteral(int(digits)) if whole else ast.FloatLiteral(float(digits))
    return ast.UnaryExpression(ast.UnaryOperator["-"], made) if found.group(1) else made


def _parsed(text: str) -> Any:
    """Return the tree of an expression by itself, or None when it is none."""
    try:
        (statement,) = openqasm3.parse(f"OPENQASM 3;\nx({text}) q[0];").statements
    except Exception:  # noqa: BLE001 - then the parser tells it at its place
        return None
    if not isinstance(statement, ast.QuantumGate) or len(statement.arguments) != 1:
        return None
    return _without_places(statement.arguments[0])


def _without_places(node: Any) -> Any:
    """Return a tree whose nodes tell no place: what is wrong with them is told at the statement they are in."""
    if isinstance(node, list):
        return [_without_places(one) for one in node]
    if isinstance(node, ast.QASMNode):
        for name, value in vars(node).items():
            setattr(node, name, None if name == "span" else _without_places(value))
    return node


def _places(program: Any) -> set[tuple[int, int]]:
    return {
        (one.span.start_line, one.span.start_column)
        for one in program.statements
        if isinstance(one, ast.EndStatement) and one.span
    }


def _put_back(statement: Any, runs: dict[tuple[int, int], Run]) -> Run:
    if not isinstance(statement, ast.EndStatement) or statement.span is None:
        return [statement]
    return runs.get((statement.span.start_line, statement.span.start_column), [statement])


def _is_settled(node: Any, constants: tuple[str, ...]) -> bool:
    """Tell whether an expression is numbers and the language's constants, with no arithmetic of whole numbers in it."""
    if isinstance(node, ast.Identifier):
        return node.name in constants
    if isinstance(node, ast.UnaryExpression):
        return _is_settled(node.expression, constants)
    if isinstance(node, ast.BinaryExpression):
        sides = (node.lhs, node.rhs)
        whole = all(isinstance(side, (ast.IntegerLiteral, ast.UnaryExpression)) for side in sides)
        return not whole and all(_is_settled(side, constants) for side in sides)
    return isinstance(node, (ast.IntegerLiteral, ast.FloatLiteral))
