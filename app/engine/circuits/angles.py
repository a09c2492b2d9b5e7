"""Angles as people write them: small multiples of π where they are one, else four digits."""

import math
from fractions import Fraction

_CLOSE = 1e-9
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
