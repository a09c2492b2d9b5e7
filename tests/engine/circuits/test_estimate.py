import math

import pytest

from app.engine.base.errors import BadInput
from app.engine.circuits import devices, estimate
from app.engine.circuits.records import Circuit, Op


def device(**changes):
    place = devices.Place(1e-4, 1e-4, 0.02, 0.04, 0.001)
    base = {
        "name": "d", "title": "", "processor": "", "taken": "", "source": "", "basis": ("rz", "sx", "x"), "pair_gate": "cz",
        "gate_s": 1e-7, "pair_s": 5e-7, "read_s": 1e-6, "places": (place, place, place),
        "pairs": (devices.Pair(0, 1, 0.01), devices.Pair(1, 2, 0.02)),
    }  # fmt: skip
    return devices.Device(**{**base, **changes})


def test_success_is_the_product_of_gates_readouts_and_waits():
    ops = (
        Op("sx", (0,)), Op("rz", (0,), (0.3,)), Op("sx", (1,)), Op("cz", (0, 1)), Op("sx", (2,)), Op("cz", (1, 2)),
        Op("measure", (0,), (), (0,)), Op("measure", (2,), (), (1,)),
    )  # fmt: skip
    found = estimate.success(Circuit("c", tuple("abc"), tuple("xy"), ops), device())
    assert found.gates == pytest.approx(0.999**3 * 0.99 * 0.98)
    assert found.readout == pytest.approx(0.97**2)
    # Only the third qubit waits: from the end of its own gate until the first pair is done.
    assert found.waits == pytest.approx((1 + 3 * math.exp(-5e-7 / 1e-4)) / 4)
    assert found.duration_s == pytest.approx(1e-7 + 2 * 5e-7 + 1e-6)
    assert found.all == pytest.approx(found.gates * found.readout * found.waits)
    assert found.told()["kind"] == "estimated"


def test_a_pair_that_is_not_coupled_never_succeeds():
    found = estimate.success(Circuit("c", tuple("abc"), (), (Op("cz", (0, 2)),)), device())
    assert found.all == 0


def test_a_circuit_of_free_turns_always_succeeds_at_once():
    found = estimate.success(Circuit("c", tuple("abc"), (), (Op("rz", (0,), (1.0,)), Op("barrier", (0, 1)))), device())
    assert (found.all, found.duration_s) == (1.0, 0.0)


def test_the_depth_of_pairs_counts_the_longest_chain():
    ops = (Op("cz", (0, 1)), Op("h", (1,)), Op("cz", (1, 2)), Op("cz", (0, 1)), Op("barrier", (0, 1, 2)))
    assert estimate.pair_depth(Circuit("c", tuple("abc"), (), ops)) == 3


def test_a_delay_is_a_wait_and_no_gate_and_a_reset_takes_a_readout():
    ops = (Op("sx", (0,)), Op("delay", (0,), (200.0,), wait_s=2e-4), Op("reset", (0,)))
    found = estimate.success(Circuit("c", tuple("abc"), (), ops), device())
    assert found.gates == pytest.approx(0.999)
    assert found.waits == pytest.approx((1 + 3 * math.exp(-2)) / 4)
    assert found.duration_s == pytest.approx(1e-7 + 2e-4 + 1e-6)


def test_a_delay_before_anything_else_costs_nothing_and_one_in_cycles_is_refused():
    found = estimate.success(Circuit("c", tuple("abc"), (), (Op("delay", (0,), (1.0,), wait_s=1e-6),)), device())
    assert (found.all, found.duration_s) == (1.0, 1e-6)
    with pytest.raises(BadInput, match="in cycles of a device"):
        estimate.success(Circuit("c", tuple("abc"), (), (Op("delay", (0,), (9.0,), wait_s=None),)), device())


def test_a_barrier_lets_its_qubits_wait_for_the_last_of_them():
    wall = Op("barrier", (0, 1))
    ops = (Op("sx", (1,)), wall, Op("delay", (0,), (200.0,), wait_s=2e-4), wall, Op("measure", (1,), (), (0,)))
    found = estimate.success(Circuit("c", tuple("abc"), ("x",), ops), device())
    assert found.waits == pytest.approx((1 + 3 * math.exp(-2)) / 4)
    assert found.duration_s == pytest.approx(1e-7 + 2e-4 + 1e-6)
