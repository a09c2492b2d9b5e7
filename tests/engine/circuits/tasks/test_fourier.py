import numpy as np
import pytest

from app.engine.circuits import states
from app.engine.circuits.records import Circuit
from app.engine.circuits.tasks import fourier, work


def test_the_inverse_undoes_the_transform():
    labels = tuple(f"q[{at}]" for at in range(5))
    ops = (*fourier.transform(5), *fourier.transform(5, inverse=True))
    for at in range(0, 32, 7):
        start = np.zeros(32, complex)
        start[at] = 1
        end, _ = states.evolve(Circuit("c", labels, (), ops), state=start)
        assert abs(end[at]) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("qubits", [1, 5, 9])
def test_the_transform_is_that_of_numpy(qubits):
    told = work.run({"task": "fourier", "options": {"qubits": qubits}}, 3)
    assert told["solution"]["largest_difference"] < 1e-12
    assert told["execution"]["operations"] == qubits * (qubits + 1) // 2 + qubits // 2


def test_a_phase_of_few_bits_is_found_for_sure():
    told = work.run({"task": "phase", "options": {"qubits": 5, "phase": 11 / 32, "shots": 200}}, 1)
    assert (told["solution"]["phase"], told["solution"]["share_of_best"]) == (11 / 32, 1.0)


@pytest.mark.parametrize("phase", [0.1, 0.3, 0.77])
def test_another_phase_is_found_within_the_resolution_as_often_as_promised(phase):
    told = work.run({"task": "phase", "options": {"qubits": 7, "phase": phase, "shots": 4000}}, 2)
    assert told["solution"]["within_resolution"]
    assert told["solution"]["share_of_best"] > 4 / np.pi**2 - 0.03
