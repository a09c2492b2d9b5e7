"""A second opinion on every answer: the objective summed again from the words of the file, sharing nothing with the readers.

Slow and plain on purpose: one Python loop over the text, `math.fsum` (exactly rounded, Shewchuk 1997), the file's own sense.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import Bug
from app.engine.qubo.problem import Qubo, sample_of

_RELATIVE = 1e-9


def objective_of_text(text: str, sample: str) -> float:
    """Return the objective of `sample` (0 and 1, in file order) for the G-set graph or qbsolv file in `text`."""
    is_qubo = any(line.split()[:2] == ["p", "qubo"] for line in text.splitlines())
    return math.fsum(_qubo_terms(text, sample) if is_qubo else _cut_terms(text, sample))


def confirm(problem: Qubo, text: str, sample: str, energy: float) -> float:
    """Return the verified objective; raise `Bug` when the solver's energy, the coefficients and the file do not agree."""
    claimed = problem.objective_of(energy)
    summed = problem.objective(sample_of(sample))
    told = objective_of_text(text, sample) if text else summed
    room = _RELATIVE * max(1.0, abs(claimed), float(abs(problem.linear).sum() + abs(problem.weights).sum()))
    if abs(claimed - summed) > room or abs(claimed - told) > room:
        raise Bug("The solver claims {claimed}, the coefficients give {summed}, the file gives {told}",
                  claimed=claimed, summed=summed, told=told)  # fmt: skip
    return told


def confirm_sample(problem: Qubo, sample: NDArray[np.int8], energy: float) -> float:
    """Return the energy of a sample summed again from the coefficients; raise `Bug` when it is not what was claimed."""
    summed = problem.energy(sample)
    if abs(summed - energy) > _RELATIVE * max(1.0, float(abs(problem.linear).sum() + abs(problem.weights).sum())):
        raise Bug("The solver claims the energy {claimed}, the coefficients give {summed}", claimed=energy, summed=summed)
    return summed


def _cut_terms(text: str, sample: str) -> Iterator[float]:
    rows = (line.split() for line in text.lstrip("\ufeff").splitlines() if line.strip() and not line.lstrip().startswith("#"))
    next(rows)
    for i, j, weight in rows:
        if sample[int(i) - 1] != sample[int(j) - 1]:
            yield float(weight)


def _qubo_terms(text: str, sample: str) -> Iterator[float]:
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[0].isdigit() and sample[int(words[0])] == sample[int(words[1])] == "1":
            yield float(words[2])
