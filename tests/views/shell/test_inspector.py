"""The Inspector: follows its owner, holds forms, shows results."""

from PySide6.QtWidgets import QLabel


def test_a_form_runs_its_command_and_its_result_is_shown(qtbot, window, start):
    start.answers["fleet.list"] = {"nodes": []}
    window.open_command("fleet.list", {})
    form = window.inspector.show_form(window.context.find("fleet.list"), {})
    assert window.inspector.isVisible()
    form.submit()
    assert start.asked[-1][0] == "fleet.list"
    assert any(label.text() == "Result" for label in window.inspector.titleBarWidget().findChildren(QLabel))


def test_given_values_are_entered(window):
    form = window.inspector.show_form(window.context.find("qubo.solve"), {"file": "G1.txt", "seconds": 2.0})
    assert form.as_command() == "outpost qubo solve --file G1.txt --seconds 2"


def test_what_belongs_to_a_page_goes_with_it(full_window):
    full_window.open_page("fleet")
    full_window.page.pick("n2")
    assert full_window.inspector.isVisible()
    full_window.open_page("qubo")
    assert not full_window.inspector.isVisible()
    full_window.open_page("fleet")
    assert full_window.inspector.isVisible()


def test_an_unknown_command_opens_nothing(window):
    window.open_command("no.such", {})
    assert not window.inspector.isVisible()
