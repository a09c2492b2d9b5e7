"""Claims in the window: met, unmet and not measured, each by shape, colour and word."""

from app.views.claims import ClaimsView

ROW = {"id": "a", "issue": 2, "promise": "Fast", "target": "< 1 s", "kind": "measured", "value": 0.5, "unit": "s", "interval": "",
       "peer": "theirs", "setting": "", "date": "2026-01-01", "verdict": "met"}  # fmt: skip


def test_claims_are_asked_for_once_and_told_with_their_verdicts(qtbot, full_window, start):
    rows = [
        ROW,
        {**ROW, "id": "b", "verdict": "unmet", "value": 2.0},
        {**ROW, "id": "f", "at_least": True},
        {**ROW, "id": "c", "verdict": "not measured", "value": None},
    ]
    start.answers["support.claims"] = {"claims": rows, "count": 4}
    view = ClaimsView(full_window.context)
    qtbot.addWidget(view)
    view.ask()
    view.ask()
    view.model.flush()
    assert start.names().count("support.claims") == 1
    told = [[column.write(view.model.record_at(row)) for column in view.model.columns[:4]] for row in range(4)]
    assert told == [
        ["Fast", "● met", "< 1 s", "0.5\u2009s"], ["Fast", "■ unmet", "< 1 s", "2\u2009s"],
        ["Fast", "● met", "< 1 s", "≥\u20090.5\u2009s"], ["Fast", "◌ not measured", "< 1 s", "–"]
    ]  # fmt: skip
