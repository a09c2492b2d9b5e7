import csv
import io
import json
import xml.etree.ElementTree as ET

import pytest

from app.engine.base.errors import BadInput, Conflict
from app.engine.control.report import course, faster_text, intervals, render

PER = [
    {"against": "pid", "effect": 0.05, "low": 0.03, "high": 0.07, "p_holm": 0.0002, "wins_ratio": 0.9, "verdict": "better"},
    {
        "against": "<b>",
        "effect": -0.01,
        "low": -0.03,
        "high": 0.01,
        "p_holm": 0.4,
        "wins_ratio": 0.4,
        "verdict": "no improvement",
    },
]
LAW = {"cost": 2.4, "p99_s": 0.25, "resource_ratio": 1.3, "resizes_hz": 4.5}
TRIAL = {"per": PER, "laws": {"auto": LAW}, "seeds": 9, "load": "bursty", "floor": 2.0, "aa": {"effect": 0.001},
         "weights": [{"weight": 4.0, "per": PER}]}  # fmt: skip


def drawn(svg):
    return ET.fromstring(svg)


def test_a_trial_is_a_page_with_intervals_weights_and_what_it_rests_on():
    page = render({"title": "Trial <of> auto", "result": TRIAL}, ".html")
    assert "Trial &lt;of&gt; auto" in page
    assert "<b>" not in page
    assert "+5.0" in page
    assert page.count("<svg") == 1
    assert page.count("<table") == 3
    assert "9 paired loads" in page


def test_an_interval_that_reaches_zero_is_drawn_across_the_rule():
    found = drawn(intervals(PER)).findall("line")
    zero, better, none = found[0], found[1], found[2]
    assert float(better.get("x1")) > float(zero.get("x1"))
    assert float(none.get("x1")) < float(zero.get("x1")) < float(none.get("x2"))


def test_a_run_is_a_page_with_its_course_and_its_actions():
    series = {"at_s": [0.0, 0.1], "target": [2.0, 4.0], "size": [2.0, 3.0], "queue": [0.0, 1.0], "wait_s": [0.0, 0.02]}
    actions = [{"n": 1, "at_s": 0.1, "before": 2.0, "wanted": 4.0, "after": 3.0, "reason": "rate limit"}]
    page = render({"title": "run", "result": {"ticks": 2, "series": series, "actions": actions}}, ".html")
    assert page.count("<svg") == 3
    assert "rate limit" in page


def test_a_replay_draws_the_sizes_of_both_models():
    laws = {"auto": {**LAW, "sizes": [2.0, 3.0]}, "pid": {**LAW, "sizes": [2.0, 2.0]}}
    page = render({"title": "what if", "result": {"effect": 0.1, "laws": laws}}, ".html")
    assert page.count("<polyline") == 2


def test_a_course_lies_between_zero_and_its_largest_value():
    points = drawn(course({"size": [0.0, 5.0, 10.0]})).find("polyline").get("points").split()
    heights = [float(point.split(",")[1]) for point in points]
    assert heights == [150.0, 85.0, 20.0]


def test_tables_and_documents_hold_what_was_found():
    rows = list(csv.reader(io.StringIO(render({"result": TRIAL}, ".csv"))))
    assert rows[0][:2] == ["against", "effect"]
    assert rows[1][:2] == ["pid", "0.05"]
    assert json.loads(render({"result": TRIAL}, ".json"))["result"]["seeds"] == 9
    with pytest.raises(BadInput, match=r"\.json, \.csv or \.html"):
        render({}, ".txt")


def test_a_replay_and_a_tuning_are_tables_and_what_has_no_result_is_told():
    laws = {"auto": {**LAW, "mean_size": 9.5, "sizes": [2.0, 3.0]}, "pid": {**LAW, "sizes": [2.0, 2.0]}}
    rows = list(csv.reader(io.StringIO(render({"result": {"effect": 0.1, "laws": laws}}, ".csv"))))
    assert rows[0] == ["law", "cost", "p99_s", "resource_ratio", "resizes_hz", "mean_size"]
    assert rows[1:] == [["auto", "2.4", "0.25", "1.3", "4.5", "9.5"], ["pid", "2.4", "0.25", "1.3", "4.5", ""]]
    tuned = {"accepted": True, "law": "pid", "settings": {"gain": 0.5}, "costs": [2.0, 1.0]}
    rows = list(csv.reader(io.StringIO(render({"result": tuned}, ".csv"))))
    assert rows == [["figure", "value"], ["accepted", "True"], ["law", "pid"], ["settings.gain", "0.5"]]
    for ending in (".csv", ".html"):
        with pytest.raises(Conflict, match="a run has no result to report"):
            render({"title": "a run", "result": None}, ending)
    assert json.loads(render({"title": "a run", "result": None}, ".json"))["result"] is None


def test_a_trace_that_was_played_faster_is_told_so():
    assert faster_text({"played_faster_ratio": 78.25}) == "The trace was played 78.2 times faster than it was recorded."
    assert "5 times slower" in faster_text({"played_faster_ratio": 0.2})
    assert faster_text({"played_faster_ratio": 1.0}) == faster_text({}) == ""
