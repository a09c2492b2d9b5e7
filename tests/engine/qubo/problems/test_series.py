"""Prices and returns over time: what is read of them, how the moments are estimated, and what is refused with its line."""

import numpy as np
import pytest

from app.engine.base.contracts import never, silent
from app.engine.base.errors import BadInput
from app.engine.qubo.problems import registry, series
from app.engine.qubo.problems.tables import Table
from app.engine.qubo.problems.work import solve

PRICES = "date,Grid,Water\n2025-01-31,100,50\n2025-02-28,110,49\n2025-03-31,99,51.45\n2025-04-30,108.9,50\n"
SHOWN = registry.SAMPLES / "portfolio-prices.csv"


def read(text):
    return series.read(Table(text, "f"))


def facts(text):
    return dict(registry.read(text, "f").facts())


def test_prices_become_the_returns_from_row_to_row():
    told = read(PRICES)
    assert (told.assets, told.meaning, told.assumed) == (("Grid", "Water"), "prices", True)
    np.testing.assert_allclose(told.returns, [[0.1, -0.02], [-0.1, 0.05], [0.1, 50 / 51.45 - 1]])


def test_rows_from_the_newest_to_the_oldest_say_the_same():
    head, *rows = PRICES.splitlines()
    np.testing.assert_allclose(read("\n".join([head, *rows[::-1]])).returns, read(PRICES).returns)
    assert read("\n".join([head, *rows[::-1]])).span == "2025-01-31 – 2025-04-30"


@pytest.mark.parametrize("text", [
    "Grid,Water\n0.1,-0.02\n-0.1,0.05\n0.1,0\n",
    "Grid\tWater\n10 %\t-2 %\n-10%\t5%\n10%\t0%\n",
    "series = percent\nGrid Water\n10 -2\n-10 5\n10 0\n",
    "series = returns\nday;Grid;Water\nMon;0.1;-0.02\nTue;-0.1;0.05\nWed;0.1;0\n",
])  # fmt: skip
def test_returns_are_read_with_or_without_dates_and_as_percent(text):
    assert registry.kind_of(text, "f") == "portfolio"
    np.testing.assert_allclose(read(text).returns, [[0.1, -0.02], [-0.1, 0.05], [0.1, 0]])


def test_the_sample_covariance_is_the_one_of_numpy_and_says_so():
    text = "covariance = sample\n" + PRICES
    problem = registry.read(text, "f")
    np.testing.assert_allclose(problem.covariance, np.cov(read(PRICES).returns.T))
    np.testing.assert_allclose(problem.returns, read(PRICES).returns.mean(axis=0))
    assert facts(text)["covariance"] == "the sample's"
    assert facts(text)["values read as"] == "prices, returns from row to row (assumed: all are above 0)"


def test_the_shrunk_covariance_is_the_published_formula_summed_row_by_row():
    rng = np.random.default_rng(3)
    returns = rng.standard_normal((12, 5)) @ rng.standard_normal((5, 5))
    rows = returns - returns.mean(axis=0)
    sample = sum(np.outer(x, x) for x in rows) / len(rows)
    level = np.trace(sample) / 5
    distance = np.linalg.norm(sample - level * np.eye(5)) ** 2
    noise = sum(np.linalg.norm(np.outer(x, x) - sample) ** 2 for x in rows) / len(rows) ** 2
    weight = min(noise, distance) / distance
    _, covariance, told = series.moments(returns, "shrunk")
    assert 0 < weight < 1
    assert told == pytest.approx(weight)
    np.testing.assert_allclose(covariance, weight * level * np.eye(5) + (1 - weight) * sample)


def test_a_shrunk_covariance_is_nearer_to_the_truth_than_the_sample_where_rows_are_few():
    rng = np.random.default_rng(5)
    truth = np.diag([1.0, 2.0, 1.5, 1.0, 0.5, 1.2, 0.8, 1.1])
    errors = np.zeros(2)
    for _ in range(50):
        returns = rng.standard_normal((10, 8)) @ np.sqrt(truth)
        errors += [np.linalg.norm(series.moments(returns, how)[1] - truth) for how in ("shrunk", "sample")]
    assert errors[0] < 0.7 * errors[1]


def test_few_rows_of_many_assets_still_give_a_covariance_that_can_be():
    rng = np.random.default_rng(6)
    text = ",".join(f"a{k}" for k in range(12)) + "\n" + "\n".join(
        ",".join(f"{v:.6f}" for v in row) for row in 0.01 * rng.standard_normal((4, 12))
    )  # fmt: skip
    assert np.linalg.eigvalsh(registry.read(text, "f").covariance).min() > 0


def test_a_file_of_prices_is_solved_and_drawn_beside_its_frontier():
    result = solve({"file": str(SHOWN), "seconds": 0.4}, 0, silent, never)
    assert (result["problem"]["kind"], result["feasible"]) == ("portfolio", True)
    picture = result["picture"]
    assert (picture["type"], len(picture["curve"]), len(picture["assets"])) == ("frontier", 25, 5)
    told = dict(map(tuple, result["problem"]["facts"]))
    assert told["returns estimated from"] == "36"
    assert "Ledoit, Wolf 2004" in told["covariance"]
    assert told["from – to"] == "2022-12-28 – 2025-12-28"


@pytest.mark.parametrize("text, told", [
    (PRICES.replace("49", ""), "f, line 3: a value is missing"),
    (PRICES.replace("49", "n/a"), "f, line 3: expected a finite number, found 'n/a'"),
    (PRICES.replace("49", "49,1"), "f, line 3: expected 3 values, found 4"),
    (PRICES.replace("49", "inf"), "f, line 3: expected a finite number"),
    (PRICES.replace("Water", "grid"), "f, line 1: two columns are called grid"),
    (PRICES.replace("2025-03-31", "2025-01-31"), "f, line 4: 2025-01-31 stands already on line 2"),
    (PRICES.replace("2025-03-31", "2025-01-30"), "f, line 4: 2025-01-30 is out of order among the dates"),
    ("series = prices\n" + PRICES.replace("49", "0"), "f, line 4: a price is above 0; that of Water is not"),
    (PRICES.replace("49", "-49"), "f, line 3: Water loses more than all"),
    ("series = stocks\n" + PRICES, "f, line 1: series is one of prices, returns, percent, not 'stocks'"),
    ("covariance = best\n" + PRICES, "f, line 1: covariance is one of shrunk, sample, not 'best'"),
    ("problem = portfolio\n" + "\n".join(PRICES.splitlines()[:3]), "f, line 4: a covariance takes 3 rows at least; there are 2"),
    ("problem = portfolio\ndate\n2025-01-31\n", "f, line 2: there is no column of an asset beside the dates"),
    ("problem = portfolio\ndate,Grid\n", "f, line 1: the table has no rows"),
])  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text, told):
    with pytest.raises(BadInput) as caught:
        registry.read(text, "f")
    assert str(caught.value).startswith(told)
