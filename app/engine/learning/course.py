"""What a session over nodes is asked to do: its settings where nobody says otherwise, its rules, who wants what of it."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.learning import nets
from app.engine.learning.draws import Purpose, generator
from app.engine.learning.drill import LiveDrill
from app.engine.learning.federation import Member
from app.engine.learning.records import LocalSpec
from app.engine.learning.robust import aggregator
from app.engine.learning.selection import share_of
from app.engine.learning.sessions import Session
from app.engine.learning.strategy import WEIGHT_MOST, Strategy
from app.engine.learning.versions import EACH, Versions

COURSE: Final[Mapping[str, Any]] = {
    "epochs": 5, "batch": 16, "learning_rate": 0.1, "deadline_s": 30.0, "quorum_ratio": 0.5, "patience_s": 60.0,
    "sample_ratio": 1.0, "selection": "random", "aggregator": "mean", "attackers": 0, "server_rate": 0.0, "norm_bound": 0.0,
    "weight_most": WEIGHT_MOST,
    "data": "digits", "dataset": "", "model": "mlp", "name": "", "versions": EACH,
}  # fmt: skip

_COUNTING: Final = ("trimmed", "multi-krum")  # rules that are a mean where nobody is hostile, as are all that begin with mixed-

Test: TypeAlias = tuple[nets.Array, NDArray[np.int64]]


@dataclass(frozen=True)
class Course:
    """One session as it is held: what is kept of it, its rules, its members, and how patient it is."""

    session: Session
    strategy: Strategy
    members: tuple[Member, ...]
    actor: str
    cause: str
    versions: Versions

    @property
    def spec(self) -> dict[str, Any]:
        """Return what was asked."""
        return dict(self.session.spec)

    def test(self, x: nets.Array, y: NDArray[np.int64]) -> Test:
        """Return what rounds are judged on: the test data, in a tuning half of it."""
        return halves(x, y)[0] if self.halved else (x, y)

    @property
    def halved(self) -> bool:
        """Tell whether this is one setting of a tuning over nodes."""
        return bool(self.session.spec.get("halved"))


@dataclass
class Reins:
    """What a person wants of a running session: "", "pause" or "stop", and a drill; `pulled` is set when that changes."""

    wish: str = ""
    drill: LiveDrill | None = None
    pulled: asyncio.Event = field(default_factory=asyncio.Event)
    closing: bool = False

    def pull(self, wish: str) -> None:
        """Ask the session to pause or stop after the round, or at once where it waits."""
        self.wish = wish
        self.pulled.set()


def halves(x: nets.Array, y: NDArray[np.int64]) -> tuple[Test, Test]:
    """Return test data in two halves, drawn by chance: that which judges a tuning over nodes, and that which it never sees."""
    order = generator(0, Purpose.DATA, 2).permutation(len(y))
    one, other = np.sort(order[: len(y) // 2]), np.sort(order[len(y) // 2 :])
    return (x[one], y[one]), (x[other], y[other])


def ordered_nodes(nodes: Collection[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return nodes (id, name) in the fixed order of a run, each once."""
    return tuple(sorted(set(nodes), key=lambda node: (node[1], node[0])))


def model_of(spec: Mapping[str, Any]) -> str:
    """Return the model that is trained."""
    return str(spec.get("model", nets.DIGITS_MODEL))


def strategy_of(spec: Mapping[str, Any], nodes: int, session: str = "") -> Strategy:
    """Return the rules of a session; raise `BadInput` when they do not fit each other or so few nodes."""
    local = LocalSpec.from_json({**spec, "session": session, "model": model_of(spec)})
    rule = aggregator(str(spec["aggregator"]), int(spec["attackers"]))
    strategy = Strategy(
        local, sample_ratio=float(spec["sample_ratio"]), aggregator=rule, server_rate=float(spec["server_rate"]),
        norm_bound=float(spec["norm_bound"]), selection=str(spec["selection"]), deadline_s=float(spec["deadline_s"]),
        weight_most=float(spec.get("weight_most", WEIGHT_MOST)),
    )  # fmt: skip
    asked = share_of(nodes, strategy.sample_ratio)
    if asked < strategy.least:
        raise BadInput(
            "{rule} bears {hostile} hostile clients only among {least} or more; {clients} took part",
            rule=spec["aggregator"], hostile=spec["attackers"], least=strategy.least, clients=asked, field="aggregator",
        )  # fmt: skip
    return strategy


def check_defence(spec: Mapping[str, Any]) -> None:
    """Raise `BadInput` when nodes are to be borne that are hostile, and the rule bears none.

    Asked when a session begins, and not when one that is kept goes on.
    """
    if spec["selection"] != "random" and float(spec["sample_ratio"]) >= 1:
        raise BadInput(
            "{selection} selection chooses whom to ask, and all are asked", selection=spec["selection"], field="selection",
            hint="Ask some of the nodes: a sample rate below 1.",
        )  # fmt: skip
    rule, hostile = str(spec["aggregator"]), int(spec["attackers"])
    if hostile and rule == "mean":
        raise BadInput(
            "The plain mean bears no attackers, and {hostile} are to be borne", hostile=hostile, field="attackers",
            hint="Choose another aggregator, median for example.",
        )  # fmt: skip
    if not hostile and (rule in _COUNTING or rule.startswith("mixed-")):
        raise BadInput(
            "{rule} leaves out as many as there are attackers, and with 0 it is the plain mean", rule=rule, field="attackers",
            hint="Say how many attackers it is to bear.",
        )  # fmt: skip


def check_drill(spec: Mapping[str, Any]) -> None:
    """Raise `BadInput` when a simulation's attackers, or the round they begin in, would be without any effect."""
    drilled = spec.get("attack", "none") != "none" or float(spec.get("dropout_rate", 0.0)) > 0
    hostile, begins, rounds = (
        int(spec.get(name, least)) for name, least in (("attackers", 0), ("drill_round", 1), ("rounds", 1))
    )
    if hostile and spec.get("attack", "none") == "none" and spec.get("aggregator", "mean") == "mean":
        raise BadInput(
            "{hostile} attackers without an attack, and without an aggregator that bears them, change nothing",
            hostile=hostile, field="attackers", hint="Choose an attack, or another aggregator.",
        )  # fmt: skip
    if begins > 1 and not drilled:
        raise BadInput(
            "Nothing begins in round {begins}: there is neither an attack nor a dropout", begins=begins, field="drill_round"
        )
    if drilled and begins > rounds:
        raise BadInput(
            "The attack or dropout begins in round {begins}, after the last, which is {rounds}",
            begins=begins, rounds=rounds, field="drill_round",
        )  # fmt: skip
