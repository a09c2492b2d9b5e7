import pytest

from app.engine.base.errors import BadInput, Limit
from app.engine.circuits import observables


def said(text, qubits=6):
    return [(term.factor, term.text) for term in observables.read(text, qubits)]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Z0", [(1, "Z0")]),
        ("Z1 Z0", [(1, "Z0 Z1")]),
        ("-X[2]", [(-1, "X2")]),
        ("Z0*Z1 + 0.5*X3 - 2 Y0Z4", [(1, "Z0 Z1"), (0.5, "X3"), (-2, "Y0 Z4")]),
        ("1e-1 Z0 - 3", [(0.1, "Z0"), (-3, "1")]),
        ("I0 Z1", [(1, "Z1")]),
    ],
)
def test_sums_of_pauli_letters_are_read(text, terms):
    assert said(text) == terms


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "column 1: expected"),
        ("Q0", "column 1: expected"),
        ("Z0 X1 ! 2", "column 7: expected"),
        ("Z0 +", "column 5: expected"),
        ("Z0 + Z9", "column 6: there is no qubit 9"),
        ("Z0 X0", "column 4: qubit 0 stands twice"),
    ],
)
def test_what_is_no_observable_is_told_with_its_column(text, reason):
    with pytest.raises(BadInput, match=reason):
        observables.read(text, 6)


def test_too_many_terms_are_refused():
    with pytest.raises(Limit, match="at most"):
        observables.read("+".join(["Z0"] * (observables.MOST_TERMS + 1)), 1)
