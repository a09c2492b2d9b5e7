import numpy as np
import pytest

from app.engine.qubo.comparisons.canvas import coverage
from app.engine.qubo.comparisons.typeface import typeface


def area(letter: str) -> float:
    """Return the signed area of an outline by the shoelace formula; holes count against it."""
    x0, y0, x1, y1 = typeface().glyph(letter).edges.T
    return abs(float((x0 * y1 - x1 * y0).sum() / 2))


@pytest.mark.parametrize("letter", ["o", "8", "M", "ü", "%", "∞"])
def test_what_is_inked_is_the_area_of_the_outline(letter: str) -> None:
    edges = typeface().glyph(letter).edges * 60 + [10, 30, 10, 30]
    assert len(edges) > 4
    assert coverage(edges, 100, 120).sum() / 60**2 == pytest.approx(area(letter), rel=0.02)


@pytest.mark.parametrize("weight", ["Regular", "Medium", "SemiBold"])
def test_contours_are_closed_and_letters_stand_side_by_side(weight: str) -> None:
    face = typeface(weight)
    for letter in "Angrömß–0189":
        edges = face.glyph(letter).edges
        np.testing.assert_allclose(np.sort(edges[:, :2], axis=0), np.sort(edges[:, 2:], axis=0))
    assert face.width("abc") == sum(face.width(letter) for letter in "abc")
    assert face.width("W") > face.width("i") > 0
    assert len(face.glyph(" ").edges) == 0


def test_a_letter_that_is_not_there_is_the_empty_box() -> None:
    np.testing.assert_array_equal(typeface().glyph("漢").edges, typeface().glyph("語").edges)


def test_the_window_reads_the_same_letters_as_wide(qapp) -> None:
    from PySide6.QtGui import QFont, QFontDatabase, QFontMetricsF

    from app.engine.qubo.comparisons.typeface import FONTS

    number = QFontDatabase.addApplicationFont(str(FONTS / "Inter-Regular.ttf"))
    font = QFont(QFontDatabase.applicationFontFamilies(number)[0])
    font.setPixelSize(100)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    for letter in "aMi8ß":
        assert QFontMetricsF(font).horizontalAdvance(letter) == pytest.approx(100 * typeface().width(letter), abs=1.0)
