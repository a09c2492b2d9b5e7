from typing import Any

class ControlledGate:
    name: str
    num_ctrl_qubits: int
    ctrl_state: int
    base_gate: Any
    params: list[Any]

class ControlFlowOp:
    blocks: tuple[Any, ...]

class IfElseOp(ControlFlowOp): ...
class Measure: ...
class Reset: ...

class Parameter:
    def __init__(self, name: str) -> None: ...

class Delay:
    def __init__(self, duration: Any) -> None: ...
