"""What job-shop and flow-shop share: operations in order in a job, one at a time on a machine, the last end as early as can be.

x[o, t] tells that operation o starts at t, z[m] that the makespan is m (Venturelli, Marchand, Rojo 2015, "Quantum annealing
implementation of job-shop scheduling", the makespan added as a choice of its own). Starts outside heads and tails are left out.
"""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import Limit
from app.engine.base.text import tr
from app.engine.qubo.problems import pictures
from app.engine.qubo.problems.base import Formulation, Penalty, Problem
from app.engine.qubo.problems.terms import Terms
from app.engine.qubo.readers.lines import Lines

_MOST_STARTS = 20_000


@dataclass(frozen=True, eq=False)
class Shop(Problem):
    """`machines` and `times` (jobs, steps), whole times; an answer is the start of each operation, (jobs, steps) as lists."""

    machines: NDArray[np.int64]
    times: NDArray[np.int64]
    jobs: tuple[str, ...]
    horizon: int = 0
    name: str = ""
    unit = "makespan"

    @property
    def lower(self) -> int:
        """Return a bound on the makespan: the longest job, or the busiest machine with the least before and after it."""
        heads = np.cumsum(self.times, 1) - self.times
        tails = self.times.sum(1, keepdims=True) - heads - self.times
        bound = int(self.times.sum(1).max())
        for machine in range(int(self.machines.max()) + 1):
            on = self.machines == machine
            if on.any():
                bound = max(bound, int(heads[on].min() + self.times[on].sum() + tails[on].min()))
        return bound

    @abstractmethod
    def planned(self) -> list[list[int]]:
        """Return a quick feasible answer, which bounds the horizon."""

    @cached_property
    def latest(self) -> int:
        """Return the largest makespan the QUBO can say."""
        return self.horizon or int(self.objective(self.planned()))

    @cached_property
    def grid(self) -> tuple[list[tuple[int, int, int]], dict[tuple[int, int, int], int]]:
        """Return the (job, step, start) triples in order, and the variable of each."""
        heads = np.cumsum(self.times, 1) - self.times
        tails = self.times.sum(1, keepdims=True) - heads
        triples = [
            (j, s, t)
            for j in range(len(self.jobs)) for s in range(self.times.shape[1])
            for t in range(int(heads[j, s]), self.latest - int(tails[j, s]) + 1)
        ]  # fmt: skip
        if len(triples) > _MOST_STARTS:
            raise Limit("{n} possible starts are more than the {most} a QUBO of this kind can hold", n=len(triples),
                        most=_MOST_STARTS, hint="Use the domain method: --route domain.")  # fmt: skip
        return triples, {triple: k for k, triple in enumerate(triples)}

    def formulate(self) -> Formulation:
        """Return the makespan, one start an operation, order in jobs, one at a time on machines, ends before the makespan."""
        triples, _ = self.grid
        spans = range(min(self.lower, self.latest), self.latest + 1)
        terms = Terms(len(triples) + len(spans))
        weight = float(spans[-1] - spans[0]) + 1.0
        job, step, start = (
            (np.array(column, np.int64) for column in zip(*triples, strict=True)) if triples else [np.empty(0, np.int64)] * 3
        )
        time, machine = self.times[job, step], self.machines[job, step]
        last = len(triples) + np.arange(len(spans))
        terms.add(last, last, np.array(spans, np.float64))
        terms.one_of(last, weight + spans[-1])
        for j in range(len(self.jobs)):
            for s in range(self.times.shape[1]):
                mine = np.flatnonzero((job == j) & (step == s))
                terms.one_of(mine, weight + 1.0)
                if s + 1 < self.times.shape[1]:
                    after = np.flatnonzero((job == j) & (step == s + 1))
                    early = (start[mine] + time[mine])[:, None] > start[after][None, :]
                    a, b = np.nonzero(early)
                    terms.add(mine[a], after[b], weight)
                else:
                    a, b = np.nonzero((start[mine] + time[mine])[:, None] > np.array(spans)[None, :])
                    terms.add(mine[a], last[b], weight)
        for one in np.unique(machine):
            on = np.flatnonzero(machine == one)
            begin, end = start[on], start[on] + time[on]
            a, b = np.nonzero(
                (begin[:, None] < end[None, :]) & (begin[None, :] < end[:, None]) & (job[on][:, None] < job[on][None, :])
            )
            terms.add(on[a], on[b], weight)
        why = tr(
            "the spread of possible makespans, {first} to {last}, plus 1: breaking a rule once can never pay",
            first=spans[0],
            last=spans[-1],
        )
        return Formulation(
            terms.build(name=self.name),
            (Penalty(tr("one start an operation"), weight + 1.0, why + tr(", and 1 more than what it conflicts with")),
             Penalty(tr("order, machines, makespan"), weight, why),
             Penalty(tr("one makespan"), weight + spans[-1], tr("the same, plus the latest makespan, which it would save"))),
        )  # fmt: skip

    def place(self, sample: NDArray[np.int8], answer: Any) -> None:
        """Set the starts and the makespan."""
        triples, at = self.grid
        for j, row in enumerate(answer):
            for s, t in enumerate(row):
                if (j, s, t) in at:
                    sample[at[j, s, t]] = 1
        low = min(self.lower, self.latest)
        span = max((t + int(self.times[j, s]) for j, row in enumerate(answer) for s, t in enumerate(row) if t >= 0), default=0)
        if low <= span <= self.latest:
            sample[len(triples) + span - low] = 1

    def decode(self, sample: NDArray[np.int8]) -> list[list[int]]:
        """Return the starts, -1 for an operation with none or several."""
        triples, _ = self.grid
        out = [[-1] * self.times.shape[1] for _ in self.jobs]
        seen = np.zeros(self.times.shape, np.int64)
        for k in np.flatnonzero(sample[: len(triples)]):
            j, s, t = triples[k]
            seen[j, s] += 1
            out[j][s] = t
        for j, s in np.argwhere(seen != 1):
            out[j][s] = -1
        return out

    def check(self, answer: Any) -> list[str]:
        """Return operations without a start, out of order, or two at once on a machine."""
        start = np.asarray(answer, np.int64)
        out = [
            tr("{job}, step {number} has no single start", job=self.jobs[j], number=s + 1) for j, s in np.argwhere(start < 0)
        ]
        end = start + self.times
        if self.horizon:
            over = np.argwhere(end > self.horizon)
            out += [
                tr(
                    "{job}, step {number} ends after the horizon, {horizon}",
                    job=self.jobs[j],
                    number=s + 1,
                    horizon=self.horizon,
                )
                for j, s in over
            ]
        late = (start[:, 1:] < end[:, :-1]) & (start[:, 1:] >= 0) & (start[:, :-1] >= 0)
        out += [
            tr("{job}, step {number} starts before step {before} ends", job=self.jobs[j], number=s + 2, before=s + 1)
            for j, s in np.argwhere(late)
        ]
        for machine in np.unique(self.machines):
            on = sorted(
                (int(start[j, s]), int(end[j, s]), j) for j, s in np.argwhere(self.machines == machine) if start[j, s] >= 0
            )
            out += [
                tr(
                    "machine {number}: {job} and {other} at once",
                    number=machine + 1,
                    job=self.jobs[a[2]],
                    other=self.jobs[b[2]],
                )
                for a, b in pairwise(on)
                if b[0] < a[1]
            ]
        return out

    def conflicts(self) -> list[str]:
        """Return a complaint when the horizon is below a bound on the makespan."""
        if self.horizon and self.horizon < self.lower:
            return [
                tr("the horizon is {horizon}, one job or machine alone needs {lower}", horizon=self.horizon, lower=self.lower)
            ]
        return []

    def objective(self, answer: Any) -> float:
        """Return the makespan."""
        return float((np.asarray(answer) + self.times).max())

    def terms(self, answer: Any) -> dict[str, float]:
        """Return figures beside the objective; see `Problem.terms`."""
        idle = self.objective(answer) * (int(self.machines.max()) + 1) - float(self.times.sum())
        return {tr("idle time of machines"): idle}

    def draw(self, answer: Any) -> pictures.Picture:
        """Return a Gantt chart, a row per machine, a colour per job."""
        rows = [tr("machine {number}", number=k + 1) for k in range(int(self.machines.max()) + 1)]
        bars = [
            pictures.bar(int(self.machines[j, s]), t, t + int(self.times[j, s]), self.jobs[j], j % 8)
            for j, row in enumerate(answer or ()) for s, t in enumerate(row) if t >= 0
        ]  # fmt: skip
        return pictures.gantt(rows, bars, unit="time")

    def facts(self) -> list[tuple[str, str]]:
        """Return jobs, machines and a bound."""
        return [(tr("jobs"), str(len(self.jobs))), (tr("machines"), str(int(self.machines.max()) + 1)),
                (tr("makespan at least"), str(self.lower)), (tr("makespan at most in the QUBO"), str(self.latest))]  # fmt: skip


def read_standard(text: str, file: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return machines and times of `jobs machines` and a line of `machine time` pairs per job; machines from 0 or from 1."""
    lines = Lines(text, file, ("#", "+"))
    words = iter(lines)
    head = next(words, [])
    if len(head) != 2:
        raise lines.bad("expected the number of jobs and the number of machines")
    n, m = lines.whole(head[0], 1, 1000), lines.whole(head[1], 1, 1000)
    machines, times = np.zeros((n, m), np.int64), np.zeros((n, m), np.int64)
    at, where = 0, []
    for row in words:
        if at == n:
            raise lines.bad("the first line promises {n} jobs, here is one more", n=n)
        if len(row) != 2 * m:
            raise lines.bad("expected {m} pairs of machine and time, found {found} words", m=m, found=len(row))
        machines[at] = [lines.whole(word, 0, m) for word in row[::2]]
        times[at] = [lines.whole(word, 0, 10**6) for word in row[1::2]]
        where.append(lines.number)
        at += 1
    if at < n:
        raise lines.bad("the first line promises {n} jobs, the file ends after {at}", n=n, at=at)
    if machines.min() == 1:
        machines -= 1
    for k in range(n):
        if machines[k].max() >= m or len(set(machines[k].tolist())) < m:
            raise lines.bad("a job visits every machine once", line=where[k])
    return machines, times


def pairs_in_order(rows: list[list[int | None]]) -> tuple[bool, bool]:
    """Return whether lines have the shape of the standard text, and whether all jobs visit the machines in one order."""
    if len(rows) < 2 or len(rows[0]) != 2 or None in rows[0]:
        return False, False
    n, m = rows[0]
    body = rows[1:]
    good = m is not None and m > 1 and len(body) <= (n or 0) and all(len(row) == 2 * m and None not in row for row in body)
    return good, good and all(row[::2] == body[0][::2] for row in body)
