from datetime import UTC, datetime

import pytest

from app.engine.base.text import use_language
from app.engine.base.units import bytes_text, clock_text, count_text, number_text, ratio_text, span_text, time_text, use_zone


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
    assert [ratio_text(one, ".2g").replace("\u2009", " ") for one in (1.0, 35.2, 0.9951, 0.00412)] == [
        "100 %", "3,520 %", "100 %", "0.41 %",
    ]  # fmt: skip
    assert ratio_text(None) == "–"


@pytest.fixture
def _restored():
    yield
    use_language("en")
    use_zone("utc")


@pytest.mark.usefixtures("_restored")
def test_signs_follow_the_language():
    assert (count_text(1_234_567), number_text(0.5, ".2f")) == ("1,234,567", "0.50")
    use_language("de")
    assert (count_text(1_234_567), number_text(0.5, ".2f")) == ("1.234.567", "0,50")
    assert [span_text(3.41).replace("\u2009", " "), bytes_text(1536).replace("\u2009", " ")] == ["3,4 s", "1,5 KiB"]


@pytest.mark.usefixtures("_restored")
def test_times_of_day_are_utc_or_local_and_say_so():
    at_us = 1_700_000_000_000_000  # 2023-11-14T22:13:20Z
    assert (clock_text(at_us), time_text(at_us), time_text(0)) == ("22:13:20 UTC", "2023-11-14 22:13:20Z", "–")
    use_zone("local")
    local = datetime.fromtimestamp(at_us / 1e6, UTC).astimezone()
    assert (clock_text(at_us), time_text(at_us)) == (f"{local:%H:%M:%S %Z}", f"{local:%Y-%m-%d %H:%M:%S}")
