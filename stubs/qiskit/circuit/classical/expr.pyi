from typing import Any

class Var:
    var: Any

class Value:
    value: Any

class Cast:
    operand: Any

class Unary:
    operand: Any

class Binary:
    op: Any
    left: Any
    right: Any
