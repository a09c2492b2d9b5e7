import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.base.contracts import never
from app.engine.base.errors import BadInput, Limit, Missing
from app.engine.circuits import states
from app.engine.circuits.records import Circuit
from app.engine.circuits.tasks import grover, work


def _phases(variables, clauses):
    """The sign of each assignment after the oracle, and whether the wires of the clauses are clean again."""
    labels = tuple(f"q[{at}]" for at in range(variables + len(clauses)))
    start = states.zero(len(labels))
    start[: 1 << variables] = (1 << variables) ** -0.5
    start[1 << variables :] = 0
    end, _ = states.evolve(Circuit("o", labels, (), tuple(grover.oracle(variables, clauses))), state=start)
    return end[: 1 << variables] * (1 << variables) ** 0.5, end[1 << variables :]


@pytest.mark.parametrize("seed", range(4))
def test_the_oracle_turns_the_sign_of_exactly_the_solutions(seed):
    clauses = grover.random_formula(5, 6, np.random.default_rng(seed))
    signs, rest = _phases(5, clauses)
    solutions = [
        all(any((bits[abs(one) - 1] == "1") == (one > 0) for one in clause) for clause in clauses)
        for bits in ("".join(reversed(each)) for each in itertools.product("01", repeat=5))
    ]
    assert any(solutions)
    assert signs == pytest.approx([-1 if good else 1 for good in solutions], abs=1e-10)
    assert np.abs(rest).max() < 1e-12


@pytest.mark.parametrize("variables", [1, 2, 3])
def test_few_variables_have_a_formula_that_can_be_fulfilled(variables):
    clauses = grover.random_formula(variables, 16, np.random.default_rng(1))
    assert grover.truth(variables, clauses).any()
    assert all(len({abs(one) for one in clause}) == len(clause) for clause in clauses)


def test_success_grows_as_the_closed_form_says():
    clauses = [(at,) if at % 2 else (-at,) for at in range(1, 7)]  # one solution of 64
    _, _, curve, _ = grover.search(grover.of_clauses(6, clauses), np.random.default_rng(0), never)
    angle = np.arcsin(1 / 8)
    assert curve == pytest.approx([np.sin((2 * k + 1) * angle) ** 2 for k in range(len(curve))], abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_eight_variables_are_searched_and_checked_against_exhaustion(seed):
    told = work.run({"task": "grover", "options": {"variables": 8, "clauses": 10}}, seed)
    assert told["solution"]["verified"]
    assert told["classical_baseline"]["worst_calls"] == 256
    assert told["quantum_advantage"] == "no"


def test_a_formula_without_a_solution_is_given_up(tmp_path):
    file = tmp_path / "no.cnf"
    file.write_text("c none\np cnf 2 4\n1 2 0 -1 2 0\n1 -2 0 -1 -2 0\n")
    told = work.run({"task": "grover", "options": {"file": str(file)}}, 1)
    assert (told["solution"]["found"], told["solution"]["verified"]) == (False, True)


@pytest.mark.parametrize("text, line", [("p cnf 2\n", 1), ("p cnf 2 1\n1 x 0\n", 2), ("p cnf 2 1\n3 0\n", 2), ("1 0\n", 1)])
def test_a_malformed_formula_names_file_and_line(text, line):
    with pytest.raises(BadInput, match=rf"f\.cnf, line {line}: "):
        grover.read_cnf(text, "f.cnf")


@pytest.mark.parametrize("text, reason", [
    ("p cnf 3 2\n1 2 0\n0\n", "line 3: a clause without literals can never hold"),
    ("p cnf 3 2\n1 0 0\n", "line 2: a clause without literals"),
    ("c x\np cnf 3 3\n1 2 0\n3 0\n", "line 2: 3 clauses are declared, but 2 are there"),
    ("p cnf 3 1\n1 2 0\n3 0\n", "line 1: 1 clauses are declared, but 2 are there"),
])  # fmt: skip
def test_empty_clauses_and_wrong_counts_are_told(text, reason):
    with pytest.raises(BadInput, match=rf"f\.cnf, {reason}"):
        grover.read_cnf(text, "f.cnf")


def test_the_last_zero_may_be_missing_and_a_percent_sign_ends_the_formula():
    assert grover.read_cnf("p cnf 3 2\n1 -2 0 3\n%\n0\n", "f") == (3, [(1, -2), (3,)])


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="pcnf 0123456789-\n%", max_size=60))
def test_any_text_is_read_or_told(text):
    try:
        variables, clauses = grover.read_cnf(text, "f")
    except BadInput as error:
        told, variables, clauses = str(error), 1, [(1,)]
    else:
        told = "f"
    assert told.startswith("f")
    assert all(1 <= abs(one) <= variables for clause in clauses for one in clause)


def test_too_large_and_missing_formulas_are_refused(tmp_path):
    with pytest.raises(Limit, match="more than the 20 qubits"):
        work.run({"task": "grover", "options": {"variables": 12, "clauses": 16}}, 1)
    with pytest.raises(Missing):
        work.run({"task": "grover", "options": {"file": str(tmp_path / "none")}}, 1)
