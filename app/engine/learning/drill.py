"""Drills of a session over live nodes: for some rounds chosen nodes seem to attack, or are lost, to see what comes of it.

A drill is held at this engine's edge: an update was received, checked and found to be its node's own before it is changed, and
no node is told, or carries code for it. So it knows the attacks on updates (`attacks`), not those on data. What an attack makes
longer than the norm bound is refused as from a hostile node, and counts against nobody. A session remembers the first round
that was drilled: the models from there on are marked, and neither promoted nor brought to nodes.
"""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.engine.learning.attacks import tamper
from app.engine.learning.federation import Answer, Answers, Member, RoundCall
from app.engine.learning.nets import length_of
from app.engine.learning.records import LocalUpdate, Part
from app.engine.store.threads import in_thread

DROPOUT: Final = "dropout"
_SHARE: Final = 5
ATTACKS: Final = ("sign-flip", "gaussian", "alie", "ipm", DROPOUT)


@dataclass(frozen=True)
class LiveDrill:
    """An attack, or `dropout`, by some clients of a session (places, and the nodes' `names`) for the `rounds` that are left."""

    attack: str
    clients: frozenset[int]
    names: tuple[str, ...]
    rounds: int

    def to_json(self) -> dict[str, Any]:
        """Return the drill as it is shown, and kept in the record of a round."""
        return {"attack": self.attack, "nodes": list(self.names), "rounds": self.rounds}

    def after(self) -> "LiveDrill | None":
        """Return what is left of the drill after a round; None when it is over."""
        return dataclasses.replace(self, rounds=self.rounds - 1) if self.rounds > 1 else None

    def lost(self, members: Sequence[Member]) -> Answers:
        """Return the parts of those of `members` that are not asked, because the drill is that they are lost."""
        if self.attack != DROPOUT:
            return []
        reason = tr("lost in a drill")
        return [(Part(one.client, one.name, "offline", reason=reason), None) for one in members if one.client in self.clients]

    def spoilt(self, call: RoundCall, answers: Answers) -> Answers:
        """Return a round's answers as the attack leaves them; those that came sound are not changed themselves."""
        sound = [(at, part, update) for at, (part, update) in enumerate(answers) if update is not None]
        hostile = np.array([part.client in self.clients for _, part, _ in sound], np.bool_)
        if self.attack == DROPOUT or not hostile.any():
            return answers
        rows, told = call.strategy.gather([update for _, _, update in sound]).updates, list(answers)
        tamper(self.attack, rows, hostile, call.strategy.base.seed, call.number)
        for row, (at, part, update), is_hostile in zip(rows, sound, hostile, strict=True):
            if is_hostile:
                told[at] = self._sent(part, dataclasses.replace(update, row=row), call.strategy.norm_bound)
        return told

    def _sent(self, part: Part, update: LocalUpdate, bound: float) -> Answer:
        """Return what is taken of a spoilt update: it, or why it is refused."""
        norm = 0.0 if update.row is None else length_of(update.row)
        reason = tr("attacked in a drill: {attack}", attack=self.attack)
        if bound > 0 and norm > bound:
            over = tr("the update has norm {norm} over the bound {bound}", norm=round(norm, 4), bound=bound)
            return dataclasses.replace(part, state="failed", norm=norm, reason=f"{reason}; {over}"), None
        return dataclasses.replace(part, norm=norm, reason=reason), update


class Edge:
    """Where a drill stands between what nodes send and what counts; `drilled` is the one in the round under way."""

    def __init__(self, now: Callable[[], LiveDrill | None]) -> None:
        self._now = now
        self.drilled: LiveDrill | None = None

    def lost(self, members: Sequence[Member], told: Callable[[Part], None]) -> tuple[list[Member], Answers]:
        """Return whom of `members` to ask, and the parts of those that are lost; `told` hears of these."""
        drill = self._now()
        away = drill.lost(members) if drill else []
        self.drilled = drill if away else None
        for part, _ in away:
            told(part)
        gone = {part.client for part, _ in away}
        return [one for one in members if one.client not in gone], away

    async def spoilt(self, call: RoundCall, answers: Answers, told: Callable[[Part], None]) -> Answers:
        """Return answers as the drill leaves them; one that was ended meanwhile leaves them alone. `told` hears of changes."""
        drill = self._now()
        if drill is None:
            return answers
        self.drilled = drill
        spoilt = await in_thread(lambda: drill.spoilt(call, answers), "drill")
        for (before, _), (part, _) in zip(answers, spoilt, strict=True):
            if part is not before:
                told(part)
        return spoilt


def planned(nodes: Sequence[tuple[str, str]], attack: str, chosen: Collection[str], rounds: int) -> LiveDrill:
    """Return a drill by the `chosen` of a session's `nodes` (id, name), without any by a fifth of them; raise `BadInput`."""
    known = [key for key, _ in nodes]
    if strange := set(chosen) - set(known):
        raise BadInput("{count} of the chosen nodes are not in this session", count=len(strange), field="nodes")
    places = [known.index(key) for key in chosen] if chosen else range(max(1, len(nodes) // _SHARE))
    return LiveDrill(attack, frozenset(places), tuple(nodes[at][1] for at in sorted(places)), rounds)
