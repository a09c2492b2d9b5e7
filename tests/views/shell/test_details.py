"""Details: title, state, lines and document; long documents are cut and say so."""

from PySide6.QtWidgets import QLabel, QPlainTextEdit

from app.views.shell.details import Details, pretty


def test_shows_one_thing_in_place_of_the_last(qtbot):
    details = Details()
    qtbot.addWidget(details)
    details.show()
    details.show_thing("Solve G1", state="failed", lines=[("Kind", "qubo"), ("Seed", "0")], document={"a": 1})
    assert details.findChild(QPlainTextEdit).toPlainText() == '{\n  "a": 1\n}'
    details.show_thing("Keys", lines=[("Esc", "Close")])
    qtbot.waitUntil(lambda: "qubo" not in [label.text() for label in details.findChildren(QLabel)])
    texts = [label.text() for label in details.findChildren(QLabel) if not label.isHidden()]
    assert {"Keys", "Esc", "Close"} <= set(texts)
    assert details.findChild(QPlainTextEdit).isHidden()


def test_a_long_document_is_cut_and_says_so():
    assert pretty("x" * 20_010).endswith("\n… 10 more characters")
    assert pretty("short") == "short"
