import pytest

from app.engine.base.units import bytes_text, ratio_text, span_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3.4e-7, "0 µs"), (4.2e-5, "42 µs"), (0.0034, "3.4 ms"), (0.25, "250 ms"), (3.41, "3.4 s"), (59, "59 s"), (300, "5 min"),
     (7200, "2 h"), (3 * 86400, "3 d"), (None, "–"), (float("nan"), "–")],
)  # fmt: skip
def test_a_span_has_the_unit_that_suits_it(seconds, text):
    assert span_text(seconds).replace("\u2009", " ") == text


def test_bytes_and_ratios():
    told = [bytes_text(n).replace("\u2009", " ") for n in (0, 1023, 1536, 41 * 2**20, 2**41)]
    assert told == ["0 B", "1023 B", "1.5 KiB", "41 MiB", "2.0 TiB"]
    assert ratio_text(0.417).replace("\u2009", " ") == "42 %"
    assert ratio_text(None) == "–"
