"""The rules of a federation as one object: who takes part, what each is told, and how the answers become a model.

The same object drives simulated clients and real agents, so both walk the same path to the same model. What is to
happen to updates before anyone adds them up (clipping, noise, masks) belongs between `gather` and the aggregator.

Federated averaging: McMahan et al., "Communication-efficient learning of deep networks from decentralized data", 2017.
FedNova: Wang et al., "Tackling the objective inconsistency problem", 2020, eq. 9. SCAFFOLD: Karimireddy et al., 2020.
FedAdagrad, FedAdam, FedYogi: Reddi et al., "Adaptive federated optimization", 2021, algorithm 2. FedBuff: Nguyen et al., 2022,
weights falling with staleness as 1 / sqrt(1 + s); where a rule takes no weights, the updates themselves.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Aggregator
from app.engine.base.errors import BadInput, Conflict
from app.engine.learning.aggregate import WeightedMean, least_of, weighs
from app.engine.learning.clients import steps_of
from app.engine.learning.compress import expand
from app.engine.learning.draws import Purpose, generator
from app.engine.learning.nets import Array, Params, check, evaluate, flatten, length_of, lengths_of, shapes_of, unflatten
from app.engine.learning.records import LocalSpec, LocalUpdate
from app.engine.learning.selection import Seen, select

_ADAPTIVE: Final = ("fedadam", "fedyogi", "fedadagrad")
_BY_STEPS: Final = ("fednova", "scaffold")  # those that divide updates by the steps behind them
_BETA1, _BETA2, _TAU = 0.9, 0.99, 1e-3  # as in section 5 of Reddi et al.
_SERVER_RATE: Final = 0.1
WEIGHT_MOST: Final = 3.0  # times the middle client's examples: what a claim nobody can check may count
_LONGEST: Final = 1e9  # of any update: what no training comes near, and what float32 numbers still bear
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Global:
    """What the server holds between rounds: the model, and the float32 rows (params,) that its algorithm keeps by name."""

    params: Params
    rows: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Gathered:
    """The sound answers of a round in fixed order: updates (clients, params), weights, steps taken and rounds of age.

    `steps` are what updates are divided by: those taken, or more, see `Strategy.weigh`. `believed` are the steps that the
    weights would take, where those are fewer than the steps taken.
    """

    updates: Array
    weights: Doubles
    steps: Doubles
    ages: Doubles | None = None
    believed: Doubles | None = None


@dataclass(frozen=True)
class Strategy:
    """A federation's rules: `base` is what every client is told, `sample_ratio` how many of them take part.

    `server_rate` 0 means the algorithm's own: 1, or 0.1 for the adaptive ones. An update longer than `norm_bound` is refused
    when that is positive. `selection` is one of `selection.KINDS`; with a `deadline_s` a round ends then, and what stragglers
    have done counts. How many examples a client has is its own word: it counts for no more than `weight_most` times the middle
    one of the round, 0 for whatever it says.
    """

    base: LocalSpec = field(default_factory=LocalSpec)
    sample_ratio: float = 1.0
    aggregator: Aggregator = field(default_factory=WeightedMean)
    server_rate: float = 0.0
    norm_bound: float = 0.0
    selection: str = "random"
    deadline_s: float = 0.0
    weight_most: float = WEIGHT_MOST

    def __post_init__(self) -> None:
        """Raise `BadInput` when what clients are told and the rules do not fit each other."""
        if self.base.algorithm == "fedrep" and self.base.epochs < 2:
            raise BadInput(
                "FedRep trains the head first and then the rest, and needs two passes or more", field="epochs",
                hint="Ask for more passes, or take fedper, which trains both at once.",
            )  # fmt: skip

    @property
    def least(self) -> int:
        """Return the fewest clients whose updates can be combined: an aggregator that bears hostile ones needs some."""
        return least_of(self.aggregator)

    def select(self, round_number: int, clients: int, seen: Seen | None = None) -> NDArray[np.int64]:
        """Return who takes part in a round, as rising places in the fixed order; at least one."""
        if self.sample_ratio >= 1:
            return np.arange(clients)
        rng = generator(self.base.seed, Purpose.SELECT, round_number)
        return select(self.selection, rng, self.sample_ratio, seen or Seen.nothing(clients), self.deadline_s, least=self.least)

    def configure(self, round_number: int, client: int) -> LocalSpec:
        """Return what `client` is told to do in a round."""
        return LocalSpec(**{**self.base.__dict__, "round": round_number, "client": client})

    def sent(self, now: Global) -> dict[str, Array]:
        """Return what a client is sent: the model, and the control variate beside it where there is one."""
        return {**now.params, **{name: now.rows[name] for name in ("control",) if name in now.rows}}

    def begin(self, params: Params) -> Global:
        """Return the state before the first round."""
        count = len(flatten(params, self.base.model))
        names = {"scaffold": ("control",), **dict.fromkeys(_ADAPTIVE, ("first", "second"))}.get(self.base.algorithm, ())
        rows = {name: np.zeros(count, np.float32) for name in names}
        if "second" in rows:
            rows["second"] += np.float32(_TAU**2)
        return Global(dict(params), rows)

    def read(self, sent: Mapping[str, Array], round_number: int) -> dict[str, Array]:
        """Return the update in what a node sent for a round; raise `BadInput` when it makes no sense."""
        base = self.base
        if base.compress == "none":
            return dict(sent)
        count = sum(int(np.prod(shape)) for shape in shapes_of(base.model).values())
        dense = expand(base.compress, sent, count, base.keep_ratio, seed=base.seed, round_number=round_number)
        return unflatten(dense, base.model)

    def accept(self, update: Mapping[str, Array], examples: int, steps: int = 0) -> tuple[Array, float]:
        """Return a client's update as one flat row, and its length; raise `BadInput` saying what is wrong with it."""
        if examples < 1:
            raise BadInput("the update stands on no examples")
        most = int(steps_of(self.base, np.array([examples]))[0])
        each = most // self.base.epochs
        if not 0 <= steps <= most or steps % each:
            raise BadInput(
                "the node says it took {steps} steps; a pass takes {each}, and {most} were asked for",
                steps=steps, each=each, most=most,
            )  # fmt: skip
        row = flatten(check(self.base.model, update, values=False), self.base.model)
        norm, bound = length_of(row), self.norm_bound or _LONGEST
        if not math.isfinite(norm):  # squares of float32 never run over in float64: some number is not finite
            check(self.base.model, update)
        if norm > bound:
            raise BadInput("the update has norm {norm} over the bound {bound}", norm=round(norm, 4), bound=bound)
        return row, norm

    def gather(self, updates: Sequence[LocalUpdate], ages: Sequence[int] = (), room: Array | None = None) -> Gathered:
        """Return accepted updates as rows in the order given; in `room`, that of an earlier round, where they fit it."""
        each = [self.accept(one.update, one.examples, one.steps)[0] if one.row is None else one.row for one in updates]
        fits = room is not None and each and room.shape == (len(each), len(each[0]))
        rows = np.stack(each, out=room if fits else None)
        examples = np.array([update.examples for update in updates], np.int64)
        steps = np.array([update.steps for update in updates], np.int64)
        return self.weigh(rows, examples, steps, np.array(ages, np.float64) if ages else None)

    def weigh(
        self, rows: Array, examples: NDArray[np.int64], steps: NDArray[np.int64], ages: Doubles | None = None
    ) -> Gathered:
        """Return rows (clients, params) with what they count: their examples, as far as believed, and steps (0: not said).

        An update stands on the steps behind it, whatever its client counts for: nodes divide theirs by the same number. Only
        where so few steps are claimed that the update, scaled to those of all, would be longer than the norm bound, they count
        as more: else a claim of few steps would be a way around the bound.
        """
        believed = examples
        if self.weight_most > 0 and (said := np.sort(examples[examples > 0])).size:
            believed = np.minimum(examples, max(1, int(self.weight_most * float(said[(len(said) - 1) // 2]))))
        could = steps_of(self.base, examples)
        taken = np.where(steps > 0, np.minimum(steps, could), could).astype(np.float64)
        fewer = np.minimum(taken, steps_of(self.base, believed))
        weights = believed.astype(np.float64)
        if self.norm_bound > 0 and self.base.algorithm in _BY_STEPS and not _even(taken, weights):
            taken = np.maximum(taken, lengths_of(rows) * (_pace(weights, fewer) / self.norm_bound))
        return Gathered(rows, weights, taken, ages, fewer)

    def step(self, now: Global, gathered: Gathered, clients: int) -> Global:
        """Return the state after a round: the model moved by the combined update, summed in float64.

        `clients` is how many there are in all, those that did not take part included. Raises `Conflict` when not all numbers of
        the new state are finite: such a round must not stand.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            after = self._moved(now, gathered, clients)
        if not all(np.isfinite(row).all() for row in (*after.params.values(), *after.rows.values())):
            raise unsound()
        return after

    def judged(self, now: Global, x: Array, y: NDArray[np.integer]) -> tuple[float, float]:
        """Return (accuracy, loss) of a state on inputs `x` and labels `y`; raise `Conflict` when the loss is not finite."""
        told = evaluate(self.base.model, now.params, x, y)
        if not np.isfinite(told[1]):
            raise unsound()
        return told

    def _moved(self, now: Global, gathered: Gathered, clients: int) -> Global:
        move = self._combined(gathered)
        rows = dict(now.rows)
        if "control" in rows:
            rows["control"] = self._control(now.rows["control"], gathered, clients, move)
        rate = self.server_rate or (_SERVER_RATE if self.base.algorithm in _ADAPTIVE else 1.0)
        if "second" in rows:
            move, rows["first"], rows["second"] = _adapt(self.base.algorithm, move, rows["first"], rows["second"])
        model = self.base.model
        moved = flatten(now.params, model).astype(np.float64) + (move if rate == 1 else rate * move)
        return Global(unflatten(moved, model), rows)

    def _combined(self, gathered: Gathered) -> Doubles:
        """Return one update, float64 (params,), of all."""
        updates, weights = gathered.updates, gathered.weights
        if gathered.ages is not None and gathered.ages.any():
            fading = np.sqrt(1 + gathered.ages)
            if weighs(self.aggregator):
                weights = weights / fading
            else:
                updates = updates / fading.astype(np.float32)[:, None]
        if self.base.algorithm != "fednova" or _even(gathered.steps, gathered.weights):
            return self.aggregator.combine(updates, weights)
        each = updates / np.maximum(gathered.steps, 1).astype(np.float32)[:, None]
        paces = gathered.steps if gathered.believed is None else gathered.believed
        return self.aggregator.combine(each, weights) * _pace(weights, paces)

    def _control(self, control: Array, gathered: Gathered, clients: int, move: Doubles) -> Array:
        """Return the server's control variate after a round: the mean of the clients', as their updates tell it.

        Where all took as many steps, the combined update `move` tells it already: every rule keeps scale.
        """
        if not self.base.learning_rate:  # steps of no length tell nothing of the slope
            return control
        pace = np.maximum(gathered.steps, 1) * self.base.learning_rate
        if _even(gathered.steps, gathered.weights) and gathered.ages is None:
            slope = move / pace[gathered.weights > 0][0]
        else:
            slope = self.aggregator.combine(gathered.updates / pace.astype(np.float32)[:, None], gathered.weights)
        share = np.count_nonzero(gathered.weights) / max(clients, 1)
        return np.asarray(control - share * (control + slope), np.float32)


def unsound() -> Conflict:
    """Return what is said of a round whose model is not finite in all its numbers, or whose loss is not."""
    return Conflict(
        "the model that the updates make is not finite",
        hint="Take a smaller step size, a bound for the norm of updates, or an aggregator that bears hostile nodes.",
    )


def _even(steps: Doubles, weights: Doubles) -> bool:
    """Tell whether all that count took as many steps; who does not count is not there at all over nodes."""
    counting = steps[weights > 0]
    return not len(counting) or bool((counting == counting[0]).all())


def _pace(weights: Doubles, steps: Doubles) -> float:
    """Return the mean of `steps` by weight."""
    return float(weights @ steps / weights.sum()) if weights.sum() > 0 else 0.0


def _adapt(name: str, move: Doubles, first: Array, second: Array) -> tuple[Doubles, Array, Array]:
    """Return the adapted move and both moments, which are rounded to float32 so that a checkpoint holds all of them."""
    mean = (_BETA1 * first + (1 - _BETA1) * move).astype(np.float32)
    square, past = move**2, second.astype(np.float64)
    if name == "fedadagrad":
        spread = past + square
    elif name == "fedyogi":
        spread = past - (1 - _BETA2) * square * np.sign(past - square)
    else:
        spread = _BETA2 * past + (1 - _BETA2) * square
    kept = spread.astype(np.float32)
    return mean.astype(np.float64) / (np.sqrt(kept.astype(np.float64)) + _TAU), mean, kept
