"""A rehearsal: the same decisions as in service, on a fleet that exists only here, with faults drawn from a seed.

Time jumps from event to event. Every node takes its time for the download (its bytes at its link's speed) and for putting the
model into service; a fault makes it fail, fall silent and come back, or be slow. Nothing of this is measured: it is simulated.
"""

import heapq
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.engine.fleet.rollout.machine import advance, decide, outcome_counts
from app.engine.fleet.rollout.plan import Plan
from app.engine.fleet.rollout.records import Rollout, Task
from app.engine.fleet.rollout.sentences import AWAY
from app.engine.fleet.rollout.states import FETCHING, MOVING, NODE

_STEP_S: Final = 5.0
_MOST_EVENTS: Final = 2_000_000


@dataclass(frozen=True)
class Faults:
    """What goes wrong: ratios 0 to 1 of nodes or tries; `away_s` is how long a node that falls silent stays so."""

    fail_ratio: float = 0.0
    away_ratio: float = 0.0
    away_s: float = 600.0
    slow_ratio: float = 0.0
    slow_factor: float = 10.0
    agreement_ratio: float = 1.0
    p99_ratio: float = 1.0
    link_bytes_s: float = 1e6
    install_s: float = 5.0


@dataclass(order=True)
class _Due:
    at_s: float
    order: int
    node_id: str = field(compare=False)
    event: str = field(compare=False)
    told: dict[str, Any] = field(compare=False, default_factory=dict)


class _Fleet:
    """The made-up nodes: what happens to each after it was told to fetch or install."""

    def __init__(self, tasks: Mapping[str, Task], health: Mapping[str, str], faults: Faults, seed: int) -> None:
        self.tasks, self.health, self.faults = dict(tasks), dict(health), faults
        self._draw = random.Random(seed)
        self._due: list[_Due] = []
        self._count = 0
        for node_id, state in health.items():
            if state in AWAY:
                self._later(faults.away_s, node_id, "return")

    def next_s(self) -> float | None:
        return self._due[0].at_s if self._due else None

    def fetch(self, node_id: str, now_s: float, speed: float) -> None:
        task, faults = self.tasks[node_id], self.faults
        self._step(node_id, "notify", now_s)
        self._step(node_id, "download", now_s)
        slow = faults.slow_factor if self._draw.random() < faults.slow_ratio else 1.0
        self._later(now_s + slow * task.bytes_planned / max(speed, 1.0), node_id, "downloaded", bytes_sent=task.bytes_planned)
        if self._draw.random() < faults.away_ratio:
            self._later(now_s + self._draw.uniform(0, 2.0), node_id, "lose")

    def install(self, node_id: str, now_s: float) -> None:
        faults = self.faults
        self._step(node_id, "verify", now_s)
        fails = self._draw.random() < faults.fail_ratio
        events = (
            ("install", "warm", "roll_back", "rolled_back") if fails else ("install", "warm", "activate", "commit", "succeed")
        )
        figures = {"agreement_ratio": faults.agreement_ratio, "p99_before_s": 1e-3, "p99_after_s": 1e-3 * faults.p99_ratio}
        for index, event in enumerate(events, 1):
            told = figures if event == "activate" else {"reason": "a fault of the rehearsal"} if event == "roll_back" else {}
            self._later(now_s + faults.install_s * index / len(events), node_id, event, **told)

    def run_until(self, now_s: float) -> None:
        while self._due and self._due[0].at_s <= now_s:
            due = heapq.heappop(self._due)
            self._happen(due)

    def _happen(self, due: _Due) -> None:
        if due.event == "return":
            self.health[due.node_id] = "online"
            if self.tasks[due.node_id].state == "unknown":
                self._step(due.node_id, "find_old", due.at_s)
        elif due.event == "lose":
            if self.tasks[due.node_id].state in MOVING:
                self._step(due.node_id, "lose", due.at_s)
                self.health[due.node_id] = "offline"
                self._later(due.at_s + self.faults.away_s, due.node_id, "return")
        elif NODE.allows(self.tasks[due.node_id].state, due.event):
            self._step(due.node_id, due.event, due.at_s, **due.told)

    def _step(self, node_id: str, event: str, now_s: float, **told: Any) -> None:
        self.tasks[node_id] = advance(self.tasks[node_id], event, now_s, **told)

    def _later(self, at_s: float, node_id: str, event: str, **told: Any) -> None:
        self._count += 1
        heapq.heappush(self._due, _Due(at_s, self._count, node_id, event, told))


def simulate(
    rollout: Rollout, plan: Plan, health: Mapping[str, str], faults: Faults, *, seed: int, most_s: float = 30 * 86400.0,
    stop: Callable[[], bool] = lambda: False, links: Mapping[str, float] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Rehearse `plan` and return how it went: end state, time, groups, counts, bytes, and what it waited for on the way.

    Nodes that are away by `health` come back after the faults' `away_s`; `links` holds the bytes/s of those that are known.
    """
    spec = replace(rollout.spec, confirm=False)  # whoever is asked says yes at once
    rollout = replace(rollout, spec=spec, groups=plan.groups, state="starting", next_start_s=0.0, reason="", waiting="")
    fleet = _Fleet({task.node_id: task for task in plan.tasks}, health, faults, seed)
    now_s, said, peak = 0.0, list[tuple[float, str]](), 0
    for _ in range(_MOST_EVENTS):
        fleet.run_until(now_s)
        decision = decide(rollout, fleet.tasks, fleet.health, now_s)
        rollout = decision.rollout
        fleet.tasks.update((task.node_id, task) for task in decision.changed)
        for node_id in decision.fetch:
            own = (links or {}).get(node_id, faults.link_bytes_s)
            fleet.fetch(node_id, now_s, _speed(rollout, own, fleet.tasks[node_id], decision.fetch, fleet.tasks))
        for node_id in decision.install:
            fleet.install(node_id, now_s)
        peak = max(peak, sum(task.state in FETCHING for task in fleet.tasks.values()) if decision.fetch else 0)
        if rollout.waiting and (not said or said[-1][1] != rollout.waiting):
            said.append((now_s, rollout.waiting))
        if rollout.state != "running" or now_s > most_s or stop():
            break
        now_s = _next_s(fleet, rollout, now_s, busy=bool(decision.fetch or decision.install or decision.changed))
    return _summary(rollout, list(fleet.tasks.values()), now_s, said, peak)


def _speed(rollout: Rollout, own: float, task: Task, begun: Sequence[str], tasks: Mapping[str, Task]) -> float:
    """Return the bytes per second of one download: its link's, or its share of the site's budget."""
    if not rollout.spec.site_bytes_s:
        return own
    mates = sum(tasks[each].site == task.site for each in begun) + sum(
        each.site == task.site and each.state in FETCHING for each in tasks.values() if each.node_id not in begun
    )
    return min(own, rollout.spec.site_bytes_s / max(mates, 1))


def _next_s(fleet: _Fleet, rollout: Rollout, now_s: float, *, busy: bool) -> float:
    """Return when something can happen next: an event, the next start the rate allows, or a step on."""
    if busy:
        return now_s + 1e-3
    times = [at_s for at_s in (fleet.next_s(), rollout.next_start_s) if at_s is not None and at_s > now_s]
    return min([*times, now_s + (_STEP_S if times else 60.0)])


def _summary(rollout: Rollout, tasks: list[Task], now_s: float, said: list[tuple[float, str]], peak: int) -> dict[str, Any]:
    states: dict[str, int] = {}
    for task in tasks:
        states[task.state] = states.get(task.state, 0) + 1
    return {
        "kind": "simulated", "state": rollout.state, "seconds": now_s, "reason": rollout.reason, "states": states,
        **outcome_counts(tasks), "bytes": sum(task.bytes_sent for task in tasks), "most_downloads": peak,
        "groups": [
            {"name": group.name, "state": group.state, "ended_s": group.ended_s or None, "reason": group.reason}
            for group in rollout.groups
        ],
        "waited": [{"at_s": at_s, "sentence": sentence} for at_s, sentence in said[-20:]],
    }  # fmt: skip
