import struct

from app.engine.qubo.comparisons.report import page, picture, verdict_text


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
    said = [verdict_text({**result, "verdict": word}) for word in ("yes", "no", "undecided")]
    assert [text.split()[0] for text in said] == ["Yes:", "No:", "Undecided:"]


def test_solvers_that_never_reach_the_target_are_drawn_too(result) -> None:
    rows = [{**row, "times": [None] * 5, "ttt99": None, "low": None, "high": None} for row in result["rows"]]
    assert "never" in page("none", {**result, "rows": rows}, 0)
