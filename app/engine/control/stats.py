"""Paired comparison: the effect as a fraction of the peer's cost, bootstrap intervals, and Holm's correction.

Effects are means over loads of 1 - J / J_peer. Intervals are percentile bootstrap (Efron and Tibshirani, "An
Introduction to the Bootstrap", 1993, chapter 13), at the level Holm leaves for each ("A simple sequentially rejective
multiple test procedure", Scand. J. Stat. 6, 1979). P values are from random sign flips of the paired differences.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_DRAWS: Final = 4000
_ALPHA: Final = 0.05
BETTER, WORSE, NONE, TOO_SHORT = VERDICTS = ("better", "worse", "no improvement", "too short to tell")


@dataclass(frozen=True)
class Effect:
    """What a model gains against one peer: fraction of the peer's cost, its interval, and how often it wins.

    Interval and p are None where what was recorded is too short for them.
    """

    against: str
    effect: float
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    wins_ratio: float
    excess: float

    @property
    def verdict(self) -> str:
        """Return "better", "worse" or "no improvement": an interval that reaches zero shows none."""
        if self.p_holm is None or self.low is None or self.high is None:
            return TOO_SHORT
        if self.p_holm > _ALPHA or self.low <= 0 <= self.high:
            return NONE
        return BETTER if self.effect > 0 else WORSE


def holm(p_values: Floats) -> Floats:
    """Return Holm-adjusted p values, same order."""
    order = np.argsort(p_values)
    count = len(p_values)
    adjusted = np.maximum.accumulate(p_values[order] * (count - np.arange(count)))
    out = np.empty(count)
    out[order] = np.minimum(adjusted, 1.0)
    return out


def sign_flip_p(differences: Floats, random: np.random.Generator, draws: int = _DRAWS) -> float:
    """Return the two-sided p value of mean zero by random sign flips, at least 1 / (draws + 1)."""
    if not differences.any():
        return 1.0
    seen = abs(differences.mean())
    hits = 0
    for begin in range(0, draws, 500):
        signs = random.integers(0, 2, (min(500, draws - begin), len(differences))) * 2 - 1
        hits += int(np.count_nonzero(np.abs(signs @ differences) / len(differences) >= seen * (1 - 1e-12)))
    return (hits + 1) / (draws + 1)


def means(values: Floats, random: np.random.Generator, draws: int = _DRAWS) -> Floats:
    """Return `draws` bootstrap means of `values`, sorted."""
    count = len(values)
    parts = [values[random.integers(0, count, (min(500, draws - k), count))].mean(axis=1) for k in range(0, draws, 500)]
    return np.sort(np.concatenate(parts))


def paired(model: Floats, peers: Mapping[str, Floats], *, seed: int, floor: float = 0.0) -> list[Effect]:
    """Return the effect of `model` against each peer on the same loads; `excess` is the share of the cost above `floor`."""
    random = np.random.default_rng(np.random.SeedSequence([seed, 99]))
    names = list(peers)
    gains = {name: 1 - model / peers[name] for name in names}
    p_values = np.array([sign_flip_p(gains[name], random) for name in names])
    adjusted = holm(p_values)
    rank = np.empty(len(names), int)
    rank[np.argsort(p_values)] = np.arange(len(names))
    effects = []
    for index, name in enumerate(names):
        gain, other = gains[name], peers[name]
        share = _ALPHA / (len(names) - rank[index])
        spread = means(gain, random)
        low, high = np.quantile(spread, [share / 2, 1 - share / 2])
        above = other.mean() - floor
        excess = float((other.mean() - model.mean()) / above) if above > 1e-9 else 0.0
        effects.append(
            Effect(name, float(gain.mean()), float(low), float(high), float(p_values[index]), float(adjusted[index]),
                   float((gain > 0).mean()), excess)
        )  # fmt: skip
    return effects


def by_spread(effects: Sequence[Effect], spreads: Sequence[float], freedom: int) -> list[Effect]:
    """Return `effects` with Student's intervals and p values for standard errors `spreads`, corrected after Holm."""
    special: Any = importlib.import_module("scipy.special")
    errors = np.maximum(np.array(spreads), 1e-12)
    p_values = 2 * np.asarray(special.stdtr(freedom, -np.abs([one.effect for one in effects]) / errors))
    adjusted, rank = holm(p_values), np.argsort(np.argsort(p_values))
    told = []
    for one, error, p, p_holm, place in zip(effects, errors, p_values, adjusted, rank, strict=True):
        half = float(special.stdtrit(freedom, 1 - _ALPHA / (len(effects) - place) / 2)) * error
        told.append(replace(one, low=float(one.effect - half), high=float(one.effect + half), p=float(p), p_holm=float(p_holm)))
    return told
