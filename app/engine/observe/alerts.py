"""What is wrong now, by cause: many signs of one trouble are one problem. Pure: signs in, problems out.

The wider cause wins: when no node answers, the link of this machine is the likely culprit, not fifty nodes; when a whole
site is silent, the site; when three nodes give one reason, the reason. Jobs that failed alike are one problem too.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

SILENT: Final = frozenset({"offline", "suspect"})
FLAP_S: Final = 600.0
FLAP_LEAST: Final = 4
_ALIKE_LEAST: Final = 3


@dataclass(frozen=True)
class Sign:
    """One thing that is wrong: a node or a job, how it stands, since when (UTC microseconds), where, and why."""

    kind: str
    id: str
    name: str
    state: str
    since_us: int = 0
    place: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Problem:
    """Signs that share a cause; `scope` says which: fleet, site, reason, node, flapping, job."""

    cause: str
    scope: str
    state: str
    signs: tuple[Sign, ...]
    place: str = ""
    reason: str = ""
    since_us: int = field(default=0)

    @property
    def count(self) -> int:
        """Return how many things are wrong."""
        return len(self.signs)

    @property
    def first(self) -> Sign:
        """Return the sign that came first."""
        return min(self.signs, key=lambda sign: (sign.since_us or 2**63, sign.id))


def problems(signs: Iterable[Sign], *, per_place: dict[str, int] | None = None, flapping: Iterable[str] = ()) -> list[Problem]:
    """Return the problems behind `signs`, the worst first.

    `per_place` counts all nodes of each place, well or not, so that a whole site can be told from a part of it;
    `flapping` are the ids of nodes that come and go.
    """
    given = list(signs)
    nodes = [sign for sign in given if sign.kind == "node"]
    found = _node_problems(nodes, per_place or {}, frozenset(flapping))
    found += _alike([sign for sign in given if sign.kind != "node"])
    rank = {"fleet": 0, "site": 1, "reason": 2, "job": 4}
    return sorted(found, key=lambda one: (rank.get(one.scope, 3), one.state != "offline", -one.count, one.cause))


def flapping(changes: Sequence[tuple[str, int]], now_us: int) -> set[str]:
    """Return the ids of those that changed state at least four times within ten minutes; `changes` are (id, at_us)."""
    counts: dict[str, int] = defaultdict(int)
    for one, at_us in changes:
        counts[one] += now_us - at_us <= FLAP_S * 1e6
    return {one for one, count in counts.items() if count >= FLAP_LEAST}


def _node_problems(nodes: list[Sign], per_place: dict[str, int], unsteady: frozenset[str]) -> list[Problem]:
    if not nodes:
        return []
    everywhere = sum(per_place.values())
    if len(nodes) >= 2 and len(nodes) == everywhere and all(sign.state == "offline" for sign in nodes):
        return [_problem("fleet", "fleet", nodes)]
    left, found = list(nodes), []
    for place, those in _by(left, lambda sign: sign.place).items():
        if place and len(those) >= 2 and len(those) >= max(2, per_place.get(place, 0)):
            found.append(_problem(f"site:{place}", "site", those, place=place))
            left = [sign for sign in left if sign not in those]
    for reason, those in _by(left, lambda sign: _alike_text(sign.reason)).items():
        if reason and len(those) >= _ALIKE_LEAST:
            found.append(_problem(f"reason:{reason}", "reason", those, reason=those[0].reason))
            left = [sign for sign in left if sign not in those]
    for sign in left:
        scope = "flapping" if sign.id in unsteady else "node"
        found.append(_problem(f"{scope}:{sign.id}", scope, [sign], place=sign.place, reason=sign.reason))
    return found


def _alike(signs: list[Sign]) -> list[Problem]:
    groups = _by(signs, lambda sign: f"{sign.kind}:{sign.state}:{sign.place}:{_alike_text(sign.reason)}")
    return [_problem(cause, "job", those, place=those[0].place, reason=those[0].reason) for cause, those in groups.items()]


def _by(signs: Iterable[Sign], key: Callable[[Sign], str]) -> dict[str, list[Sign]]:
    groups: dict[str, list[Sign]] = defaultdict(list)
    for sign in signs:
        groups[key(sign)].append(sign)
    return groups


def _alike_text(text: str) -> str:
    """Return `text` without what differs between two tellings of one trouble: figures, quoted names, paths."""
    return re.sub(r"\S*[/\\]\S*|'[^']*'|\"[^\"]*\"|[\d.,:]+", "#", text).casefold().strip()


def _problem(cause: str, scope: str, signs: Sequence[Sign], *, place: str = "", reason: str = "") -> Problem:
    worst = "offline" if any(sign.state == "offline" for sign in signs) else signs[0].state
    since_us = min((sign.since_us for sign in signs if sign.since_us), default=0)
    return Problem(cause, scope, worst, tuple(signs), place, reason, since_us)
