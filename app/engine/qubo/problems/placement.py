"""Workload placement: which node runs what, within processor and memory, at the least cost.

A workload on a node costs its rate times the node's round trip (ms), plus `spread` times the processor it takes over what the
node has free, so that busy nodes fill last. The nodes are lines `node = name cpu memory round_trip_ms`, written from the
live fleet by `problem import --fleet`. Processors count in thousandths, memory in MiB.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.text import tr
from app.engine.qubo.problems import pictures
from app.engine.qubo.problems.base import Formulation, Kind, Penalty, Problem
from app.engine.qubo.problems.tables import Cell, Table, headings
from app.engine.qubo.problems.terms import Terms

_SPREAD = 10.0


@dataclass(frozen=True)
class Host:
    """A node with what it has free: thousandths of a processor, MiB, and its round trip in ms."""

    name: str
    cpu: int
    memory: int
    round_trip_ms: float


@dataclass(frozen=True, eq=False)
class Placement(Problem):
    """Workloads (name, thousandths of a processor, MiB, rate) on hosts; an answer is the number of a host per workload."""

    hosts: tuple[Host, ...]
    workloads: tuple[tuple[str, int, int, float], ...]
    spread: float = _SPREAD
    name: str = ""
    kind = "placement"

    @property
    def costs(self) -> NDArray[np.float64]:
        """Return the cost of each workload on each host, (workloads, hosts)."""
        trip = np.array([host.round_trip_ms for host in self.hosts])
        free = np.array([max(1, host.cpu) for host in self.hosts], np.float64)
        cpu = np.array([w[1] for w in self.workloads], np.float64)
        rate = np.array([w[3] for w in self.workloads])
        return np.asarray(np.round(rate[:, None] * trip + self.spread * cpu[:, None] / free, 6), np.float64)

    def formulate(self) -> Formulation:
        """Return the cost, one host a workload, and processor and memory of each host that can overflow."""
        costs = self.costs
        n, m = costs.shape
        terms = Terms(n * m)
        x = np.arange(n * m).reshape(n, m)
        terms.add(x, x, costs)
        spread = float((costs.max(1) - costs.min(1)).sum()) + 1.0
        for w in range(n):
            terms.one_of(x[w], spread + float(costs[w].max()))
        for name, needs, room in self.rooms():
            need = np.array(needs, np.int64)
            for h in range(m):
                if need.sum() > room[h]:
                    # All needs are multiples of `step`, so counting in steps loses nothing.
                    step = int(np.gcd.reduce(need))
                    terms.inequality(x[:, h], need // step, room[h] // step, spread, name=f"{self.hosts[h].name}, {name}")
        why = tr("the dearest placement less the cheapest, plus 1: breaking a rule once can never pay")
        penalties = (Penalty(tr("one host a workload"), spread, why + tr("; what the workload costs comes on top")),
                     Penalty(tr("processor and memory"), spread, why))  # fmt: skip
        return Formulation(terms.build(name=self.name), penalties, tuple(terms.capacities))

    def rooms(self) -> tuple[tuple[str, list[int], list[int]], ...]:
        """Return per resource its name, what each workload needs and what each host has free."""
        return (
            (tr("processor"), [w[1] for w in self.workloads], [h.cpu for h in self.hosts]),
            (tr("memory"), [w[2] for w in self.workloads], [h.memory for h in self.hosts]),
        )

    def place(self, sample: NDArray[np.int8], answer: Any) -> None:
        """Place the workloads."""
        for w, h in enumerate(answer):
            if h >= 0:
                sample[w * len(self.hosts) + h] = 1

    def decode(self, sample: NDArray[np.int8]) -> list[int]:
        """Return the host of each workload, -1 for none or several."""
        n, m = len(self.workloads), len(self.hosts)
        return [int(row.argmax()) if row.sum() == 1 else -1 for row in sample[: n * m].reshape(n, m)]

    def check(self, answer: Any) -> list[str]:
        """Return workloads without a host and hosts overloaded, in whole amounts."""
        out = [
            tr("workload {workload} has no single host", workload=self.workloads[w][0]) for w, h in enumerate(answer) if h < 0
        ]
        for name, needs, room in self.rooms():
            for h, host in enumerate(self.hosts):
                used = sum(need for need, at in zip(needs, answer, strict=True) if at == h)
                if used > room[h]:
                    out.append(
                        tr("{name}: {used} of {room} {resource} used", name=host.name, used=used, room=room[h], resource=name)
                    )
        return out

    def conflicts(self) -> list[str]:
        """Return workloads too large for any host, and too little room in all."""
        out = []
        for name, needs, room in self.rooms():
            most, total, need = max(room), sum(room), sum(needs)
            out += [
                tr(
                    "workload {workload} needs {need} {resource}, the largest host has {most} free",
                    workload=w[0],
                    need=one,
                    resource=name,
                    most=most,
                )
                for w, one in zip(self.workloads, needs, strict=True)
                if one > most
            ]
            if need > total:
                out.append(
                    tr(
                        "all workloads need {need} {resource}, all hosts have {total} free",
                        need=need,
                        resource=name,
                        total=total,
                    )
                )
        return out

    def objective(self, answer: Any) -> float:
        """Return the cost of the placement."""
        return float(self.costs[np.arange(len(answer)), np.asarray(answer)].sum())

    def terms(self, answer: Any) -> dict[str, float]:
        """Return figures beside the objective; see `Problem.terms`."""
        used = sorted(set(answer))
        return {tr("hosts in use"): float(len(used)),
                tr("most workloads on a host"): float(np.bincount(np.asarray(answer)).max())}  # fmt: skip

    def draw(self, answer: Any) -> pictures.Picture:
        """Return a row per host, the processor of its workloads end to end, what is free as a mark."""
        bars, filled = [], [0] * len(self.hosts)
        for w, h in enumerate(answer or ()):
            if h >= 0:
                name, cpu = self.workloads[w][:2]
                bars.append(pictures.bar(h, filled[h], filled[h] + cpu, name, w % 8))
                filled[h] += cpu
        return pictures.gantt(
            [host.name for host in self.hosts], bars, limits=[h.cpu for h in self.hosts], unit="processor / 1000"
        )

    def facts(self) -> list[tuple[str, str]]:
        """Return hosts, workloads and what is free."""
        return [
            (tr("hosts"), str(len(self.hosts))),
            (tr("workloads"), str(len(self.workloads))),
            (
                tr("processor needed of free"),
                tr("{need} of {room}", need=sum(w[1] for w in self.workloads), room=sum(h.cpu for h in self.hosts)),
            ),
            (
                tr("memory needed of free, MiB"),
                tr("{need} of {room}", need=sum(w[2] for w in self.workloads), room=sum(h.memory for h in self.hosts)),
            ),
        ]


def read(text: str, file: str) -> Placement:
    """Return the problem in `text`."""
    table = Table(text, file)
    table.need("workload", "cpu", "memory")
    hosts: list[Host] = []
    for cell in table.each("node"):
        words = cell.text.replace(",", " ").split()
        if len(words) not in (3, 4):
            raise table.bad(cell.line, "expected node = name cpu memory round_trip_ms")
        if any(host.name == words[0] for host in hosts):
            raise table.bad(cell.line, "node {name} stands twice", name=words[0])
        cpu, memory = (table.whole(Cell(word, cell.line)) for word in words[1:3])
        hosts.append(Host(words[0], cpu, memory, table.real(Cell(words[3], cell.line), 0.0) if len(words) == 4 else 0.0))
    if not hosts:
        raise table.bad(1, "a line node = name cpu memory round_trip_ms is missing")
    table.names("workload")
    spread = table.real(table.setting("spread", str(_SPREAD)), 0.0)
    table.close()
    workloads = tuple(
        (row.text("workload"), row.whole("cpu"), row.whole("memory"), row.real("rate", 0.0) if table.has("rate") else 1.0)
        for row in table
    )
    return Placement(tuple(hosts), workloads, spread, file)


def recognise(text: str) -> bool:
    """Tell whether `text` is a table of workloads."""
    return {"workload", "cpu", "memory"} <= headings(text)


KIND = Kind(
    "placement", "Workload placement", "Places workloads on the nodes of the fleet within processor and memory.",
    "a table; the nodes from the live fleet", read, recognise,
    "workload, cpu, memory, rate, and lines node = name cpu memory round_trip_ms (or --fleet)",
    ("HiGHS branch and cut",),
)  # fmt: skip
