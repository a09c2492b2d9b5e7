"""The theme: every text pair readable on every ground, one palette from the tokens, series one can tell apart."""

import collections
import itertools

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QTableView, QWidget

from app.views.shell import theme

THEMES = list(theme.THEMES.values())


@pytest.mark.parametrize("tokens", THEMES, ids=lambda tokens: tokens.name)
@pytest.mark.parametrize("ground", theme.GROUNDS)
@pytest.mark.parametrize("text", theme.TEXT_TOKENS)
def test_every_text_is_readable_on_every_ground(tokens, ground, text):
    assert theme.contrast(getattr(tokens, text), getattr(tokens, ground)) >= 4.5


@pytest.mark.parametrize("ground", theme.GROUNDS)
@pytest.mark.parametrize("text", theme.TEXT_TOKENS)
def test_high_contrast_means_seven_to_one(ground, text):
    assert theme.contrast(getattr(theme.CONTRAST, text), getattr(theme.CONTRAST, ground)) >= 7
    assert theme.contrast(theme.CONTRAST.border, theme.CONTRAST.bg) >= 3


@pytest.mark.parametrize("tokens", THEMES, ids=lambda tokens: tokens.name)
def test_the_primary_button_is_readable_and_curves_stand_out(tokens):
    assert theme.contrast(tokens.on_accent, tokens.accent) >= 4.5
    assert all(theme.contrast(colour, tokens.surface) >= 3 for colour in tokens.series)
    assert len(set(tokens.series)) == 8


def test_contrast_is_the_published_one():
    # WCAG 2.2: black on white is 21:1; #767676 on white is the known grey at the 4.5:1 limit.
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("tokens", THEMES, ids=lambda tokens: tokens.name)
def test_neighbouring_curves_differ_for_colour_blind_eyes(tokens):
    # Red and green weigh alike for a deuteranope: what is left is lightness and the blue-yellow axis.
    def seen(colour):
        shade = QColor(colour)
        yellow = (shade.redF() + shade.greenF()) / 2
        return yellow, shade.blueF()

    for first, second in itertools.pairwise(tokens.series[:4]):
        (y1, b1), (y2, b2) = seen(first), seen(second)
        assert abs(y1 - y2) + abs(b1 - b2) > 0.15


def test_applying_a_theme_changes_palette_and_sheet(qapp):
    try:
        theme.apply(qapp, "light")
        assert theme.now() is theme.LIGHT
        assert QApplication.palette().color(QPalette.ColorRole.Window).name() == theme.LIGHT.bg
        assert theme.apply(qapp, "no such theme") is theme.DARK
    finally:
        theme.apply(qapp, "dark")


def test_a_dressed_window_follows_the_theme_and_each_widget_is_styled_once(qtbot, qapp):
    class Styled(QObject):
        def __init__(self):
            super().__init__()
            self.times = collections.Counter()

        def eventFilter(self, watched, event):
            self.times[watched] += event.type() == QEvent.Type.StyleChange
            return False

    window = inner = QWidget()
    qtbot.addWidget(window)
    for _ in range(8):
        inner = QWidget(inner)
    label = QLabel("deep", inner)
    theme.dress(window)
    window.show()
    seen = Styled()
    label.installEventFilter(seen)
    try:
        theme.apply(qapp, "light")
        assert theme.LIGHT.accent in window.styleSheet()
        assert seen.times[label] <= 2
    finally:
        theme.apply(qapp, "dark")


def test_the_shipped_fonts_are_used(qapp):
    theme.apply(qapp, "dark")
    assert theme.text_font().family() == "Inter"
    assert theme.mono_font().family() == "JetBrains Mono"


def test_the_system_s_scheme_is_followed_where_it_tells(qapp, monkeypatch):
    class Hints:
        scheme = Qt.ColorScheme.Light

        def colorScheme(self):
            return self.scheme

    hints = Hints()
    monkeypatch.setattr(type(qapp), "styleHints", lambda _app: hints)
    assert theme.named(qapp, "system") is theme.LIGHT
    hints.scheme = Qt.ColorScheme.Unknown
    assert theme.named(qapp, "system") is theme.DARK


def test_compact_rows_are_22_high_and_comfortable_ones_28_again(qtbot, qapp):
    view = QTableView()
    qtbot.addWidget(view)
    theme.set_rows(view)
    try:
        theme.apply(qapp, "dark", compact=True, still=True)
        assert view.verticalHeader().defaultSectionSize() == 22
        assert theme.motion_ms() == 0
    finally:
        theme.apply(qapp, "dark", compact=False, still=False)
    assert view.verticalHeader().defaultSectionSize() == 28
    assert theme.motion_ms(500) == 120
