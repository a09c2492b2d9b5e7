"""Observables as people write them: sums of Pauli letters on numbered qubits, such as Z0 Z1 + 0.5*X3 - 2*Y0Z4."""

import re
from dataclasses import dataclass
from typing import Final

from app.engine.base.errors import BadInput, Limit

MOST_TERMS: Final = 2000
_NUMBER: Final = re.compile(r"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?")
_PAULI: Final = re.compile(r"([XYZI])\s*\[?\s*(\d{1,6})\s*\]?")


@dataclass(frozen=True)
class Term:
    """A product of Pauli letters by qubit, in the order of the qubits, times a factor."""

    factor: float
    letters: tuple[tuple[int, str], ...]

    @property
    def text(self) -> str:
        """Return the product without its factor; the identity is 1."""
        return " ".join(f"{letter}{qubit}" for qubit, letter in self.letters) or "1"


def read(text: str, qubits: int) -> tuple[Term, ...]:
    """Return the terms of `text` on a circuit of `qubits`; raises `BadInput` that names the column."""
    terms: list[Term] = []
    at = 0
    while at < len(text) or not terms:
        term, at = _term(text, at, qubits, first=not terms)
        terms.append(term)
        if len(terms) > MOST_TERMS:
            raise Limit("An observable has at most {most} terms here", most=MOST_TERMS, field="observable")
        if not text[at:].strip():
            break
    return tuple(terms)


def _term(text: str, at: int, qubits: int, *, first: bool) -> tuple[Term, int]:
    at = _blank(text, at)
    sign = text[at : at + 1]
    if sign and sign in "+-":
        at = _blank(text, at + 1)
    elif not first:
        raise _wrong(text, at)
    factor, begun = -1.0 if sign == "-" else 1.0, at
    number = _NUMBER.match(text, at)
    if number:
        factor *= float(number.group())
        at = _blank(text, number.end())
        if text[at : at + 1] == "*":
            at = _blank(text, at + 1)
    letters: dict[int, str] = {}
    while found := _PAULI.match(text, at):
        letter, qubit = found.group(1), int(found.group(2))
        if qubit >= qubits:
            raise BadInput("observable, column {column}: there is no qubit {qubit}; the circuit has {count}",
                           field="observable", column=at + 1, qubit=qubit, count=qubits)  # fmt: skip
        if qubit in letters:
            raise BadInput("observable, column {column}: qubit {qubit} stands twice in one term", field="observable",
                           column=at + 1, qubit=qubit)  # fmt: skip
        letters[qubit] = letter
        at = _blank(text, found.end())
        if text[at : at + 1] == "*":
            at = _blank(text, at + 1)
    if at == begun:
        raise _wrong(text, at)
    return Term(factor, tuple(sorted((qubit, letter) for qubit, letter in letters.items() if letter != "I"))), at


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _wrong(text: str, at: int) -> BadInput:
    return BadInput("observable, column {column}: expected terms such as Z0 Z1 + 0.5*X3, not {text}", field="observable",
                    column=at + 1, text=repr(text[at : at + 20]))  # fmt: skip
