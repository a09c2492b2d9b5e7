"""What every problem can do: be formulated as a QUBO, encode, decode, check and price an answer, and be drawn.

An answer is plain data (lists of numbers), so that it travels and compares as it is. The law all problems keep is in
tests/engine/qubo/problems/test_law.py.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from app.engine.qubo.problem import Qubo, Sense
from app.engine.qubo.problems.terms import Capacity

Picture = dict[str, Any]


@dataclass(frozen=True)
class Penalty:
    """The weight of one constraint in the energy, and the reason why it is no smaller."""

    name: str
    weight: float
    why: str

    def to_json(self) -> dict[str, Any]:
        """Return the penalty as plain data."""
        return {"name": self.name, "weight": self.weight, "why": self.why}


@dataclass(frozen=True, eq=False)
class Formulation:
    """A problem as a QUBO, the weights of its constraints, and the slack variables that go with an answer."""

    qubo: Qubo
    penalties: tuple[Penalty, ...] = ()
    capacities: tuple[Capacity, ...] = ()

    def settle(self, sample: NDArray[np.int8]) -> NDArray[np.int8]:
        """Set the slack variables of `sample` (n,) to what its other variables leave over, in place; returns it."""
        for capacity in self.capacities:
            capacity.settle(sample)
        return sample


class Problem(ABC):
    """One instance; `name` is what its source is called, `sense` that of its objective."""

    kind: ClassVar[str]
    sense: Sense = "min"
    unit: ClassVar[str] = ""
    # Whether `terms` hold for an answer that breaks constraints, too.
    terms_of_any: ClassVar[bool] = False
    name: str

    @cached_property
    def formulation(self) -> Formulation:
        """The QUBO of this problem, made once."""
        return self.formulate()

    def encode(self, answer: Any) -> NDArray[np.int8]:
        """Return the sample (n,) of `answer`, its slack variables settled."""
        sample = np.zeros(self.formulation.qubo.n, np.int8)
        self.place(sample, answer)
        return self.formulation.settle(sample)

    @property
    def is_complete(self) -> bool:
        """Tell whether the QUBO holds a best answer for sure, so that what is proved of it is proved of the problem."""
        return True

    @abstractmethod
    def formulate(self) -> Formulation:
        """Return the QUBO with computed penalties; raises `Limit` when it would be too large to hold."""

    @abstractmethod
    def place(self, sample: NDArray[np.int8], answer: Any) -> None:
        """Set the variables that stand for `answer` in an empty `sample`."""

    @abstractmethod
    def decode(self, sample: NDArray[np.int8]) -> Any:
        """Return the answer a sample stands for, feasible or not."""

    @abstractmethod
    def check(self, answer: Any) -> list[str]:
        """Return every constraint that `answer` breaks, in words; empty when it is feasible."""

    @abstractmethod
    def objective(self, answer: Any) -> float:
        """Return the objective of a feasible answer from the problem's own data, not from the QUBO."""

    @abstractmethod
    def draw(self, answer: Any) -> Picture:
        """Return a picture of the problem with `answer` (None: of the problem alone), see `pictures`."""

    @abstractmethod
    def facts(self) -> list[tuple[str, str]]:
        """Return what was understood, as pairs of label and value."""

    def terms(self, answer: Any) -> dict[str, float]:
        """Return what else a person asks of a feasible answer, figures by name; of any answer where `terms_of_any` says so."""
        del answer
        return {}

    def conflicts(self) -> list[str]:
        """Return constraints that no answer can keep, as far as counting and adding can tell."""
        return []


@dataclass(frozen=True)
class Kind:
    """One kind of problem: what it is for, which files hold it, how they are recognised and read.

    `recognise` gets a whole text (or a long head of it) and tells whether it is of this kind, `perhaps` whether it may be when
    no kind claims it; `methods` names the domain method, if there is one.
    """

    name: str
    title: str
    help: str
    formats: str
    read: Callable[[str, str], Problem]
    recognise: Callable[[str], bool]
    columns: str = ""
    methods: tuple[str, ...] = ()
    perhaps: Callable[[str], bool] = lambda _text: False

    def to_json(self) -> dict[str, Any]:
        """Return the kind as plain data."""
        return {
            "name": self.name, "title": self.title, "help": self.help, "formats": self.formats, "columns": self.columns,
            "methods": list(self.methods),
        }  # fmt: skip
