from app.engine.circuits.samples import bundled


def test_the_bundled_circuits_have_a_title_each_and_ghz_is_among_them():
    found = {sample.name: sample for sample in bundled()}
    assert {"bell", "ghz", "qft4", "teleport", "repeat"} <= set(found)
    assert found["ghz"].title == "GHZ state: five qubits, all 0 or all 1"


def test_a_missing_folder_holds_no_samples(tmp_path):
    assert bundled(tmp_path / "none") == ()


def test_a_file_without_a_comment_is_titled_by_its_name(tmp_path):
    (tmp_path / "plain.qasm").write_text("OPENQASM 2.0;\n")
    assert bundled(tmp_path)[0].title == "plain"
