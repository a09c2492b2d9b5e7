"""Decoherence against closed forms, to 1e-10."""

import math

import numpy as np
import pytest

from app.engine.base.errors import BadInput
from app.engine.circuits import channels, measures

PLUS = np.array([1, 1]) / math.sqrt(2)
BELL = np.array([1, 0, 0, 1]) / math.sqrt(2)


def near(value):
    return pytest.approx(value, abs=1e-10)


@pytest.mark.parametrize(
    "operators",
    [channels.depolarising(0.3), channels.amplitude_damping(0.4), channels.phase_flip(0.2), channels.waiting(30, 50, 70)],
)
def test_every_channel_keeps_the_trace(operators):
    assert np.allclose(sum(one.conj().T @ one for one in operators), np.eye(2), atol=1e-12)


@pytest.mark.parametrize(("t_us", "t1_us", "t2_us"), [(0, 50, 70), (10, 50, 70), (80, 50, 100), (80, 50, 20)])
def test_a_wait_leaves_what_t1_and_t2_say(t_us, t1_us, t2_us):
    rho = channels.apply(PLUS, channels.waiting(t_us, t1_us, t2_us), 0)
    assert rho[1, 1].real == near(math.exp(-t_us / t1_us) / 2)
    assert rho[0, 1].real == near(math.exp(-t_us / t2_us) / 2)


def test_a_depolarised_half_of_a_bell_pair_is_a_werner_state():
    for chance in (0.0, 0.3, 1.0):
        rho = channels.apply(BELL, channels.depolarising(chance), 1)
        assert np.allclose(rho, (1 - chance) * measures.density(BELL) + chance * np.eye(4) / 4, atol=1e-12)
        assert measures.concurrence(rho) == near(max(0.0, 1 - 1.5 * chance))


def test_a_channel_acts_on_the_qubit_it_names():
    ten = np.zeros(4)
    ten[2] = 1.0  # qubit 1 is up
    rho = channels.apply(ten, channels.amplitude_damping(1.0), 1)
    assert rho[0, 0].real == near(1.0)
    assert channels.apply(ten, channels.amplitude_damping(1.0), 0)[2, 2].real == near(1.0)


def test_all_qubits_decohere_each_by_itself():
    rho = channels.decohered(np.kron(PLUS, PLUS), t_us=20, t1_us=50, t2_us=60, depolarised=0.1)
    part = channels.apply(channels.apply(PLUS, channels.waiting(20, 50, 60), 0), channels.depolarising(0.1), 0)
    assert np.allclose(rho, np.kron(part, part), atol=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        lambda: channels.waiting(1, 10, 21), lambda: channels.waiting(-1, 10, 10), lambda: channels.depolarising(1.1),
        lambda: channels.amplitude_damping(-0.1), lambda: channels.phase_flip(2.0),
    ],
)  # fmt: skip
def test_what_no_physics_allows_is_refused(make):
    with pytest.raises(BadInput):
        make()
