import itertools
import math

import numpy as np
import pytest
from qiskit.quantum_info import DensityMatrix, mutual_information, partial_trace

from app.engine.base.errors import BadInput, Limit
from app.engine.circuits import work
from app.engine.circuits.document import blank, insert, made, qasm, to_json
from app.engine.circuits.look import MOST_DENSITY, _blocks, look
from app.engine.circuits.states import evolve


def bell(more=()):
    circuit = insert(insert(blank(2), made("h", [0])), made("cx", [0, 1]))
    for op in more:
        circuit = insert(circuit, op)
    return circuit


def drawn(count, seed=0):
    circuit, rng = blank(count), np.random.default_rng(seed)
    for _ in range(4 * count):
        circuit = insert(circuit, made("u", [int(rng.integers(count))], rng.normal(size=3).tolist()))
        circuit = insert(circuit, made("cx", rng.permutation(count)[:2].tolist()))
    return circuit


def test_a_bell_pair_is_told_as_in_the_textbook():
    told = look(bell())
    assert told["amplitudes"] == [[0, 0.5, 0.0], [3, 0.5, 0.0]]
    assert told["bloch"] == [[0, 0, 0], [0, 0, 0]]
    assert np.array(told["information"]) == pytest.approx(np.array([[1, 2], [2, 1]]), abs=1e-8)
    assert told["measures"] == pytest.approx(
        {"purity": 1, "entropy_bits": 0, "concurrence": 1, "negativity": 0.5, "cut_entropy_bits": 1}, abs=1e-8
    )


def test_each_step_can_be_looked_at():
    assert [look(bell(), upto=at)["amplitudes"] for at in (0, 1)] == [[[0, 1.0, 0.0]], [[0, 0.5, 0.0], [1, 0.5, 0.0]]]


def test_phases_are_told_in_radians():
    told = look(bell([made("s", [1])]))
    assert told["amplitudes"][1][2] == pytest.approx(math.pi / 2, abs=1e-8)


def test_correlations_and_matrices_are_qiskits():
    circuit = drawn(4)
    told = look(circuit, keep=[2, 0])

    rho = DensityMatrix(evolve(circuit)[0])
    assert told["information"][1][3] == pytest.approx(mutual_information(partial_trace(rho, [0, 2])), abs=1e-7)
    theirs = partial_trace(rho, [1, 3]).data.reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4)
    assert np.array(told["density"]["real"]) == pytest.approx(theirs.real, abs=1e-8)
    assert told["density"]["qubits"] == [2, 0]


def test_decoherence_of_the_parts_is_that_of_the_whole():
    noise = {"t_us": 30.0, "t1_us": 100.0, "t2_us": 60.0, "depolarised": 0.1}
    told = look(bell(), noise=noise)
    left = math.exp(-0.3)
    assert told["measures"]["fidelity"] < 1
    assert told["odds_noisy"]
    # <Z> of a fully mixed qubit goes to 1 - exp(-t/T1), then depolarising leaves 0.9 of it.
    assert told["bloch"][0][2] == pytest.approx(0.9 * (1 - left), abs=1e-8)
    assert sum(row[1] for row in told["amplitudes"]) == pytest.approx(1, abs=1e-8)


def test_a_job_takes_a_document_or_a_text():
    circuit = bell()
    one = work.look({"document": to_json(circuit)}, 0)
    assert one == work.look({"text": qasm(circuit)}, 0)


def test_twenty_qubits_are_drawn_and_one_more_is_refused():
    circuit = blank(20)
    for at in range(20):
        circuit = insert(circuit, made("h", [0]) if at == 0 else made("cx", [at - 1, at]))
    told = look(circuit)
    assert [row[0] for row in told["amplitudes"]] == [0, 2**20 - 1]
    assert told["information"][3][17] == pytest.approx(1, abs=1e-5)
    with pytest.raises(Limit, match="1 to 20 qubits"):
        look(blank(21))


@pytest.mark.parametrize(("keep", "said"), [([3], "There is no qubit 3; the last one is 1"), (range(6), "up to 5 qubits")])
def test_qubits_that_cannot_be_told_are_refused(keep, said):
    with pytest.raises(BadInput, match=said):
        look(bell(), keep=list(keep))


@pytest.mark.parametrize("count", [*range(2, 8), 13, 20])
def test_every_two_qubits_are_in_one_block_and_none_in_two(count):
    met = [pair for block in _blocks(count) for pair in itertools.combinations(block, 2)]
    assert sorted(met) == list(itertools.combinations(range(count), 2))
    assert max(map(len, _blocks(count))) <= MOST_DENSITY


def test_blocks_of_five_tell_the_pairs_of_a_larger_state():
    told = look(drawn(9, seed=3))
    rho = DensityMatrix(evolve(drawn(9, seed=3))[0])
    for low, high in ((0, 1), (2, 8), (4, 5), (3, 7)):
        others = [qubit for qubit in range(9) if qubit not in (low, high)]
        assert told["information"][low][high] == pytest.approx(mutual_information(partial_trace(rho, others)), abs=1e-7)


def test_equal_chances_beyond_the_drawn_ones_leave_the_first_outcomes():
    circuit = blank(9)
    for qubit in range(9):
        circuit = insert(circuit, made("h", [qubit]))
    assert [row[0] for row in look(circuit)["amplitudes"]] == list(range(256))
    tilted = insert(circuit, made("ry", [8], [0.2]))
    assert [row[0] for row in look(tilted)["amplitudes"]] == list(range(256, 512))
