"""What a node tells of its models, as lines; nothing it sends wrongly reaches the page."""

from dataclasses import replace

import pytest

from app.engine.fleet.health import Health
from app.engine.fleet.records import Node
from app.views.node_serving import ServingPart, bars_text, edges_of, histogram_text, line_of

SEEN = {
    "inference_count": 1204, "latency_p50_s": 3e-5, "latency_p99_s": 2e-3, "error_ratio": 0.0,
    "latency_us": {"33": 1000, "2500": 4, "42": 200},
}  # fmt: skip
NODE = Node("n", "d", "n", "x:1", state=Health.ONLINE, serving={"digits": SEEN})


@pytest.fixture
def part(qtbot):
    made = ServingPart()
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_line_tells_count_latency_errors_and_the_shape_of_the_histogram(part):
    part.show_node(NODE)
    line = part.lines[0]
    assert line.text() == "digits: 1,204 answers, p50 30\u2009µs, p99 2\u2009ms, 0\u2009% failed  █▂▁"
    assert line.accessibleDescription().splitlines() == [
        "up to 33\u2009µs: 1,000", "up to 42\u2009µs: 200", "up to 2.5\u2009ms: 4"
    ]  # fmt: skip
    assert [each.isVisibleTo(part) for each in part.lines] == [True] + 7 * [False]
    part.show_node(replace(NODE, serving={}))
    assert not part.isVisible()


@pytest.mark.parametrize(
    "told", [{}, {"latency_us": 3, "inference_count": "many"}, {"latency_us": {"x": 1, "9": "y", "nan": 2, "5": -1}, "error_ratio": True}]
)  # fmt: skip
def test_what_is_told_wrongly_is_a_dash(told):
    assert edges_of(told) == []
    assert line_of("m", told) == "m: 0 answers, p50 –, p99 –, – failed"


def test_bars_are_as_high_as_their_share():
    assert bars_text([]) == ""
    assert bars_text([8, 4, 1]) == "█▄▁"
    assert histogram_text([]) == ""
