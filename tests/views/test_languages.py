"""In a language made to find faults, every text of the window is translated, and none has too little room."""

import pytest
from PySide6.QtWidgets import QLabel, QPushButton

from app.engine.base.text import CLOSE, OPEN, use_language
from app.views.shell.page import PAGES
from tests.views.walk import place_of, texts_of

# What stands in the window and is no text of ours: data, names, numbers with their unit, signs.
DATA = (
    "node-", "maxcut", "bell", "digits", "pid on", "Run ", "Solve G", "Train digits", "Simulate 1000", "127.0.0.1", "G9", "UTC", "CPU",
    "operator", "connection refused", "ada@", "bob@", "outpost", "settings.toml", "Narvik", "Esbjerg", "Andermatt", "Piraeus", "Sines",
    "Kiruna", "view.", "fleet.", "user.", "jobs.", "activity.", "statevector", "threadpool", "/",
)  # fmt: skip


@pytest.fixture
def pseudo(qapp):
    use_language("pseudo")
    yield
    use_language("en")


def untranslated(text):
    words = [
        part for part in text.replace(OPEN, f"\n{OPEN}").replace(CLOSE, f"{CLOSE}\n").splitlines() if not part.startswith(OPEN)
    ]
    left = " ".join(words)
    return len([letter for letter in left if letter.isalpha()]) > 3 and not any(word in text for word in DATA)


def test_every_text_of_a_page_is_translated(pseudo, request):
    window = request.getfixturevalue("window")
    found = set()
    for spec in PAGES:
        window.open_page(spec.name)
        window.settle()
        found |= {f"{text!r} {place_of(widget)}" for widget, text in texts_of(window) if untranslated(text)}
    assert found == set()


def test_no_button_or_single_line_is_clipped_by_longer_texts(pseudo, request):
    window = request.getfixturevalue("full_window")
    window.resize(1360, 860)
    found = set()
    for spec in PAGES:
        window.open_page(spec.name)
        window.settle()
        for widget, text in texts_of(window):
            short = widget.width() + 1 < widget.minimumSizeHint().width() if isinstance(widget, QPushButton) else False
            cut = (
                isinstance(widget, QLabel)
                and not widget.wordWrap()
                and OPEN in text
                and widget.height() + 1 < widget.minimumSizeHint().height()
            )
            if short or cut:
                found.add(f"{spec.name}: {text!r} {place_of(widget)}")
    assert found == set()
