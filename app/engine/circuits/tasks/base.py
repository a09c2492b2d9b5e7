"""What every guided task is and returns: its parameters, its steps in words, and one result document.

A task computes pure: parameters and a random generator in, a `Finding` out. The verdict on an advantage is about this machine:
a simulated circuit costs more than the classical check that stands beside it, so "yes" is never claimed from a simulation.
"""

import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np

from app.engine.base.contracts import Report, Stop
from app.engine.base.errors import BadInput
from app.engine.circuits.picture import counts_of, depth_of, picture_of
from app.engine.circuits.records import Circuit

Values: TypeAlias = dict[str, Any]
YES, NO, UNDECIDED = "yes", "no", "undecided"
MOST_DRAWN: Final = 400
_WORDS: Final = {int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class Param:
    """A parameter of a task: a whole number, a number, or one of `choices`."""

    name: str
    help: str
    default: Any
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()

    def take(self, text: Any) -> Any:
        """Return the value `text` stands for; raises `BadInput` that names the parameter and what it takes."""
        if self.choices:
            if str(text) not in self.choices:
                raise BadInput("{name} must be one of {choices}, not {value}", field="options", name=self.name,
                               choices=", ".join(self.choices), value=repr(text))  # fmt: skip
            return str(text)
        kind = type(self.default)
        if kind is str:
            return str(text)
        try:
            value = kind(text)
        except (TypeError, ValueError, OverflowError):
            raise BadInput("{name} must be {kind}, not {value}", field="options", name=self.name, kind=_WORDS[kind],
                           value=repr(text)) from None  # fmt: skip
        if not self.low <= value <= self.high:
            raise BadInput("{name} must be between {low} and {high}, not {value}", field="options", name=self.name,
                           low=self.low, high=self.high, value=value)  # fmt: skip
        return value


@dataclass
class Finding:
    """What a task found: `correct` tells whether the quantum answer stands up to the classical one."""

    solution: Values
    classical: Values
    advantage: str
    why: str
    error_rate: float
    confidence: float
    circuit: Circuit | None = None
    shots: int = 0
    series: Values = field(default_factory=dict)
    provider: str = "simulated"


Admit: TypeAlias = Callable[[Mapping[str, Any] | None], None]
Work: TypeAlias = Callable[[Values, np.random.Generator, Report, Stop], Finding]


def anything(_data: Mapping[str, Any] | None) -> None:
    """Admit whatever a task is handed beyond its options."""


@dataclass(frozen=True)
class Task:
    """A guided task: its name, what it is for, its steps in words, its parameters and its work.

    `admit` raises when what it is handed beyond its options cannot be worked on. `error_means` and `confidence_means` say what
    the figures `error_rate` and `confidence` of its result are: they are of another kind for each task.
    """

    name: str
    title: str
    about: str
    steps: tuple[str, ...]
    params: tuple[Param, ...]
    work: Work
    error_means: str
    confidence_means: str
    admit: Admit = anything

    def to_json(self) -> Values:
        """Return what a person reads of it."""
        params = [
            {"name": one.name, "help": one.help, "default": one.default, "choices": list(one.choices)}
            | ({} if one.choices else {"low": one.low, "high": one.high})
            for one in self.params
        ]
        return {
            "name": self.name, "title": self.title, "about": self.about, "steps": list(self.steps), "params": params,
            "error_rate": self.error_means, "confidence": self.confidence_means,
        }  # fmt: skip

    def take(self, options: Mapping[str, Any]) -> Values:
        """Return all parameters, checked and with defaults; an unknown one raises `BadInput`."""
        known = {param.name for param in self.params}
        for name in options:
            if name not in known:
                raise BadInput("{task} has no option {name}; it has {known}", field="options", task=self.name, name=name,
                               known=", ".join(sorted(known)) or "none")  # fmt: skip
        return {param.name: param.take(options.get(param.name, param.default)) for param in self.params}


def read_options(text: str) -> dict[str, str]:
    """Return the options of a text such as "qubits=5 phase=0.3"; commas part them too, but not within quotes."""
    found: dict[str, str] = {}
    words = shlex.shlex(text, posix=True, punctuation_chars=False)
    words.whitespace, words.whitespace_split, words.commenters, words.escape = " ,\t\r\n", True, "", ""
    try:
        parts = list(words)
    except ValueError:
        raise BadInput("Options: a quote is opened and never closed", field="options") from None
    for part in parts:
        name, sign, value = part.partition("=")
        if not sign or not name:
            raise BadInput("Options are written name=value, not {text}", field="options", text=repr(part))
        found[name] = value
    return found


def run(
    task: Task, options: Mapping[str, Any], seed: int, report: Report, stop: Stop, *, data: Mapping[str, Any] | None = None
) -> Values:
    """Return the result document of one run of `task`; equal seeds give equal documents but for `execution.wall_s`.

    `data` is what a task works on beyond its options, such as the nodes of the fleet.
    """
    values = task.take(options)
    task.admit(data)
    report(0.0, 1.0, "parts", {"task": task.name})
    start = time.perf_counter()
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    found = task.work(values | ({"data": data} if data else {}), rng, report, stop)
    wall_s = time.perf_counter() - start
    report(1.0, 1.0, "parts")
    execution = {
        "provider": found.provider, "simulator": "statevector" if found.circuit else "model", "shots": found.shots,
        "wall_s": wall_s, "seed": seed, "options": values, **_size(found.circuit),
    }  # fmt: skip
    return {
        "schema": 1, "task_type": task.name, "title": task.title, "solution": found.solution,
        "classical_baseline": found.classical, "quantum_advantage": found.advantage, "why": found.why,
        "execution": execution, "error_rate": found.error_rate, "confidence": found.confidence, "series": found.series,
        "picture": picture_of(found.circuit, MOST_DRAWN) if found.circuit else None, "text": _told(task, found),
    }  # fmt: skip


def _size(circuit: Circuit | None) -> Values:
    if circuit is None:
        return {"qubits": 0, "depth": 0, "operations": 0, "gates": {}}
    return {
        "qubits": len(circuit.qubits), "depth": depth_of(circuit), "operations": len(circuit.ops), "gates": counts_of(circuit),
    }  # fmt: skip


def _told(task: Task, found: Finding) -> str:
    lines = [f"{task.title} ({found.provider})"]
    for head, values in (("quantum", found.solution), ("classical", found.classical)):
        said = ", ".join(f"{name} {_short(value)}" for name, value in values.items() if not isinstance(value, (dict, list)))
        lines.append(f"  {head}: {said}")
    lines.append(f"  advantage: {found.advantage} ({found.why})")
    lines.append(f"  error rate {_short(found.error_rate)}: {task.error_means}")
    lines.append(f"  confidence {_short(found.confidence)}: {task.confidence_means}")
    return "\n".join(lines)


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def wilson(hits: int, tries: int, z: float = 1.959964) -> tuple[float, float]:
    """Return Wilson's 95 % interval (1927) of a share: hits of tries."""
    if tries == 0:
        return 0.0, 1.0
    share, square = hits / tries, z * z / tries
    middle = (share + square / 2) / (1 + square)
    half = z * ((share * (1 - share) / tries + square / (4 * tries)) ** 0.5) / (1 + square)
    low, high = 0.0 if hits == 0 else middle - half, 1.0 if hits == tries else middle + half
    return max(0.0, low), min(1.0, high)
