import json
import math

import pytest

from app.engine.base.errors import BadInput, Limit, Missing
from app.engine.circuits import devices

SMALL = {
    "schema": 1, "name": "mine", "title": "Mine", "basis": ["rz", "sx", "x"], "pair_gate": "cz", "gate_s": 1e-8, "pair_s": 1e-7,
    "qubits": [{"t1_s": 1e-4, "t2_s": 9e-4}, {}], "pairs": [[0, 1, 0.01]],
}  # fmt: skip


@pytest.mark.parametrize("name", devices.known())
def test_every_device_that_is_shipped_can_be_read_and_tells_its_source(name):
    device = devices.read(devices.known()[name])
    assert device.name == name
    assert device.source
    assert device.qubits >= 5
    assert all(place.t2_s <= 2 * place.t1_s for place in device.places)
    assert device.told()["broken"] == len(device.pairs) - len(device.working)


def test_the_eagle_is_a_heavy_hexagon():
    device = devices.read(devices.known()["ibm_brisbane"])
    degree = [0] * device.qubits
    for pair in device.pairs:
        degree[pair.first] += 1
        degree[pair.second] += 1
    assert (device.qubits, len(device.pairs), max(degree)) == (127, 144, 3)
    assert device.taken.startswith("2025-02-26")


def test_what_is_unknown_is_without_error_and_t2_is_cut_to_what_physics_allows():
    device = devices.parse(json.dumps(SMALL), "d.json")
    assert device.places[0].t2_s == pytest.approx(2e-4)
    assert device.places[1] == devices.Place(math.inf, math.inf, 0.0, 0.0, 0.0)
    assert device.read_s == 0


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"schema": 2}, "not a device file"),
        ({"qubits": []}, "a device has 1 to 2000 qubits, not 0"),
        ({"qubits": [{"t1_s": -1}]}, r"qubits\[0\].t1_s cannot be -1"),
        ({"qubits": [{"error": True}]}, r"qubits\[0\].error cannot be True"),
        ({"pairs": [[0, 2, 0.1]]}, r"pairs\[0\] cannot be"),
        ({"pairs": [[0, 0]]}, r"pairs\[0\] cannot be"),
        ({"pairs": "all"}, "pairs cannot be 'all'"),
        ({"basis": ["rz"]}, "basis rz cannot be compiled to"),
        ({"pair_gate": "foo"}, "pair_gate must be one of"),
        ({"name": "../x"}, "name cannot be"),
    ],
)
def test_a_malformed_device_is_refused_with_file_and_field(change, reason):
    with pytest.raises(BadInput, match=rf"d\.json: {reason}"):
        devices.parse(json.dumps({**SMALL, **change}), "d.json")


def test_broken_json_is_told_with_line_and_column(tmp_path):
    with pytest.raises(BadInput, match=r"d\.json, line 2, column 3"):
        devices.parse('{"schema": 1,\n  oops}', "d.json")
    with pytest.raises(BadInput, match="nested too deeply"):
        devices.parse("[" * 100_000, "d.json")
    big = tmp_path / "big.json"
    big.write_bytes(b" " * (devices.MOST_BYTES + 1))
    with pytest.raises(Limit):
        devices.read(big)
    with pytest.raises(Missing):
        devices.read(tmp_path / "none.json")


def test_a_device_of_the_home_goes_before_one_that_is_shipped(tmp_path):
    (tmp_path / "ibm_manila.json").write_text("{}")
    assert devices.known(tmp_path)["ibm_manila"].parent == tmp_path
