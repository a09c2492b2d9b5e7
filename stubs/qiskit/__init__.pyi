from typing import Any

from qiskit import qasm3 as qasm3
from qiskit import qpy as qpy

class QuantumCircuit:
    name: str
    clbits: list[Any]
    def __init__(self, *regs: Any, name: str | None = ...) -> None: ...
    def append(self, instruction: Any, qargs: Any = ..., cargs: Any = ...) -> Any: ...
    def barrier(self, *qargs: Any) -> Any: ...
    def add_bits(self, bits: Any) -> None: ...
    def add_register(self, *regs: Any) -> None: ...
    def measure(self, qubit: Any, cbit: Any) -> Any: ...

def transpile(
    circuits: Any,
    *,
    basis_gates: list[str] | None = ...,
    optimization_level: int | None = ...,
    target: Any = ...,
    initial_layout: list[int] | None = ...,
    routing_method: str | None = ...,
    seed_transpiler: int | None = ...,
) -> Any: ...
