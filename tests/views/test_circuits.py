"""Circuits: diagram and outcomes of the picked run, samples one choice away."""

from app.engine.circuits import comparing
from app.engine.jobs.runs import Run


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


def noisy(full, **result):
    counts = {f"{k:04b}": 10 + k for k in range(16)}
    told = {"counts": counts, "simulator": "stim", "shots": sum(counts.values()), "noise": {"title": "two=0.01"}, **result}
    spec = {"text": "OPENQASM 3.0; qubit[4] q;", "shots": 280, "noise": "two=0.01"}
    run = Run("r-noisy", "j-noisy", "Run circuit", "circuit", spec, told, "done", 2_000_000_000_000_000, 2_000_000_000_000_000)
    full.circuits.records.put(run)
    return run


def test_another_run_of_the_same_bits_stands_beside(full_window, full, start):
    noisy(full)
    full.circuits.records.put(
        Run("r-wide", "j", "Run wide", "wide", {}, {"counts": {"00000": 5}}, "done", 1, 1),
    )
    full_window.open_page("circuits")
    page = full_window.page
    page.pick("r-noisy")
    assert [page.beside.itemData(at) for at in range(page.beside.count())] == ["", "ideal", "r-circ"]
    shown = full.circuits.records.need("r-noisy").result["counts"]
    start.answers["circuit.compare"] = comparing.compare({"counts": shown}, full.circuits.records.need("r-circ").result)
    page.beside.activated.emit(2)
    page.beside.put("r-circ")
    assert page.beside.said.text().startswith("the distributions differ")
    assert len(page.histogram.twin().headings) == 5
    page.beside.setCurrentIndex(0)
    page.beside.activated.emit(0)
    assert len(page.histogram.twin().headings) == 3
    assert not page.beside.said.isVisible()


def test_an_ideal_run_is_made_of_the_same_text_and_put_beside(full_window, full, start):
    noisy(full)
    full_window.open_page("circuits")
    page = full_window.page
    page.pick("r-noisy")
    start.answers["circuit.run"] = {"id": "r-circ"}
    start.answers["circuit.compare"] = {
        "different": False, "p_value": 0.4, "total_variation": 0.1, "hellinger": 0.1, "fidelity": 0.9,
    }  # fmt: skip
    page.beside.activated.emit(1)
    asked = dict(start.asked)
    assert asked["circuit.run"] == {"text": "OPENQASM 3.0; qubit[4] q;", "shots": 280, "simulator": "auto", "noise": "none"}
    assert asked["circuit.compare"] == {"first": "r-noisy", "second": "r-circ"}
    assert page.beside.said.text().startswith("shots alone explain the difference (p = 0.400)")


def test_a_run_of_a_typed_text_is_drawn_anew_from_it(full_window, full, start):
    noisy(full)
    full_window.open_page("circuits")
    full_window.page.pick("r-noisy")
    assert ("circuit.show", {"text": "OPENQASM 3.0; qubit[4] q;"}) in start.asked
