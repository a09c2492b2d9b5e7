from typing import Any

class ControlledGate:
    name: str
    num_ctrl_qubits: int
    ctrl_state: int
    base_gate: Any
    params: list[Any]

class ControlFlowOp:
    blocks: tuple[Any, ...]
