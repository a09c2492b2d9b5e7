"""Finds good settings of a federation by successive halving: all try a little, the better third tries more, and so on.

Jamieson, Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", 2016, algorithm 1. Settings are
judged on a fifth of the training data that no client has, never on the test data. Ties go to the setting named first.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.engine.base.errors import BadInput

MOST: Final = 200
Setting = Mapping[str, Any]


@dataclass
class Trial:
    """One setting, and how it went: accuracy and loss (on data held back) after each of its rounds."""

    setting: Setting
    course: Iterator[tuple[float, float]]
    told: list[tuple[float, float]] = field(default_factory=list)

    def run(self, rounds: int) -> None:
        """Hold rounds until there are `rounds` of them."""
        self.told += itertools.islice(self.course, max(0, rounds - len(self.told)))

    def to_json(self) -> dict[str, Any]:
        """Return the trial as it is shown."""
        accuracy, loss = self.told[-1]
        return {**self.setting, "rounds": len(self.told), "accuracy": accuracy, "loss": loss}


def settings_of(choices: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return every combination of `choices`; raise `BadInput` when there are none or too many."""
    told = [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]
    if not 2 <= len(told) <= MOST:
        raise BadInput("{count} settings: give 2 to {most}", count=len(told), most=MOST, field="lrs")
    return told


def ladder(count: int, rounds: int, keep: int) -> list[tuple[int, int]]:
    """Return (settings still in, rounds each has then held) of every stage: `count` at first, one `keep`-th of them each time.

    The last stage holds all `rounds`; each stage before it a `keep`-th of the next, at least one.
    """
    left = [count]
    while left[-1] > 1:
        left.append(-(-left[-1] // keep) if left[-1] > keep else 1)
    stages = left[:-1]
    return [(alive, max(1, rounds // keep ** (len(stages) - 1 - at))) for at, alive in enumerate(stages)]


def halve(
    trials: Sequence[Trial], rounds: int, keep: int, told: Callable[[int, int], bool]
) -> tuple[list[Trial], list[dict[str, Any]]]:
    """Run the trials up the ladder; return them from the best on, and the stages {settings, rounds, best}.

    `told` hears (rounds held, rounds in all) after each trial of a stage and answers whether to end.
    """
    stages = ladder(len(trials), rounds, keep)
    before = [0, *(far for _, far in stages)]
    total = sum(alive * (far - since) for (alive, far), since in zip(stages, before, strict=False))
    alive, gone, shown = list(trials), list[Trial](), list[dict[str, Any]]()
    for count, far in stages:
        gone, alive = [*alive[count:], *gone], alive[:count]
        for trial in alive:
            trial.run(far)
            if told(sum(len(one.told) for one in trials), total):
                return _ranked([*alive, *gone]), shown
        alive = _ranked(alive)
        shown.append({"settings": count, "rounds": far, "best": dict(alive[0].setting), "accuracy": alive[0].told[-1][0]})
    return [*alive, *gone], shown


def _ranked(trials: Sequence[Trial]) -> list[Trial]:
    return sorted((trial for trial in trials if trial.told), key=lambda trial: -trial.told[-1][0])
