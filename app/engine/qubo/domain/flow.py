"""Permutation flow-shop: the NEH rule (Nawaz, Enscore, Ham 1983) and iterated greedy (Ruiz, Stuetzle 2007).

All insertions of a job into an order are priced at once by heads and tails (Taillard 1990, "Some efficient heuristic methods
for the flow shop sequencing problem").
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Report, Stop
from app.engine.qubo.allowance import Allowance

_TAKEN_OUT = 4
_TEMPERATURE = 0.4


def makespan(times: NDArray[np.int64], order: Sequence[int]) -> int:
    """Return the end of the last job on the last machine when jobs pass all machines in `order`; times are (jobs, machines)."""
    end = np.zeros(times.shape[1], np.int64)
    for job in order:
        at = 0
        for k, time in enumerate(times[job]):
            at = max(at, int(end[k])) + int(time)
            end[k] = at
    return int(end[-1]) if len(order) else 0


def starts_of(times: NDArray[np.int64], order: Sequence[int]) -> list[list[int]]:
    """Return the start of each operation, (jobs, machines) as lists."""
    out = [[0] * times.shape[1] for _ in range(len(times))]
    end = [0] * times.shape[1]
    for job in order:
        at = 0
        for k in range(times.shape[1]):
            out[job][k] = max(at, end[k])
            at = end[k] = out[job][k] + int(times[job, k])
    return out


def insert(times: NDArray[np.int64], order: list[int], job: int) -> tuple[int, int]:
    """Return the best place for `job` in `order` and the makespan there; the first of equals."""
    heads, tails = _heads(times, order), _heads(times[:, ::-1], order[::-1])[::-1, ::-1]
    ends = np.zeros(len(order) + 1, np.int64)
    through = np.zeros((len(order) + 1, times.shape[1]), np.int64)
    for k in range(times.shape[1]):
        ends = np.maximum(ends, heads[:, k]) + times[job, k]
        through[:, k] = ends
    spans = (through + tails).max(1)
    best = int(spans.argmin())
    return best, int(spans[best])


def _heads(times: NDArray[np.int64], order: Sequence[int]) -> NDArray[np.int64]:
    """Return the ends on each machine before each place of `order`, (len(order) + 1, machines)."""
    out = np.zeros((len(order) + 1, times.shape[1]), np.int64)
    for place, job in enumerate(order):
        row, before = times[job].tolist(), out[place].tolist()
        at = 0
        for k, time in enumerate(row):
            at = max(at, before[k]) + time
            before[k] = at
        out[place + 1] = before
    return out


def neh(times: NDArray[np.int64]) -> list[int]:
    """Return the order of the NEH rule; the longest jobs are placed first, ties by number."""
    order: list[int] = []
    for job in sorted(range(len(times)), key=lambda j: (-int(times[j].sum()), j)):
        order.insert(insert(times, order, job)[0], job)
    return order


def iterated_greedy(
    times: NDArray[np.int64], seconds: float, seed: int, report: Report, stop: Stop, *, rounds: int = 0
) -> tuple[list[int], int]:
    """Return the best order found and the rounds made: take jobs out at random, put them back where they fit best."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    allowance = Allowance(seconds, report, stop)
    now = neh(times)
    span = makespan(times, now)
    best, least, made = list(now), span, 0
    heat = _TEMPERATURE * float(times.mean()) / 10
    allowance.tell(least)
    while (made < rounds) if rounds else not allowance.over():
        out = rng.choice(len(times), min(_TAKEN_OUT, len(times)), replace=False).tolist()
        order = [job for job in now if job not in set(out)]
        told = span
        for job in out:
            place, told = insert(times, order, job)
            order.insert(place, job)
        if told <= span or rng.random() < np.exp((span - told) / max(heat, 1e-9)):
            now, span = order, told
        if span < least:
            best, least = list(now), span
            allowance.tell(least)
        made += 1
    allowance.tell(least)
    return best, made
