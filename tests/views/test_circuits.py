"""Circuits: diagram and outcomes of the picked run, samples one choice away."""


def test_a_finished_run_shows_its_diagram_and_outcomes(full_window):
    full_window.open_page("circuits")
    page = full_window.page
    assert page.canvas.accessibleDescription() == "3 qubits, 6 columns"
    assert page.histogram.accessibleDescription().startswith("0000 900")
    assert page._facts.text().startswith("1,024 shots of 3 qubits")
    assert page._note.isVisible()


def test_the_state_of_each_qubit_is_asked_for_once_it_is_looked_at(full_window, start):
    start.answers["circuit.state"] = {
        "qubits": ["q[0]", "q[1]"], "vectors": [[0.0, 0.0, 0.0], [0.0, 0.0, -1.0]], "simulator": "aer statevector", "exact": True,
    }  # fmt: skip
    full_window.open_page("circuits")
    page = full_window.page
    assert "circuit.state" not in start.names()
    page.tabs.setCurrentIndex(1)
    page.tabs.setCurrentIndex(0)
    page.tabs.setCurrentIndex(1)
    assert start.names().count("circuit.state") == 1
    assert page.spheres.accessibleDescription() == "q[0] (0.00; 0.00; 0.00); q[1] (0.00; 0.00; -1.00)"
    assert [row[5] for row in page.spheres.twin().rows] == [0.5, 1.0]
    assert page._exact.text() == "before the final measurement, aer statevector"
    full_window.settle()


def test_a_run_without_a_kept_picture_is_drawn_anew(full_window, full, start):
    full.jobs.records.discard("j-circ")
    full_window.open_page("circuits")
    assert "circuit.show" in start.names()
    assert full_window.page.canvas.accessibleDescription() == "3 qubits, 6 columns"


def test_a_sample_fills_the_form_and_the_first_one_runs(window, start):
    window.open_page("circuits")
    page = window.page
    assert page.samples.count() >= 5
    page._run_first()
    name, args = start.asked[-1]
    assert name == "circuit.run"
    assert args["file"].name == "bell.qasm"
    assert args["shots"] == 1024


def test_the_device_to_compile_for_is_completed_from_those_there_are(full_window):
    full_window.open_page("circuits")
    completer = full_window.page.compile_form.field("device").editor.completer()
    completer.setCompletionPrefix("iqm")
    assert completer.currentCompletion() == "iqm_garnet"
    assert not full_window.page.compile_form.isVisible()
