"""Portfolio in whole lots: least risk for the return, w'Cw less the return weighed (Markowitz 1952, "Portfolio selection").

The budget is split into `lots` equal lots; the energy is (1 - a) * risk - a * return with a = `appetite` from 0 to 1.
Files: OR-Library's port: `assets`, then `mean deviation` per asset, then `i j correlation`; a table with the covariances; or a
table of prices or returns over time, from which both are estimated (see `series`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.engine.base.units import number_text, ratio_text, typed_text
from app.engine.qubo.problems import pictures, series
from app.engine.qubo.problems.base import Formulation, Kind, Penalty, Problem
from app.engine.qubo.problems.tables import Table, headings, is_numbers, numbers, shape
from app.engine.qubo.problems.terms import Terms, slack_bits, slack_weights

_LOTS = 8
_APPETITE = 0.5
# Published correlations are rounded to some digits.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Portfolio(Problem):
    """Expected returns (n,) and covariances (n, n); an answer is the number of lots per asset.

    `source` are facts of how both were estimated, when they were.
    """

    assets: tuple[str, ...]
    returns: NDArray[np.float64]
    covariance: NDArray[np.float64]
    lots: int = _LOTS
    appetite: float = _APPETITE
    name: str = ""
    source: tuple[tuple[str, str], ...] = ()
    kind = "portfolio"

    def formulate(self) -> Formulation:
        """Return risk less return, and a square for the budget; each asset's lots are written in bits."""
        n, share = len(self.assets), 1.0 / self.lots
        bits = slack_weights(self.lots)
        risk = (1 - self.appetite) * share * share * self.covariance
        gain = self.appetite * share * self.returns
        terms = Terms(n * len(bits))
        x = np.arange(terms.n).reshape(n, len(bits))
        size = np.array(bits, np.float64)
        cost = np.einsum("ij,k,l->ikjl", risk, size, size).reshape(terms.n, terms.n)
        low, high = np.triu_indices(terms.n, 1)
        terms.add(x, x, -gain[:, None] * size + np.diag(cost).reshape(x.shape))
        terms.add(low, high, (cost + cost.T)[low, high])
        # One lot more or less of one asset changes risk by at most 2 * lots + 1 covariances and return by one.
        weight = float((np.abs(risk).max(1) * (2 * self.lots + 1) + np.abs(gain)).max()) or 1.0
        terms.square(x.ravel(), np.tile(size, n), self.lots, weight)
        why = tr("the most that one lot can change risk and return: moving a lot mends the budget by one")
        return Formulation(terms.build(name=self.name), (Penalty(tr("all lots placed"), weight, why),))

    def place(self, sample: NDArray[np.int8], answer: Any) -> None:
        """Write the lots in bits."""
        bits = slack_weights(self.lots)
        sample[:] = np.array([slack_bits(int(lots), bits) for lots in answer], np.int8).ravel()

    def decode(self, sample: NDArray[np.int8]) -> list[int]:
        """Return the lots of each asset."""
        bits = np.array(slack_weights(self.lots))
        return [int(v) for v in sample.reshape(len(self.assets), -1).astype(np.int64) @ bits]

    def check(self, answer: Any) -> list[str]:
        """Return a complaint when not exactly all lots are placed."""
        return (
            [] if sum(answer) == self.lots else [tr("{placed} of {lots} lots are placed", placed=sum(answer), lots=self.lots)]
        )

    def shares(self, answer: Any) -> NDArray[np.float64]:
        """Return the share of each asset, 0 to 1."""
        return np.asarray(answer, np.float64) / self.lots

    def objective(self, answer: Any) -> float:
        """Return risk less return, weighed."""
        w = self.shares(answer)
        return float((1 - self.appetite) * (w @ self.covariance @ w) - self.appetite * (w @ self.returns))

    def terms(self, answer: Any) -> dict[str, float]:
        """Return figures beside the objective; see `Problem.terms`."""
        w = self.shares(answer)
        return {tr("return"): float(w @ self.returns), tr("risk"): float(np.sqrt(w @ self.covariance @ w))}

    def draw(self, answer: Any) -> pictures.Picture:
        """Return risk (standard deviation) against return: the frontier without lots, the assets, the choice and its shares."""
        from app.engine.qubo.domain.frontier import frontier

        curve = [[float(np.sqrt(risk)), gain] for gain, risk in frontier(self.returns, self.covariance, 25)]
        spread = np.sqrt(self.covariance.diagonal())
        assets = [[name, float(s), float(r)] for name, s, r in zip(self.assets, spread, self.returns, strict=True)]
        picture: pictures.Picture = {"type": "frontier", "curve": curve, "assets": assets, "chosen": None, "weights": []}
        if answer is not None:
            w = self.shares(answer)
            picture["chosen"] = [float(np.sqrt(w @ self.covariance @ w)), float(w @ self.returns)]
            picture["weights"] = [[self.assets[k], float(w[k])] for k in np.argsort(-w, kind="stable") if w[k] > 0]
        return picture

    def facts(self) -> list[tuple[str, str]]:
        """Return assets, lots, appetite."""
        return [(tr("assets"), str(len(self.assets))), (tr("lots"), str(self.lots)),
                (tr("weight of the return"), number_text(self.appetite, "g")),
                (tr("highest mean return"), number_text(self.returns.max(), "g")), *self.source]  # fmt: skip


def read(text: str, file: str) -> Portfolio:
    """Return the problem in `text`."""
    if not is_numbers(text):
        return _table(text, file)
    values, at = numbers(text, file)
    n = int(values[0])
    pairs = n * (n + 1) // 2
    if len(values) != 1 + 2 * n + 3 * pairs:
        raise BadInput("{file}, line {line}: {n} assets need {count} numbers, the file has {found}", field="file", file=file,
                       line=at[-1], n=n, count=1 + 2 * n + 3 * pairs, found=len(values))  # fmt: skip
    moments = np.array(values[1 : 1 + 2 * n]).reshape(n, 2)
    correlation = np.full((n, n), np.nan)
    for k, (i, j, value) in enumerate(np.array(values[1 + 2 * n :]).reshape(-1, 3)):
        line = at[1 + 2 * n + 3 * k]
        if not (1 <= i <= n and 1 <= j <= n) or abs(value) > 1 or not np.isnan(correlation[int(i) - 1, int(j) - 1]):
            raise BadInput("{file}, line {line}: expected two assets, each pair once, and a correlation from -1 to 1",
                           field="file", file=file, line=line)  # fmt: skip
        correlation[int(i) - 1, int(j) - 1] = correlation[int(j) - 1, int(i) - 1] = value
    if (moments[:, 1] < 0).any():
        line = at[2 + 2 * int(np.argmax(moments[:, 1] < 0))]
        raise BadInput("{file}, line {line}: a standard deviation is 0 or more", field="file", file=file, line=line)
    covariance = correlation * np.outer(moments[:, 1], moments[:, 1])
    if not _can_be(covariance):
        raise BadInput("{file}, line {line}: these are no correlations: a portfolio would have a negative risk", field="file",
                       file=file, line=at[1 + 2 * n])  # fmt: skip
    return Portfolio(tuple(str(k + 1) for k in range(n)), moments[:, 0], covariance, name=file)


def _can_be(covariance: NDArray[np.float64]) -> bool:
    """Tell whether no portfolio has a negative risk, but for rounding."""
    return float(np.linalg.eigvalsh(covariance).min()) >= -_ROUNDING * float(np.abs(covariance).max())


def _table(text: str, file: str) -> Portfolio:
    table = Table(text, file)
    if not {"asset", "return"} & set(table.columns):
        return _estimated(table, file)
    table.need("asset", "return")
    assets = table.names("asset")
    columns = [name.lower().replace(" ", "_") for name in assets]
    table.need(*columns)
    covariance = np.array([[row.real(name) for name in columns] for row in table])
    wrong = np.argwhere(np.abs(covariance - covariance.T) > 1e-12 + 1e-9 * np.abs(covariance))
    if len(wrong):
        i, j = (int(k) for k in wrong[0])
        raise table.bad(table.rows[max(i, j)][0].line,
                        "the covariances are not symmetric: {a} with {b} is {one}, {b} with {a} is {other}",
                        a=assets[i], b=assets[j], one=typed_text(covariance[i, j]),
                        other=typed_text(covariance[j, i]))  # fmt: skip
    if not _can_be(covariance):
        raise table.bad(table.rows[0][0].line, "these are no covariances: a portfolio would have a negative risk")
    return Portfolio(assets, np.array([row.real("return") for row in table]), covariance, *_wishes(table), file)


def _wishes(table: Table) -> tuple[int, float]:
    """Return lots and appetite, the last settings of a table."""
    lots = table.whole(table.setting("lots", str(_LOTS)), 1, 1024)
    appetite = table.real(table.setting("appetite", str(_APPETITE)), 0.0, 1.0)
    table.close()
    return lots, appetite


def _estimated(table: Table, file: str) -> Portfolio:
    """Return the portfolio of assets whose prices or returns are in `table`, row by row."""
    told = series.read(table)
    estimate = table.one_of("covariance", series.ESTIMATES, series.SHRUNK)
    mean, covariance, weight = series.moments(told.returns, estimate)
    held = {series.PRICES: tr("prices, returns from row to row"), series.RETURNS: tr("returns"),
            series.PERCENT: tr("returns in percent")}[told.meaning]  # fmt: skip
    if told.assumed:
        why = tr("all are above 0") if told.meaning == series.PRICES else tr("some are not above 0")
        held = tr("{what} (assumed: {why})", what=held, why=why)
    how = (
        tr("the sample's")
        if estimate == series.SAMPLE
        else tr("the sample's, drawn towards equal variances by {share} (Ledoit, Wolf 2004)", share=ratio_text(weight, ".1f"))
    )
    source = [(tr("values read as"), held), (tr("returns estimated from"), str(len(told.returns))),
              (tr("mean"), tr("that of the rows, per row")), (tr("covariance"), how)]  # fmt: skip
    if told.span:
        source.append((tr("from – to"), told.span))
    return Portfolio(told.assets, mean, covariance, *_wishes(table), file, tuple(source))


def recognise(text: str) -> bool:
    """Tell whether `text` is OR-Library's port, or a table of returns and covariances, or dated prices or returns."""
    rows = shape(text, 3)
    if is_numbers(text):
        return [len(row) for row in rows] == [1, 2, 2] and rows[1][1] is None
    return {"asset", "return"} <= headings(text) or series.recognise(text)


KIND = Kind(
    "portfolio", "Portfolio", "Weighs risk against return in whole lots, beside the efficient frontier.",
    "OR-Library port", read, recognise,
    "asset, return, then a covariance column per asset; or date, then a column of prices or returns per asset "
    "(lots = …, appetite = 0..1)",
    ("planes under the risk, with HiGHS", "efficient frontier"), series.perhaps,
)  # fmt: skip
