"""Loads for trials, drawn from seeds or read from a trace; tuning and test never share a seed or a part of a trace.

Classes: bursty (a Poisson process switched by a two-state Markov chain), periodic (a sinusoid with a period drawn from
6 to 15 s), drift (an Ornstein-Uhlenbeck logarithm of the rate), steady (Poisson), trace (recorded arrivals).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput

Floats = NDArray[np.float64]
TUNE: Final = 1
TEST: Final = 2
AGAIN: Final = 3
_GRID_S: Final = 0.02
_MOST_EACH: Final = 200_000


@dataclass(frozen=True)
class Load:
    """What a class of load is: its name, length in s, mean rate in Hz, mean service in s; and a trace's arrivals."""

    name: str = "bursty"
    seconds: float = 80.0
    rate_hz: float = 200.0
    service_s: float = 0.05
    trace_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class Batch:
    """Arrivals and services of many seeds, (seeds, most), padded with infinity; `counts` tasks in each row.

    `shifts` says by how many seconds each was turned round: a trace's loads are, others by 0.
    """

    times: Floats
    services: Floats
    counts: NDArray[np.int64]
    shifts: Floats = field(default_factory=lambda: np.empty(0))


def _bursty(load: Load, grid: int, random: np.random.Generator) -> Floats:
    rate, at, inside = np.empty(grid), 0, bool(random.random() < 0.8 / 2.8)
    while at < grid:
        span = max(1, round(float(random.exponential(0.8 if inside else 2.0)) / _GRID_S))
        rate[at : at + span] = load.rate_hz * (3.0 if inside else 1.0)
        at, inside = at + span, not inside
    return rate


def _periodic(load: Load, grid: int, random: np.random.Generator) -> Floats:
    period, phase = random.uniform(6.0, 15.0), random.uniform(0, 2 * math.pi)
    return np.asarray(load.rate_hz * (1 + 0.7 * np.sin(2 * math.pi * np.arange(grid) * _GRID_S / period + phase)))


def _drift(load: Load, grid: int, random: np.random.Generator) -> Floats:
    tau_s, spread = 20.0, 0.5
    keep = math.exp(-_GRID_S / tau_s)
    kicks = random.normal(0.0, spread * math.sqrt(1 - keep * keep), grid).tolist()
    value, values = float(random.normal(0.0, spread)), []
    for kick in kicks:
        value = keep * value + kick
        values.append(value)
    return np.asarray(load.rate_hz * np.exp(np.array(values) - spread * spread / 2))


def _steady(load: Load, grid: int, random: np.random.Generator) -> Floats:
    del random
    return np.full(grid, load.rate_hz)


_CLASSES: Final[dict[str, Callable[[Load, int, np.random.Generator], Floats]]] = {
    "bursty": _bursty, "periodic": _periodic, "drift": _drift, "steady": _steady
}  # fmt: skip
NAMES: Final = (*_CLASSES, "trace")


def _drawn(load: Load, random: np.random.Generator) -> Floats:
    grid = math.ceil(load.seconds / _GRID_S)
    try:
        rate = _CLASSES[load.name](load, grid, random)
    except KeyError:
        raise BadInput(
            "There is no load {name}; choose from {known}", field="load", name=load.name, known=", ".join(NAMES)
        ) from None
    counts = random.poisson(rate * _GRID_S)
    starts = np.repeat(np.arange(grid) * _GRID_S, counts)
    return np.sort(starts + random.uniform(0, _GRID_S, len(starts)))


def half_of(load: Load, part: int) -> tuple[Floats, float]:
    """Return the arrivals of a trace's first half for tuning, of its second for the test, from 0 on, and its length in s."""
    trace = np.asarray(load.trace_s, float)
    middle = (trace[0] + trace[-1]) / 2
    kept = trace[trace < middle] if part == TUNE else trace[trace >= middle]
    if len(kept) < 2:
        raise BadInput("The trace has too few arrivals in one of its halves", field="trace")
    return kept - (trace[0] if part == TUNE else middle), float(middle - trace[0])


def _cut(load: Load, part: int, random: np.random.Generator) -> tuple[Floats, float]:
    """Return half of a trace, turned round to begin at a random place, and by how many seconds it was."""
    kept, span = half_of(load, part)
    shift = float(random.uniform(0, span))
    turned = np.sort((kept + shift) % span)
    return turned[turned < load.seconds], shift


def draw(load: Load, part: int, seed: int, count: int, *, first: int = 0) -> Batch:
    """Return `count` loads of the family (`seed`, `part`), numbers `first` on; equal arguments give equal loads.

    `AGAIN` gives the arrivals of `TEST` with other service times: the A/A test.
    """
    times, services, shifts = [], [], []
    for number in range(first, first + count):
        arrivals = np.random.default_rng(np.random.SeedSequence([seed, TEST if part == AGAIN else part, number, 1]))
        serving = np.random.default_rng(np.random.SeedSequence([seed, part, number, 2]))
        one, shift = _cut(load, part, arrivals) if load.name == "trace" else (_drawn(load, arrivals), 0.0)
        times.append(one)
        shifts.append(shift)
        services.append(serving.exponential(load.service_s, len(one)))
    counts = np.array([len(one) for one in times])
    most = int(counts.max(initial=1))
    padded, work = np.full((count, most), np.inf), np.full((count, most), load.service_s)
    for row, (one, service) in enumerate(zip(times, services, strict=True)):
        padded[row, : len(one)], work[row, : len(one)] = one, service
    return Batch(padded, work, counts, np.array(shifts))


def trace_load(
    arrivals_s: Floats, service_s: float, *, least_erlang: float = 10.0, most_erlang: float = math.inf
) -> tuple[Load, float]:
    """Return (load, how many times faster it is played).

    A thin trace is sped up to `least_erlang` of mean demand, a dense one slowed down to `most_erlang`.
    """
    ordered = np.sort(np.asarray(arrivals_s, float))
    with np.errstate(over="ignore", invalid="ignore"):
        ordered = ordered - ordered[0] if len(ordered) else ordered
    if len(ordered) < 100 or ordered[-1] <= 0:
        raise BadInput("A trace needs at least 100 arrivals at different times", field="trace")
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        erlang = len(ordered) / ordered[-1] * service_s
        faster = float(max(min(1.0, most_erlang / erlang), least_erlang / erlang))
        played = ordered / faster
    rate_hz = len(ordered) / float(played[-1]) if 0 < played[-1] < math.inf else math.inf
    if not math.isfinite(rate_hz):
        raise BadInput("The arrivals of the trace are too far apart or too close together to be played", field="trace")
    # What is drawn from a trace is held in memory, a hundred loads at once.
    seconds = min(80.0, float(played[-1]) / 2, _MOST_EACH / rate_hz)
    return Load("trace", seconds, rate_hz, service_s, tuple(played.tolist())), faster
