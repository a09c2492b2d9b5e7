"""Around the editor: open what is kept or bundled, run and keep what is drawn, and turn free angles."""

import math

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog

from app.engine.base.events import CommandFinished
from app.engine.circuits import document, work
from app.engine.circuits.records import Sample
from app.engine.circuits.samples import FOLDER
from app.views.editor_doors import EXPORTS, filter_of
from app.views.shell.forms import CommandForm


@pytest.fixture
def page(window):
    window.open_page("editor")
    return window.page


def test_a_sample_is_opened_on_the_canvas(page, start):
    start.answers["circuit.show"] = work.describe({"file": str(FOLDER / "bell.qasm")})
    page.doors.samples.activated.emit(page.doors.samples.findText("bell"))
    assert [op.name for op in page.model.circuit.ops] == ["h", "cx", "measure", "measure"]
    assert "cx q[0], q[1];" in page.text.toPlainText()


def test_a_circuit_that_cannot_be_edited_says_why_and_leaves_the_canvas(page, start):
    start.answers["circuit.show"] = {"document": None, "why_not": "It is larger than what can be edited."}
    before = page.model.circuit
    page.doors.samples.activated.emit(1)
    assert page.model.circuit is before
    assert "larger than what can be edited" in page.said.text()


def test_what_is_drawn_runs_with_its_free_angles_as_the_sliders_have_them(page, start, window):
    page._place("rx", 0, 0)
    page.grid.select({0})
    page.angles.setText("theta")
    page._apply()
    assert document.free(page.model.circuit) == ("theta",)
    assert "input float theta;" in page.text.toPlainText()
    assert not page.free.isHidden()
    page.free._sliders["theta"].setValue(32)
    assert page.free.values == {"theta": math.pi}
    page.doors._run()
    name, args = start.asked[-1]
    assert name == "circuit.run"
    assert "rx(pi) q[0];" in args["text"]
    assert "input" not in args["text"]


def test_the_pictures_follow_the_slider(page, start):
    page._place("rx", 0, 0)
    page.grid.select({0})
    page.angles.setText("theta")
    page._apply()
    page.free._sliders["theta"].setValue(16)
    page.state.look()
    name, args = start.asked[-1]
    assert name == "circuit.look"
    assert "rx(pi/2) q[0];" in args["text"]
    page._do("gone", lambda circuit: document.remove(circuit, [0]))
    assert page.free.isHidden()


def test_keeping_opens_the_import_with_the_text(page, monkeypatch):
    asked = []
    monkeypatch.setattr(page.doors, "_context", type("C", (), {"open_command": lambda _self, *given: asked.append(given)})())
    page.doors._keep()
    ((command, given),) = asked
    assert command == "circuit.import"
    assert given["text"].startswith("OPENQASM 3")


def test_what_is_drawn_is_compiled_without_being_kept(page, window):
    page._place("h", 0, 0)
    page.doors._compile()
    form = window.inspector.findChild(CommandForm)
    assert form.given()["text"].startswith("OPENQASM 3.0;")
    assert form.given()["device"] == "ibm_brisbane"


def test_any_circuit_file_is_opened(page, start, tmp_path):
    file = tmp_path / "mine.qasm"
    file.write_text('OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\nx q[1];\n')
    start.answers["circuit.show"] = work.describe({"file": str(file)})
    page.doors._ask_open()
    (dialog,) = page.findChildren(QFileDialog)
    assert "*.qpy" in dialog.nameFilters()[0]
    dialog.fileSelected.emit(str(file))
    dialog.close()
    assert start.asked[-1] == ("circuit.show", {"file": file})
    assert [(op.name, op.qubits) for op in page.model.circuit.ops] == [("x", (1,))]


@pytest.mark.parametrize("asked", [
    ("qasm3", "a.qasm", "qasm3"), ("qasm2", "a.qasm", "qasm2"), ("qasm2", "a.qasm2", "qasm2"), ("qasm3", "a.qpy", "qpy"),
    ("svg", "a.svg", "svg"),
])  # fmt: skip
def test_what_is_drawn_is_exported_in_the_format_that_was_chosen(page, start, tmp_path, asked):
    form, name, written = asked
    page._place("h", 0, 0)
    page.doors._ask_export()
    (dialog,) = page.findChildren(QFileDialog)
    dialog.selectNameFilter(filter_of(form))
    dialog.filterSelected.emit(filter_of(form))
    assert dialog.defaultSuffix() == EXPORTS[form]
    dialog.fileSelected.emit(str(tmp_path / name))
    dialog.close()
    command, args = start.asked[-1]
    assert (command, args["format"], args["out"], args["replace"]) == ("circuit.export", written, tmp_path / name, True)
    assert work.convert({"text": args["text"], "name": "drawn", "format": args["format"]})["operations"] == 1


def test_free_angles_stay_free_in_a_file_that_knows_them(page, start, tmp_path):
    page._place("rx", 0, 0)
    page.grid.select({0})
    page.angles.setText("theta")
    page._apply()
    page.doors.export(str(tmp_path / "a.qasm"), "qasm3")
    assert "input float theta;" in start.asked[-1][1]["text"]
    page.doors.export(str(tmp_path / "a.qasm"), "qasm2")
    assert "theta" not in start.asked[-1][1]["text"]


def test_the_drawing_is_exported_as_a_picture(page, tmp_path):
    page._place("h", 0, 0)
    page.doors.export(str(tmp_path / "a.png"), "png")
    found = QImage(str(tmp_path / "a.png"))
    assert found.width() > 100
    assert len({found.pixel(x, y) for x in range(0, found.width(), 3) for y in range(0, found.height(), 3)}) > 3


def test_a_circuit_that_was_kept_is_listed_at_once(page, engine):
    listed = [page.doors.samples.itemText(at) for at in range(page.doors.samples.count())]
    samples = engine.circuits.samples()
    engine.circuits.samples = lambda: (Sample("mine", "", "/home/mine.qasm"), *samples)
    done = {"at_us": 1, "actor": "ada", "cause": "", "command": "circuit.import"}
    engine.bus.publish(CommandFinished(**done, outcome="bad-input"))
    assert page.doors.samples.count() == len(listed)
    engine.bus.publish(CommandFinished(**done, outcome="ok"))
    assert page.doors.samples.itemText(1) == "mine"
