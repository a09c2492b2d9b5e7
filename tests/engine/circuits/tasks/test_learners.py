"""Kernels, machine and networks against what they must be."""

import math

import numpy as np
import pytest

from app.engine.circuits import states
from app.engine.circuits.tasks import learners


def test_the_feature_states_are_those_of_the_gates():
    x = np.random.default_rng(1).uniform(0, math.pi, (3, 3))
    found = learners.feature_states(x, 0.4)
    for row, state in zip(x, found, strict=True):
        made, _ = states.evolve(learners.feature_circuit(row, 0.4))
        assert abs(np.vdot(made, state)) == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("kernel", [learners.quantum_kernel(0.3), learners.gaussian_kernel(0.5)])
def test_kernels_are_symmetric_positive_and_one_on_themselves(kernel):
    x = np.random.default_rng(2).uniform(0, math.pi, (20, 4))
    table = kernel(x, x)
    assert np.abs(table - table.T).max() < 1e-12
    assert np.abs(table.diagonal() - 1).max() < 1e-12
    assert np.linalg.eigvalsh(table)[0] > -1e-9


def test_the_machine_fulfils_the_conditions_of_its_optimum():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 2))
    y = np.where(x[:, 0] ** 2 + x[:, 1] > 0.8, 1.0, -1.0)
    y[:4] *= -1  # some that no machine should follow
    kernel, cost = learners.gaussian_kernel(0.7)(x, x), 2.0
    made = learners.machine(kernel, y, cost)
    alpha, margin = made.weights * y, y * made.score(kernel)
    assert abs(made.weights.sum()) < 1e-9
    assert -1e-12 <= alpha.min() <= alpha.max() <= cost + 1e-12
    assert (margin[alpha < 1e-9] > 1 - 2e-3).all()
    assert (margin[alpha > cost - 1e-9] < 1 + 2e-3).all()
    inside = (alpha > 1e-6) & (alpha < cost - 1e-6)
    assert np.abs(margin[inside] - 1).max() < 2e-3


@pytest.mark.parametrize("net", [learners.QuantumNet(3, 2), learners.ClassicalNet(3, 4)])
def test_the_slope_of_a_network_is_that_of_its_score(net):
    rng = np.random.default_rng(4)
    x, weights, pull = rng.uniform(0, 3, (5, 3)), rng.normal(size=net.size), rng.normal(size=5)
    slope = net.slope(weights, x, pull)
    for at in range(net.size):
        step = np.zeros(net.size)
        step[at] = 1e-5
        rise = (pull @ net.score(weights + step, x) - pull @ net.score(weights - step, x)) / 2e-5
        assert slope[at] == pytest.approx(rise, abs=1e-7)


@pytest.mark.parametrize("net", [learners.QuantumNet(2, 2), learners.ClassicalNet(2, 3)])
def test_both_networks_learn_what_a_line_parts(net):
    rng = np.random.default_rng(5)
    x = rng.uniform(0, math.pi, (60, 2))
    y = np.where(x[:, 0] > math.pi / 2, 1.0, -1.0)
    weights = learners.trained(net, x, y, 60, np.random.default_rng(1))
    assert (np.sign(net.score(weights, x)) == y).mean() > 0.9
