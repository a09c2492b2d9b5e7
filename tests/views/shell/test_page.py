"""Pages: eight of them, each importable, titled and built from its spec."""

from PySide6.QtWidgets import QHBoxLayout, QLabel

from app.views.shell.page import PAGES, card, page_titles


def test_every_page_has_a_title_of_its_own():
    titles = page_titles()
    assert [spec.name for spec in PAGES] == list(titles)
    assert len(set(titles.values())) == len(PAGES)


def test_a_card_holds_widgets_and_layouts(qtbot):
    line = QHBoxLayout()
    line.addWidget(QLabel("inner"))
    made = card(line, QLabel("last"), heading="Heading")
    qtbot.addWidget(made)
    assert [label.text() for label in made.findChildren(QLabel)] == ["Heading", "inner", "last"]
