import numpy as np
import pytest

from app.engine.base.contracts import Budget
from app.engine.base.errors import Limit
from app.engine.circuits import states
from app.engine.circuits.tasks import qaoa
from app.engine.qubo.problem import build


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


def test_the_solver_fills_the_contract_of_optimisation():
    problem = build([1.0, 1.0, 1.0], ([0], [1], [-3.0]))  # least at x0 = x1 = 1, x2 = 0
    found = qaoa.Qaoa().solve(problem, Budget(30.0), 3)
    assert (found.energy, found.sample.tolist()) == (-1.0, [1, 1, 0])
    assert problem.energies(found.samples).tolist() == found.energies.tolist()
    assert sum(found.info["counts"]) == 1000
    again = qaoa.Qaoa(**found.info["replay"]["options"]).solve(problem, Budget(0.0), 3)
    assert again.samples.tolist() == found.samples.tolist()
    with pytest.raises(Limit):
        qaoa.Qaoa().solve(build([1.0] * 40, ([], [], [])), Budget(1.0), 0)


def test_a_ramp_alone_finds_more_than_chance_does():
    costs = qaoa.cut_costs(10, ring(10))
    angles = qaoa.angles_of(costs, 3, np.random.default_rng(1), starts=1, rounds=0)
    assert qaoa.mean(costs, angles) < costs.mean() - 1
