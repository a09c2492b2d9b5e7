"""Noise: the errors around each gate add up to what the snapshot tells of it, waits included."""

import math

import pytest

from app.engine.base.errors import BadInput
from app.engine.circuits import devices, noise
from app.engine.circuits.devices import Place
from app.engine.circuits.records import Circuit, Op


def process_fidelity(span_s, place):
    return (1 + math.exp(-span_s / place.t1_s) + 2 * math.exp(-span_s / place.t2_s)) / 4


@pytest.mark.parametrize("qubits", [1, 2])
def test_relaxation_and_depolarising_together_have_the_infidelity_the_snapshot_tells(qubits):
    place = Place(100e-6, 80e-6, 0, 0, 0)
    error, span_s, size = 0.008, 300e-9, 1 << qubits
    share = noise.depolarised(error, span_s, [place] * qubits)
    whole = (1 - share) * process_fidelity(span_s, place) ** qubits + share / size**2
    assert 1 - (size * whole + 1) / (size + 1) == pytest.approx(error, rel=1e-12)
    assert 0 < share < error * size / (size - 1)


def test_a_gate_that_relaxation_alone_explains_is_not_depolarised():
    assert noise.depolarised(1e-5, 300e-9, [Place(20e-6, 20e-6, 0, 0, 0)] * 2) == 0.0


def test_a_qubit_that_waits_for_another_relaxes_meanwhile_and_one_not_yet_used_does_not():
    told = noise.read("t1_us=100 t2_us=100 gate_ns=50 pair_ns=300", 3)
    follower = noise.Follower(told)
    assert follower.around(Op("x", (0,)))[0] == []
    follower.around(Op("cx", (1, 2)))
    before, after = follower.around(Op("cx", (0, 1)))
    assert [(hit.qubits, hit.wait_s) for hit in before] == [((0,), pytest.approx(250e-9))]
    assert [hit.qubits for hit in after] == [(0,), (1,)]


def test_turns_about_z_cost_nothing_and_errors_alike_are_random_paulis():
    told = noise.read("one=0.001,two=0.01 readout=0.02", 2)
    circuit = Circuit("c", ("a", "b"), (), (Op("rz", (0,), (0.3,)), Op("x", (0,)), Op("cx", (0, 1))))
    assert told.pauli
    assert noise.hits(circuit, told) == 2
    assert noise.hits(circuit, noise.read("t1_us=50", 2)) == 3  # the time of each gate
    assert not noise.read("t1_us=50", 2).pauli


def test_the_noise_of_a_device_is_that_of_the_places_in_use():
    device = devices.read(devices.known()["ibm_manila"])
    told = noise.of_device(device, (3, 2))
    assert told.places == (device.places[3], device.places[2])
    error = next(pair.error for pair in device.pairs if {pair.first, pair.second} == {2, 3})
    assert told.pairs == {(0, 1): error, (1, 0): error}
    assert (told.told()["taken"], told.told()["kind"]) == (device.taken, "simulated")


@pytest.mark.parametrize(
    ("text", "reason"),
    [("two=2", "between 0"), ("two=x", "between 0"), ("speed=3", "known are one"), ("one 0.1", "known are one")],
)
def test_figures_that_are_none_are_told(text, reason):
    with pytest.raises(BadInput, match=reason):
        noise.read(text, 2)


def test_what_noise_cannot_follow_is_refused():
    follower = noise.Follower(noise.read("one=0.1", 3))
    with pytest.raises(BadInput, match="conditions"):
        follower.around(Op("x", (0,), condition="c[0]"))
    with pytest.raises(BadInput, match="one and two qubits"):
        follower.around(Op("ccx", (0, 1, 2)))


def test_a_barrier_lets_its_qubits_wait_for_the_last_of_them():
    follower = noise.Follower(noise.read("t1_us=100 gate_ns=50 pair_ns=300", 4))
    follower.around(Op("x", (0,)))
    follower.around(Op("cx", (1, 2)))
    before, after = follower.around(Op("barrier", (0, 1, 3)))
    assert [(hit.qubits, hit.wait_s) for hit in before] == [((0,), pytest.approx(250e-9))]
    assert after == []
    assert follower.around(Op("x", (0,)))[0] == []  # it has waited
    follower.around(Op("x", (3,)))  # begins only after the barrier: at 350 ns it is done, as is the other
    assert follower.around(Op("cx", (0, 3)))[0] == []
