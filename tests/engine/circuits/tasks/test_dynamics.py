import numpy as np
import pytest

from app.engine.circuits.tasks import dynamics, work


def test_two_spins_have_the_levels_of_the_closed_form():
    levels = np.linalg.eigvalsh(dynamics.ising(2, 0.7))
    root = np.sqrt(1 + 4 * 0.49)
    assert levels == pytest.approx(sorted([-root, -1, 1, root]), abs=1e-12)


def _error(order, steps):
    told = work.run({"task": "ising", "options": {"sites": 4, "time": 1.0, "steps": steps, "order": order}}, 0)
    return 1 - told["solution"]["fidelity"], told["solution"]["largest_difference"]


@pytest.mark.parametrize("order, ratio", [(1, 2), (2, 4)])
def test_half_the_step_errs_by_the_power_of_the_order(order, ratio):
    coarse, fine = _error(order, 40)[0], _error(order, 80)[0]
    assert coarse / fine == pytest.approx(ratio**2, rel=0.15)


def test_the_generator_keeps_the_trace_and_decays_as_told():
    generator = dynamics.liouvillian(0.0, 2.0, 3.0)
    assert generator[0] + generator[3] == pytest.approx(np.zeros(4), abs=1e-14)
    assert generator[3, 3] == pytest.approx(-1 / 2)
    assert generator[1, 1] == pytest.approx(-1 / 3)


def test_a_driven_qubit_follows_the_exact_solution_and_its_steady_state():
    options = {"drive": 2.0, "t1": 1.0, "t2": 2.0, "time": 30.0, "steps": 4000}
    told = work.run({"task": "lindblad", "options": options}, 0)
    assert told["solution"]["largest_trace_distance"] < 1e-4
    # Without extra dephasing: excited = drive^2 / (gamma^2 + 2 drive^2) (optical Bloch equations at resonance).
    assert told["solution"]["excited"] == pytest.approx(4 / (1 + 8), abs=1e-3)
