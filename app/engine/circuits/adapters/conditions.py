"""Qiskit's classical conditions as short text, such as c = 2, !c[0] or c[0] ∧ c[1]."""

from typing import Any

from qiskit.circuit.classical import expr

_SIGNS = {
    "EQUAL": "=", "NOT_EQUAL": "≠", "LESS": "<", "LESS_EQUAL": "≤", "GREATER": ">", "GREATER_EQUAL": "≥",
    "LOGIC_AND": "∧", "LOGIC_OR": "∨", "BIT_AND": "&", "BIT_OR": "|", "BIT_XOR": "^",
}  # fmt: skip


def condition_text(condition: Any) -> str:
    """Return what must hold, from a (bits, value) pair or a classical expression."""
    if isinstance(condition, tuple):
        what, value = condition
        return _of_bits(what) if value is True else f"!{_of_bits(what)}" if value is False else f"{_of_bits(what)}={value}"
    return _of_expression(condition)


def negated_text(condition: Any) -> str:
    """Return what must hold for the other arm."""
    if isinstance(condition, tuple):
        what, value = condition
        return condition_text((what, not value)) if isinstance(value, bool) else f"{_of_bits(what)}≠{value}"
    return f"!({_of_expression(condition)})"


def _of_bits(what: Any) -> str:
    name = getattr(what, "name", None)
    if name is not None:
        return str(name)
    register, index = getattr(what, "_register", None), getattr(what, "_index", None)
    return f"{register.name}[{index}]" if register is not None else "bit"


def _of_expression(node: Any) -> str:
    if isinstance(node, expr.Var):
        return _of_bits(node.var)
    if isinstance(node, expr.Value):
        return str(node.value)
    if isinstance(node, expr.Cast):
        return _of_expression(node.operand)
    if isinstance(node, expr.Unary):
        return f"!{_of_expression(node.operand)}"
    if isinstance(node, expr.Binary):
        return f"{_of_expression(node.left)} {_SIGNS.get(node.op.name, '?')} {_of_expression(node.right)}"
    return "…"
