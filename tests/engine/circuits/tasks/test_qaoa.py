import numpy as np
import pytest

from app.engine.base.contracts import Budget
from app.engine.base.errors import Limit
from app.engine.circuits import states
from app.engine.circuits.tasks import qaoa


def ring(nodes):
    return [(at, (at + 1) % nodes) for at in range(nodes)]


def test_one_layer_on_a_ring_reaches_three_quarters():
    costs = qaoa.cut_costs(8, ring(8))
    angles = qaoa.angles_of(costs, 1, np.random.default_rng(1))
    assert -qaoa.mean(costs, angles) / 8 == pytest.approx(0.75, abs=1e-4)


def test_the_drawn_circuit_leads_to_the_same_state():
    costs, angles = qaoa.cut_costs(5, ring(5)), np.array([0.4, 0.7, 0.3, 0.9])
    state, _ = states.evolve(qaoa._circuit(5, ring(5), angles))
    assert abs(np.vdot(qaoa.evolve(costs, angles), state)) == pytest.approx(1, abs=1e-12)


class Problem:
    """x0 + x1 - 3 x0 x1 + x2: least at x0 = x1 = 1, x2 = 0."""

    n = 3

    @staticmethod
    def energies(rows):
        one, two, three = rows.T.astype(float)
        return one + two - 3 * one * two + three


def test_the_solver_fills_the_contract_of_optimisation():
    found = qaoa.Qaoa().solve(Problem(), Budget(30.0), 3)
    assert (found.energy, found.sample.tolist()) == (-1.0, [1, 1, 0])
    assert Problem.energies(found.samples).tolist() == found.energies.tolist()
    big = Problem()
    big.n = 40
    with pytest.raises(Limit):
        qaoa.Qaoa().solve(big, Budget(1.0), 0)
