"""One arithmetic for one controller or for thousands: laws are written once, on numbers or on arrays of shape (n,).

A law calls `ops.where`, `ops.minimum` and so on. `SCALAR` answers with plain Python (a few microseconds a turn), `ARRAY`
with numpy (tens of microseconds for a thousand). Conditions are joined with & and |, and turned round by comparing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

# A float, or a float64 array of shape (n,); booleans likewise.
Num: TypeAlias = Any


@dataclass(frozen=True)
class Ops:
    """The functions a law may use, for numbers or for arrays."""

    sqrt: Callable[[Num], Num]
    exp: Callable[[Num], Num]
    log10: Callable[[Num], Num]
    ceil: Callable[[Num], Num]
    rint: Callable[[Num], Num]
    minimum: Callable[[Num, Num], Num]
    maximum: Callable[[Num, Num], Num]
    where: Callable[[Num, Num, Num], Num]
    isfinite: Callable[[Num], Num]

    def clip(self, value: Num, low: Num, high: Num) -> Num:
        """Return `value` within [`low`, `high`]."""
        return self.minimum(self.maximum(value, low), high)


def _choose(test: bool, yes: Num, no: Num) -> Num:
    return yes if test else no


SCALAR: Final = Ops(math.sqrt, math.exp, math.log10, math.ceil, round, min, max, _choose, math.isfinite)
ARRAY: Final = Ops(
    np.sqrt, np.exp, np.log10, np.ceil, np.rint, np.minimum, np.maximum, np.where, np.isfinite
)  # fmt: skip


def zero_like(like: Num) -> Num:
    """Return 0.0, or zeros of the shape of `like`."""
    return np.zeros(like.shape) if isinstance(like, np.ndarray) else 0.0


def full_like(like: Num, value: float) -> Num:
    """Return `value`, or an array full of it of the shape of `like`."""
    return np.full(like.shape, value) if isinstance(like, np.ndarray) else value
