"""The nouns of the circuits wing: a circuit as plain data, free of any vendor's classes.

Qubit and bit numbers follow Qiskit's order: number 0 is the first declared and the rightmost bit of an outcome.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Op:
    """One operation: the first `controls` of `qubits` control it, those in `open_controls` when they are 0.

    `params` are angles in radians, or the names of free parameters; `condition` is empty or what must hold.
    `wait_s` is how long a delay is, in seconds; None when that depends on a device.
    """

    name: str
    qubits: tuple[int, ...]
    params: tuple[float | str, ...] = ()
    clbits: tuple[int, ...] = ()
    condition: str = ""
    controls: int = 0
    open_controls: tuple[int, ...] = ()
    label: str = ""
    wait_s: float | None = 0.0


@dataclass(frozen=True)
class Circuit:
    """A circuit in the order of its file: labels of qubits and bits, then operations."""

    name: str
    qubits: tuple[str, ...]
    clbits: tuple[str, ...]
    ops: tuple[Op, ...]


@dataclass(frozen=True)
class Choice:
    """How a circuit will be simulated: the method, the memory it may need at most, why, and whether in single precision."""

    method: str
    memory_bytes: int
    why: str
    single: bool = False


@dataclass(frozen=True)
class Bonds:
    """What a matrix product state became: its largest bond, and how much of the state was cut off, 0 to 1."""

    largest: int
    cut: float


@dataclass(frozen=True)
class Outcome:
    """What a run gave: counts by bit string (registers apart by a space), and how it was done."""

    counts: Mapping[str, int]
    simulator: str
    why: str
    wall_s: float
    memory_bytes: int
    other_shots: int = 0
    bonds: Bonds | None = None


@dataclass(frozen=True)
class Sample:
    """A circuit that comes with the program: its name, its first comment line, and its file."""

    name: str
    title: str
    file: str
