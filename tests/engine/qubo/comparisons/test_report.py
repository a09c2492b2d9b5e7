import xml.etree.ElementTree as ET

from app.engine.qubo.comparisons.report import curves, page, verdict_text


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


def test_curves_are_a_step_line_per_solver(result) -> None:
    root = ET.fromstring(curves(result))
    assert sum(node.tag == "path" for node in root) == len(result["rows"])


def test_every_verdict_has_a_sentence(result) -> None:
    said = [verdict_text({**result, "verdict": word}) for word in ("yes", "no", "undecided")]
    assert [text.split()[0] for text in said] == ["Yes:", "No:", "Undecided:"]


def test_solvers_that_never_reach_the_target_are_drawn_too(result) -> None:
    rows = [{**row, "times": [None] * 5, "ttt99": None, "low": None, "high": None} for row in result["rows"]]
    assert "∞" in page("none", {**result, "rows": rows}, 0)
