import json
import math
from pathlib import Path

import pytest

from app.engine.base.contracts import silent
from app.engine.base.errors import BadInput, Cancelled, Missing
from app.engine.circuits import selection
from app.engine.circuits.samples import FOLDER
from app.engine.circuits.work import describe, expect, run

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "qasm"


def chi_square(counts, expected):
    return sum((counts.get(key, 0) - want) ** 2 / want for key, want in expected.items())


def sample(name):
    return {"file": str(FOLDER / f"{name}.qasm")}


@pytest.mark.parametrize("name, keys", [("bell", {"00", "11"}), ("ghz", {"00000", "11111"})])
def test_entangled_qubits_agree_and_both_outcomes_are_equally_likely(name, keys):
    result = run({**sample(name), "shots": 4000}, 1)
    assert set(result["counts"]) == keys
    assert sum(result["counts"].values()) == 4000
    assert all(abs(count - 2000) < 4 * math.sqrt(1000) for count in result["counts"].values())


def test_equal_seeds_give_equal_counts_and_others_do_not():
    spec = {**sample("qft4"), "shots": 500}
    first, again, other = run(spec, 7), run(spec, 7), run(spec, 8)
    assert first["counts"] == again["counts"] != other["counts"]


def test_teleportation_delivers_the_state_whatever_is_measured_on_the_way():
    counts = run({**sample("teleport"), "shots": 4000}, 3)["counts"]
    assert {key.split()[0] for key in counts} == {"0"}
    # The two Bell bits are uniform: 16.27 is the 0.1 % point of chi-square with three degrees of freedom.
    assert chi_square(counts, dict.fromkeys(["0 00", "0 01", "0 10", "0 11"], 1000)) < 16.27


def test_the_transform_of_the_zero_state_is_uniform_and_the_added_measurement_is_told():
    result = run({**sample("qft4"), "shots": 8000}, 5)
    # 37.70 is the 0.1 % point of chi-square with fifteen degrees of freedom.
    assert chi_square(result["counts"], {f"{i:04b}": 500 for i in range(16)}) < 37.70
    assert "every qubit is measured" in result["note"]


def test_a_loop_that_waits_for_a_measurement_ends():
    assert run({**sample("repeat"), "shots": 200}, 2)["counts"] == {"1 0": 200}


def test_the_result_is_plain_json_and_says_how_it_came_to_be():
    told = []
    result = run({**sample("ghz"), "shots": 10}, 0, lambda *a, **_: told.append(a))
    assert json.loads(json.dumps(result)) == result
    assert result["simulator"] in selection.FRAMES
    assert result["predicted"]["wall_s"] > 0
    assert {one["simulator"] for one in result["alternatives"]} == set(selection.SIMULATORS) - {result["simulator"]}
    assert {"counts", "simulator", "wall_s", "shots", "seed", "qubits", "depth", "picture", "note"} <= set(result)
    assert [step[0] for step in told] == [0.0, 1.0, 2.0, 3.0]


def test_text_runs_as_a_file_does():
    text = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\ncreg c[1];\nx q[0];\nmeasure q -> c;\n'
    assert run({"text": text, "name": "mine", "shots": 5}, 0)["counts"] == {"1": 5}
    with pytest.raises(BadInput, match="mine, line 1"):
        run({"text": "nonsense", "name": "mine"}, 0)


@pytest.mark.parametrize("shots", [0, -1, 1_000_001])
def test_shots_out_of_range_are_refused(shots):
    with pytest.raises(BadInput, match="shots must be between"):
        run({**sample("bell"), "shots": shots}, 0)


def test_a_file_that_is_missing_or_no_file_is_told(tmp_path):
    with pytest.raises(Missing, match="no file"):
        run({"file": str(tmp_path / "none.qasm")}, 0)
    with pytest.raises(BadInput, match="cannot be read"):
        run({"file": str(tmp_path)}, 0)


def test_a_stopped_run_ends_before_it_simulates():
    with pytest.raises(Cancelled):
        run(sample("bell"), 0, silent, lambda: True)


def test_a_description_holds_diagram_figures_and_source():
    told = describe(sample("bell"))
    assert told["counts"] == {"measure": 2, "cx": 1, "h": 1}
    assert (told["qubits"], told["depth"], told["size"]) == (2, 3, 4)
    assert "2 qubits · depth 3" in told["text"]
    assert told["source"].startswith("// Bell pair")


@pytest.mark.skipif(not DATA.exists(), reason="shared data is absent")
@pytest.mark.parametrize(
    "name, counts",
    [
        ("bv_n14", {"1" * 13: 100}),  # the hidden string
        ("adder_n10", {"10000": 100}),  # 1 + 15
        ("grover_n2", {"11": 100}),  # the marked item
        ("wstate_n3", None), ("qaoa_n6", None), ("ising_n10", None),
    ],
)  # fmt: skip
def test_published_circuits_run_and_give_their_known_outcome(name, counts):
    path = DATA / f"{name}.qasm"
    if not path.exists():
        pytest.skip(f"{name} is absent")
    result = run({"file": str(path), "shots": 100}, 1)
    assert sum(result["counts"].values()) == 100
    assert counts is None or result["counts"] == counts


@pytest.mark.skipif(not DATA.exists(), reason="shared data is absent")
def test_the_w_state_finds_its_one_in_each_place_alike():
    counts = run({"file": str(DATA / "wstate_n3.qasm"), "shots": 3000}, 4)["counts"]
    assert chi_square(counts, dict.fromkeys(["001", "010", "100"], 1000)) < 13.82  # 0.1 % point, two degrees of freedom


@pytest.mark.parametrize("simulator", ["clifford", "stabilizer", "statevector", "matrix_product_state"])
def test_every_simulator_that_is_asked_for_finds_the_same_outcomes(simulator):
    result = run({**sample("ghz"), "shots": 2000, "simulator": simulator}, 5)
    assert set(result["counts"]) == {"00000", "11111"}
    assert abs(result["counts"]["00000"] - 1000) < 4 * math.sqrt(500)
    assert result["simulator"].endswith(simulator)


def test_the_mean_of_an_observable_is_told_with_its_terms():
    told = expect({**sample("bell"), "observable": "Z0 Z1 - X0 X1 + 0.5"})
    assert told["value"] == pytest.approx(1 - 1 + 0.5)
    assert [(row["term"], row["factor"], round(row["mean"], 9)) for row in told["terms"]] == [
        ("Z0 Z1", 1, 1), ("X0 X1", -1, 1), ("1", 0.5, 1),
    ]  # fmt: skip
    assert json.loads(json.dumps(told)) == told
    with pytest.raises(BadInput, match="observable, column 1"):
        expect({**sample("bell"), "observable": ""})


def test_a_run_tells_its_noise_and_its_bonds():
    noisy = run({**sample("bell"), "shots": 100, "noise": "readout=0.1"}, 1)
    assert noisy["noise"]["title"] == "readout=0.1"
    assert noisy["simulator"] == "stabilizer"
    capped = run({**sample("qft4"), "shots": 100, "bond": 1}, 1)
    assert capped["bonds"]["largest"] == 1
    assert "truncation error" in capped["text"]
    assert run({**sample("bell"), "shots": 1}, 1)["bonds"] is None
