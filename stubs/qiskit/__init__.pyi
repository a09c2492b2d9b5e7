from typing import Any

from qiskit import qasm3 as qasm3
from qiskit import qpy as qpy

class QuantumCircuit:
    name: str
    def __init__(self, *regs: Any, name: str | None = ...) -> None: ...
    def append(self, instruction: Any) -> Any: ...

def transpile(circuits: Any, *, basis_gates: list[str] | None = ..., optimization_level: int | None = ...) -> Any: ...
