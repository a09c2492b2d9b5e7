import struct

import pytest

from app.engine.base.text import read_catalogue, use_catalogue
from app.engine.qubo.comparisons import report
from app.engine.qubo.comparisons.canvas import Words
from app.engine.qubo.comparisons.report import page, picture, verdict_text
from app.engine.qubo.comparisons.settings import Setting, facts
from app.engine.qubo.comparisons.typeface import typeface


def test_a_page_holds_verdict_rows_and_curves_and_nothing_foreign(result) -> None:
    html = page("<b>torus</b>", result, 0)
    assert "1970-01-01T00:00:00Z" in html
    assert "&lt;b&gt;torus" in html
    assert "<b>torus" not in html
    assert "<script" not in html
    assert "http" not in html
    for row in result["rows"]:
        assert row["solver"] in html
    assert "bootstrap" in html


def test_the_same_on_one_sheet_is_a_picture(result) -> None:
    made = picture("torus", result, 0)
    width, height = struct.unpack(">II", made[16:24])
    assert made.startswith(b"\x89PNG\r\n")
    assert (width, height > 1400) == (1720, True)
    bare = picture("torus", {**result, "median_course": {}}, 0)
    assert struct.unpack(">I", bare[20:24])[0] < height - 500


def test_every_verdict_has_a_sentence(result) -> None:
    said = [verdict_text({**result, "runs": 15, "verdict": word}) for word in ("yes", "no", "undecided")]
    assert [text.split()[0] for text in said] == ["Yes:", "No:", "Undecided:"]
    assert said[2].endswith("confidence at most).")


def test_few_runs_are_said_to_decide_nothing_with_no_word_on_confidence(result) -> None:
    assert (result["runs"], result["verdict"], result["confidence"]) == (5, "undecided", 0.5)
    assert verdict_text(result) == "Undecided: fewer than 15 runs decide nothing, and these were 5."


@pytest.mark.parametrize("words", [{}, read_catalogue("de")])
def test_the_typeface_has_every_letter_of_the_picture(result, monkeypatch, words) -> None:
    sheets = []
    monkeypatch.setattr(report, "as_png", lambda marks, *_: sheets.append(marks) or b"")
    tried = {**facts(Setting("dwave-sa", {"sweeps": 10})), "mean_time_s": 0.1, "mean_objective": 7.0, "left_out": False}
    tuning = [{**tried, "taken": True}, {**tried, "taken": False}, {**tried, "taken": False, "left_out": True}]
    use_catalogue(words)
    try:
        picture("torus", {**result, "tuning": tuning}, 0)
    finally:
        use_catalogue({})
    letters = {letter for mark in sheets[0] if isinstance(mark, Words) for letter in mark.text}
    assert len(letters) > 40
    assert [letter for letter in letters if ord(letter) not in typeface()._numbers] == []


def test_solvers_that_never_reach_the_target_are_drawn_too(result) -> None:
    rows = [{**row, "times": [None] * 5, "ttt99": None, "low": None, "high": None} for row in result["rows"]]
    assert "never" in page("none", {**result, "rows": rows}, 0)
