import pytest
from qiskit.circuit import ClassicalRegister, Clbit
from qiskit.circuit.classical import expr

from app.engine.circuits.adapters.conditions import condition_text, negated_text

C = ClassicalRegister(2, "c")


@pytest.mark.parametrize(
    "condition, text, negated",
    [
        ((C[0], True), "c[0]", "!c[0]"),
        ((C[1], False), "!c[1]", "c[1]"),
        ((C, 2), "c=2", "c≠2"),
        ((Clbit(), True), "bit", "!bit"),
        (expr.lift(C[0]), "c[0]", "!(c[0])"),
        (expr.logic_and(C[0], C[1]), "c[0] ∧ c[1]", "!(c[0] ∧ c[1])"),
        (expr.logic_not(C[0]), "!c[0]", "!(!c[0])"),
        (expr.less(C, 3), "c < 3", "!(c < 3)"),
    ],
)
def test_conditions_read_as_short_text(condition, text, negated):
    assert (condition_text(condition), negated_text(condition)) == (text, negated)
