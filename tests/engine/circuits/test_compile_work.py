import pytest

from app.engine.base.errors import BadInput, Cancelled, Missing
from app.engine.circuits import devices, selection
from app.engine.circuits.compile_work import compile_for, estimate_of, shrunk
from app.engine.circuits.records import Circuit, Op
from app.engine.circuits.samples import FOLDER

GHZ = str(FOLDER / "ghz.qasm")
MANILA = str(devices.known()["ibm_manila"])


def test_compiling_tells_before_and_after_layout_success_and_whether_both_do_the_same():
    result = compile_for({"file": GHZ, "device_file": MANILA}, 1)
    assert result["device"]["device"] == "ibm_manila"
    assert result["before"]["qubits"] == result["after"]["qubits"] == 5
    assert result["after"]["two_qubit"] >= result["before"]["two_qubit"] == 4
    assert 0 < result["after"]["success"] < 1
    assert result["equality"]["verdict"] == "equal"
    assert sorted(row["start"] for row in result["layout"]) == [0, 1, 2, 3, 4]
    assert result["qasm"].startswith("OPENQASM 3")
    assert result["picture_before"]["width"] == result["picture"]["width"] == 5
    assert "ends without an error in about" in result["text"]


def test_equal_seeds_compile_equally_and_a_check_can_be_left_out():
    first, second = (compile_for({"file": GHZ, "device_file": MANILA, "check": False}, 3) for _ in range(2))
    assert first["qasm"] == second["qasm"]
    assert first["equality"]["verdict"] == "not checked"


def test_what_is_compiled_can_be_read_and_compiled_again():
    result = compile_for({"file": GHZ, "device_file": MANILA}, 1)
    again = compile_for({"text": result["qasm"], "name": "again", "device_file": MANILA}, 1)
    assert again["after"]["two_qubit"] <= result["after"]["two_qubit"]


def test_compiling_stops_when_it_is_asked_to():
    with pytest.raises(Cancelled):
        compile_for({"file": GHZ, "device_file": MANILA}, 1, stop=lambda: True)


def test_an_estimate_tells_every_simulator_and_device_and_why_one_cannot():
    files = [MANILA, str(devices.known()["ibm_guadalupe"])]
    wide = 'OPENQASM 3;\ninclude "stdgates.inc";\nqubit[6] q;\nh q[0];\n' + "".join(f"cx q[0], q[{i}];\n" for i in range(1, 6))
    result = estimate_of({"text": wide, "name": "wide", "device_files": files, "shots": 100}, 1)
    assert result["simulator"] in selection.FRAMES
    assert {row["simulator"] for row in result["simulators"]} >= {"clifford", "statevector"}
    small, large = result["devices"]
    assert small["why_not"] == "wide: 6 qubits do not fit on ibm_manila, which has 5"
    assert (large["why_not"], large["qubits"] >= 6) == ("", True)
    assert "ibm_guadalupe" in result["text"]


def test_an_estimate_tells_of_a_trial_where_a_run_makes_one():
    lines = "".join(f"cp({sign}0.3) q[{at}], q[{at + 20}];\n" for at in range(20) for sign in ("", "-"))
    text = 'OPENQASM 3;\ninclude "stdgates.inc";\nqubit[40] q;\nry(0.7) q;\n' + lines
    result = estimate_of({"text": text, "name": "wide", "device_files": [], "shots": 5}, 1)
    assert result["simulator"] == "matrix_product_state"
    assert "tried with small bonds" in result["why"]


def test_a_device_that_is_not_there_and_a_malformed_circuit_are_told():
    with pytest.raises(Missing):
        compile_for({"file": GHZ, "device_file": MANILA + "x"}, 1)
    with pytest.raises(BadInput, match="bad, line 1"):
        compile_for({"text": "nonsense", "name": "bad", "device_file": MANILA}, 1)


def test_places_that_are_not_used_are_left_out_of_a_picture():
    circuit = Circuit("c", tuple(map(str, range(9))), (), (Op("cx", (7, 2)), Op("barrier", tuple(range(9)))))
    small = shrunk(circuit, (4,))
    assert small.qubits == ("2", "4", "7")
    assert small.ops == (Op("cx", (2, 0)),)
