"""Claims: judged by their figures, unmet said as unmet, and the page is the one the table and the figures make."""

import pytest

from app.engine.base.errors import BadInput
from app.engine.observe import claims
from app.engine.observe.claims import judged, load, page, read_claims, written

ROW = '[[claim]]\nid = "a"\nissue = 2\npromise = "Fast"\nfigure = "speed"\ntarget = "< 10"\nunit = "%"\nkind = "measured"\nscale = 100\n'


@pytest.mark.parametrize(
    ("figures", "verdict", "value"),
    [
        ([], "not measured", None),
        ([{"figure": "speed", "value": 0.09}], "met", 9.0),
        ([{"figure": "speed", "value": 0.1}], "unmet", 10.0),
        ([{"figure": "speed", "value": None}], "unmet", None),
        ([{"figure": "speed", "value": 0.3, "date": "2026-01-01"}, {"figure": "speed", "value": 0.05, "date": "2025-01-01"}], "unmet", 30.0),
    ],
)  # fmt: skip
def test_a_claim_is_what_its_newest_figure_says(figures, verdict, value):
    (row,) = judged(read_claims(ROW), figures)
    assert (row.verdict, row.value) == (verdict, pytest.approx(value) if value is not None else None)


def test_the_page_says_unmet_provisional_interval_and_peer():
    figure = {
        "figure": "speed",
        "value": 0.2,
        "interval": [0.18, 0.24],
        "peer": "theirs",
        "date": "2026-01-01",
        "provisional": True,
    }
    told = page(judged(read_claims(ROW), [figure]))
    assert "| 2 | Fast | < 10 % | 20 % | 18 to 24 | measured | theirs | – | 2026-01-01, provisional | **unmet** |" in told
    assert "0 met, 1 unmet, 0 not measured." in told


def test_a_floor_is_told_as_one():
    figure = {"figure": "speed", "value": 0.2, "settings": {"at_least": True}}
    (row,) = judged(read_claims(ROW), [figure])
    assert row.at_least
    assert "| ≥ 20 % |" in page([row])


def test_a_ratio_over_a_peer_whose_median_run_missed_is_recorded_as_a_floor():
    figures = {figure["figure"]: figure for figure in load()[1]}
    floors = set()
    for name, figure in figures.items():
        head, found, _ = name.partition(": time to 0.3 % gap, ")
        counted = name.endswith("as its reads all missed")  # a bound from the count of misses: no floor of a budget
        if found and "peer over ours" in name and not counted and figures[f"{head}{found}{figure['peer']}"]["value"] is None:
            floors.add(name)
    assert "torus 5000: time to 0.3 % gap, tuned peer over ours" in floors
    assert all(figures[name]["settings"].get("at_least") for name in floors)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[claim]\n", "claims.toml: "), (ROW + ROW, "twice"), (ROW.replace("< 10", "about 10"), "claim a: needs a target"),
        (ROW.replace("measured", "felt"), "kind"), (ROW + 'colour = "red"\n', "unknown field colour"),
        (ROW.replace("issue = 2\n", ""), "issue"), (ROW.replace("< 10", "< ten"), "claim a"),
    ],
)  # fmt: skip
def test_a_malformed_table_says_which_claim_and_why(text, reason):
    with pytest.raises(BadInput, match=reason):
        read_claims(text)


def test_the_page_in_docs_is_the_one_the_table_and_the_figures_make():
    assert (claims.REPO / "docs" / "claims.md").read_text("utf-8") == page(judged(*load()))


def test_a_figure_is_never_written_with_an_exponent():
    assert [written(value) for value in (0.0067, 9999.4, 13358.0, 1_000_000.0)] == ["0.0067", "9999", "13358", "1000000"]


def test_the_promises_of_the_first_two_issues_are_there():
    rows, _figures = load()
    assert {claim.issue for claim in rows} >= {2, 3}
    assert len(rows) >= 16
