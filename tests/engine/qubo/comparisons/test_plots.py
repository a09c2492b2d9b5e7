import xml.etree.ElementTree as ET

from app.engine.qubo.comparisons.canvas import Line, Words, as_svg
from app.engine.qubo.comparisons.plots import COLORS, SIZE, medians, shares


def lines(marks):
    return [mark for mark in marks if isinstance(mark, Line) and mark.color in COLORS]


def test_shares_are_a_step_line_per_solver(result) -> None:
    drawn = lines(shares(result))
    assert len(drawn) == len(result["rows"])
    root = ET.fromstring(as_svg(shares(result), *SIZE))
    assert sum(node.tag == "path" and node.get("stroke") in COLORS for node in root) == len(drawn)
    hits = sum(time is not None for time in result["rows"][0]["times"])
    top = min(y for _, y in drawn[0].points)
    bottom = max(y for _, y in drawn[0].points)
    assert bottom - top == (SIZE[1] - 50) * hits / len(result["rows"][0]["times"])


def test_every_step_runs_along_an_axis_and_inside_the_frame(result) -> None:
    for marks in (shares(result), medians(result)):
        for line in lines(marks):
            for (x0, y0), (x1, y1) in zip(line.points[:-1], line.points[1:], strict=True):
                assert x0 == x1 or y0 == y1
            assert all(0 <= x <= SIZE[0] and 0 <= y <= SIZE[1] for x, y in line.points)


def test_medians_end_at_the_middle_of_what_the_runs_found(result) -> None:
    row = result["rows"][0]
    course = result["median_course"][row["label"]]
    assert course[-1] == [result["seconds"], -sorted(row["energies"])[len(row["energies"]) // 2]]
    values = [value for _, value in course]
    assert values == sorted(values)


def test_a_comparison_without_courses_has_no_medians(result) -> None:
    assert medians({**result, "median_course": {}}) == []
    told = [mark.text for mark in medians(result) if isinstance(mark, Words)]
    assert {row["label"] for row in result["rows"]} <= set(told)
