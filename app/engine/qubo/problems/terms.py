"""Sums of linear and quadratic terms, and constraints turned into squares with a weight (Lucas 2014, section 1).

An inequality over whole numbers becomes an equation with a slack s in 0..range, written in bits of weight 1, 2, 4, ..., rest,
so that every value of the range and no other can be said (Glover, Kochenberger, Du 2019, "Quantum bridge analytics I").
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.engine.base.errors import Limit
from app.engine.qubo.problem import MOST_COUPLINGS, MOST_VARIABLES, Qubo, Sense, build


def slack_weights(most: int) -> list[int]:
    """Return bit weights whose sums are exactly 0..most."""
    weights, left, step = [], most, 1
    while left > 0:
        weights.append(min(step, left))
        left -= weights[-1]
        step *= 2
    return weights


def slack_bits(value: int, weights: Sequence[int]) -> list[int]:
    """Return bits (as long as `weights`) that add up to `value`, clipped to what they can say."""
    bits, left = [0] * len(weights), max(0, min(value, sum(weights)))
    for at in sorted(range(len(weights)), key=lambda k: (-weights[k], -k)):
        if weights[at] <= left:
            bits[at] = 1
            left -= weights[at]
    return bits


@dataclass(frozen=True, eq=False)
class Capacity:
    """An inequality: sum coefficients x <= limit (`sign` 1) or >= limit (-1), its slack bits starting at `first`."""

    name: str
    indices: NDArray[np.int64]
    coefficients: NDArray[np.int64]
    limit: int
    sign: int
    first: int
    weights: tuple[int, ...]

    def settle(self, sample: NDArray[np.int8]) -> None:
        """Set the slack bits of `sample` to what is left over."""
        left = self.sign * (self.limit - int(self.coefficients @ sample[self.indices]))
        sample[self.first : self.first + len(self.weights)] = slack_bits(left, self.weights)


class Terms:
    """Collects terms over variables 0..n-1; slack variables are added behind."""

    def __init__(self, n: int) -> None:
        self.n, self._constant = n, 0.0
        self._i: list[NDArray[np.int64]] = []
        self._j: list[NDArray[np.int64]] = []
        self._w: list[NDArray[np.float64]] = []
        self._count = 0
        self.capacities: list[Capacity] = []

    def expect(self, more: int) -> None:
        """Raise `Limit` when `more` terms would be too many to hold, before they are made."""
        if self._count + more > MOST_COUPLINGS or self.n > MOST_VARIABLES:
            raise Limit(
                "As a QUBO this problem has more than {most} couplings or {variables} variables",
                most=MOST_COUPLINGS, variables=MOST_VARIABLES, hint="Use the domain method: --route domain.",
            )  # fmt: skip

    def add(self, i: ArrayLike, j: ArrayLike, weight: ArrayLike) -> None:
        """Add weight * x_i * x_j for each triple; i = j is a linear term. Broadcasts; raises `Limit` when it gets too many."""
        a, b, w = np.broadcast_arrays(np.asarray(i, np.int64), np.asarray(j, np.int64), np.asarray(weight, np.float64))
        self.expect(a.size)
        self._count += a.size
        self._i.append(a.ravel())
        self._j.append(b.ravel())
        self._w.append(w.ravel())

    def constant(self, value: float) -> None:
        """Add a number that no variable changes."""
        self._constant += value

    def square(self, indices: ArrayLike, coefficients: ArrayLike, target: float, weight: float) -> None:
        """Add weight * (sum coefficients x - target)^2."""
        at = np.asarray(indices, np.int64)
        c = np.broadcast_to(np.asarray(coefficients, np.float64), at.shape)
        self.add(at, at, weight * (c * c - 2 * target * c))
        low, high = np.triu_indices(len(at), 1)
        self.add(at[low], at[high], 2 * weight * c[low] * c[high])
        self._constant += weight * target * target

    def one_of(self, indices: ArrayLike, weight: float) -> None:
        """Ask for exactly one of the variables."""
        self.square(indices, 1.0, 1.0, weight)

    def at_most_one(self, indices: ArrayLike, weight: float) -> None:
        """Ask for no two of the variables."""
        at = np.asarray(indices, np.int64)
        low, high = np.triu_indices(len(at), 1)
        self.add(at[low], at[high], weight)

    def inequality(
        self, indices: Sequence[int] | NDArray[np.int64], coefficients: Sequence[int] | NDArray[np.int64], limit: int,
        weight: float, *, name: str = "", sign: int = 1,
    ) -> None:  # fmt: skip
        """Ask for sum coefficients x <= limit (`sign` 1) or >= limit (-1), whole numbers, with slack variables behind."""
        at, c = np.asarray(indices, np.int64), np.asarray(coefficients, np.int64)
        extreme = int(np.minimum(c, 0).sum()) if sign > 0 else int(np.maximum(c, 0).sum())
        weights = slack_weights(max(0, sign * (limit - extreme)))
        capacity = Capacity(name, at, c, limit, sign, self.n, tuple(weights))
        own = np.arange(self.n, self.n + len(weights))
        self.n += len(weights)
        self.square(np.concatenate([at, own]), np.concatenate([c, sign * np.array(weights, np.int64)]), limit, weight)
        self.capacities.append(capacity)

    def build(self, *, sense: Sense = "min", name: str = "") -> Qubo:
        """Return the sum as a QUBO to be minimised."""
        none = np.empty(0, np.int64)
        i, j = (np.concatenate(side) if side else none for side in (self._i, self._j))
        w = np.concatenate(self._w) if self._w else np.empty(0)
        return build(np.zeros(self.n), (i, j, w), offset=self._constant, sense=sense, name=name)
