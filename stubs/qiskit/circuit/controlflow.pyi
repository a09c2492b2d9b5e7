from typing import Any

class ControlFlowOp:
    name: str
    blocks: tuple[Any, ...]
    params: list[Any]

class IfElseOp(ControlFlowOp):
    condition: Any

class WhileLoopOp(ControlFlowOp):
    condition: Any

class ForLoopOp(ControlFlowOp): ...
class SwitchCaseOp(ControlFlowOp): ...
