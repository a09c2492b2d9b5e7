"""Finds good settings of a federation by successive halving: all try a little, the better third tries more, and so on.

Jamieson, Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", 2016, algorithm 1. Settings are
judged on a fifth of the training data that no client has, never on the test data. Ties go to the setting named first.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from app.engine.base.errors import BadInput
from app.engine.learning.clients import HEADLESS

MOST: Final = 200
Setting = Mapping[str, Any]


@dataclass
class Trial:
    """One setting, and how it went: accuracy and loss (on data held back) after each of its rounds."""

    setting: Setting
    course: Iterator[tuple[float, float]] = field(default_factory=lambda: iter(()))
    told: list[tuple[float, float]] = field(default_factory=list)

    def run(self, rounds: int) -> None:
        """Hold rounds until there are `rounds` of them."""
        self.told += itertools.islice(self.course, max(0, rounds - len(self.told)))

    def to_json(self) -> dict[str, Any]:
        """Return the trial as it is shown."""
        accuracy, loss = self.told[-1]
        return {**self.setting, "rounds": len(self.told), "accuracy": accuracy, "loss": loss}


AnyTrial = TypeVar("AnyTrial", bound=Trial)


def settings_of(choices: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return every combination of `choices`; raise `BadInput` when there are none or too many."""
    told = [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]
    if not 2 <= len(told) <= MOST:
        raise BadInput("{count} settings: give 2 to {most}", count=len(told), most=MOST, field="lrs")
    return told


def check_judged(algorithm: str) -> None:
    """Raise `BadInput` for an algorithm whose common model tells nothing of its settings."""
    if algorithm in HEADLESS:
        raise BadInput(
            "With {algorithm} each client trains a last layer of its own, so the common model judges no setting",
            algorithm=algorithm, field="algorithm",
            hint="Tune ditto or fedavg, or compare simulations by how clients are served.",
        )  # fmt: skip


def ladder(count: int, rounds: int, keep: int) -> list[tuple[int, int]]:
    """Return (settings still in, rounds each has then held) of every stage: `count` at first, one `keep`-th of them each time.

    The last stage holds all `rounds`; each stage before it a `keep`-th of the next, at least one.
    """
    left = [count]
    while left[-1] > 1:
        left.append(-(-left[-1] // keep) if left[-1] > keep else 1)
    stages = left[:-1]
    return [(alive, max(1, rounds // keep ** (len(stages) - 1 - at))) for at, alive in enumerate(stages)]


def total_of(count: int, rounds: int, keep: int) -> int:
    """Return how many rounds `count` settings hold up the ladder, all together."""
    stages = ladder(count, rounds, keep)
    before = [0, *(far for _, far in stages)]
    return sum(alive * (far - since) for (alive, far), since in zip(stages, before, strict=False))


class Halving(Generic[AnyTrial]):
    """Trials on their way up the ladder; `stages` {settings, rounds, best, accuracy} are those that are over."""

    def __init__(self, trials: Sequence[AnyTrial], rounds: int, keep: int) -> None:
        self.trials, self.stages = tuple(trials), list[dict[str, Any]]()
        self.total = total_of(len(trials), rounds, keep)
        self._ladder = ladder(len(trials), rounds, keep)
        self._alive, self._gone = list(trials), list[AnyTrial]()

    @property
    def held(self) -> int:
        """Return how many rounds were held so far."""
        return sum(len(one.told) for one in self.trials)

    @property
    def ranked(self) -> list[AnyTrial]:
        """Return the trials that held a round, from the best on."""
        return [one for one in (*_ranked(self._alive), *self._gone) if one.told]

    def steps(self) -> Iterator[tuple[AnyTrial, int]]:
        """Yield which trial is next and until which round; who takes the next step has held the rounds of this one."""
        for count, far in self._ladder:
            self._gone, self._alive = [*self._alive[count:], *self._gone], self._alive[:count]
            for trial in self._alive:
                yield trial, far
            self._alive = _ranked(self._alive)
            best = self._alive[0]
            self.stages.append({"settings": count, "rounds": far, "best": dict(best.setting), "accuracy": best.told[-1][0]})


def halve(
    trials: Sequence[Trial], rounds: int, keep: int, told: Callable[[int, int], bool]
) -> tuple[list[Trial], list[dict[str, Any]]]:
    """Run the trials up the ladder; return them from the best on, and the stages.

    `told` hears (rounds held, rounds in all) after each trial of a stage and answers whether to end.
    """
    halving = Halving(trials, rounds, keep)
    for trial, far in halving.steps():
        trial.run(far)
        if told(halving.held, halving.total):
            break
    return halving.ranked, halving.stages


def _ranked(trials: Sequence[AnyTrial]) -> list[AnyTrial]:
    return sorted((trial for trial in trials if trial.told), key=lambda trial: -trial.told[-1][0])
