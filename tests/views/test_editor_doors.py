"""Around the editor: open what is kept or bundled, run and keep what is drawn, and turn free angles."""

import math

import pytest

from app.engine.circuits import document, work
from app.engine.circuits.samples import FOLDER
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
    page._look()
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
