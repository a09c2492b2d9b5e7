"""Angles as people write them: small multiples of π where they are one, else four digits."""

import ast
import math
import operator
import re
from fractions import Fraction

from app.engine.base.errors import BadInput

_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
_CLOSE = 1e-9
# Words of OpenQASM 3 that cannot name an angle, and those it knows as numbers.
_RESERVED = frozenset({
    "pi", "tau", "euler", "input", "output", "float", "int", "uint", "bit", "bool", "qubit", "gate", "if", "else", "for",
    "while", "measure", "reset", "barrier", "const", "let", "def", "return", "inv", "ctrl", "negctrl", "pow", "U", "in",
    "end", "box",
})  # fmt: skip
_DENOMINATORS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 32, 64, 128, 256, 512, 1024)


def angle_text(value: float | str) -> str:
    """Return an angle in radians as text, such as π/2, -3π/8 or 0.1234; a name stays as it is."""
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return str(value)
    if abs(value) < _CLOSE:
        return "0"
    fraction = fraction_of_pi(value)
    return f"{value:.4g}" if fraction is None else _pi_text(fraction)


def fraction_of_pi(value: float) -> Fraction | None:
    """Return value / π as a small fraction, or None when it is none."""
    turns = value / math.pi
    if abs(turns) > 64:
        return None
    for denominator in _DENOMINATORS:
        numerator = round(turns * denominator)
        if numerator and abs(turns * denominator - numerator) < _CLOSE * denominator:
            return Fraction(numerator, denominator)
    return None


def _pi_text(fraction: Fraction) -> str:
    sign = "-" if fraction < 0 else ""
    top = abs(fraction.numerator)
    text = sign + ("" if top == 1 else str(top)) + "π"
    return text if fraction.denominator == 1 else f"{text}/{fraction.denominator}"


def angle_or_name(text: str) -> float | str:
    """Return the angle that `text` writes, or the name of a free angle such as theta; raises `BadInput`."""
    name = text.strip()
    if name.isidentifier() and name.isascii() and len(name) <= 20 and name not in _RESERVED:
        return name
    return angle_of(text)


def angle_of(text: str) -> float:
    """Return the angle in radians that `text` writes, such as 0.5, π/2 or -3*pi/8; raises `BadInput`."""
    written = re.sub(r"(?<=[\d.])\s*(?=π|pi)", "*", text.strip()).replace("π", "pi")
    try:
        if len(written) > 60:
            raise ValueError
        value = _value(ast.parse(written, mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, RecursionError):
        value = math.nan
    if not math.isfinite(value):
        raise BadInput("{text} is no angle; write it as 0.5, pi/2 or -3*pi/8", text=repr(text[:60]))
    return value


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name) and node.id == "pi":
        return math.pi
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        inner = _value(node.operand)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return float(_OPERATORS[type(node.op)](_value(node.left), _value(node.right)))
    raise ValueError(ast.dump(node))
