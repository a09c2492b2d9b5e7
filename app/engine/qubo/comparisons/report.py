"""A comparison as one HTML page without script and without anything from elsewhere, and the same on one sheet as a PNG."""

import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from app.engine.base.text import language, tr
from app.engine.base.units import count_text, number_text, ratio_text
from app.engine.qubo import solvers
from app.engine.qubo.comparisons import plots
from app.engine.qubo.comparisons.advantage import FEWEST_RUNS, too_few
from app.engine.qubo.comparisons.canvas import INK, MUTED, Line, Mark, Words, as_png, as_svg, moved

_SHEET, _MARGIN, _LETTER = 860, 48, 0.53
# Where the columns of the table begin, or from the third on end.
_COLUMNS = (0.0, 150.0, 370.0, 450.0, 580.0, 700.0, 764.0)
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}"
    "table{border-collapse:collapse;width:100%}th,td{padding:.35rem .6rem;border-bottom:1px solid #d5dae2;text-align:right}"
    "th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left}.verdict{font-size:1.3rem;font-weight:600}"
    "figure{margin:1.5rem 0}figcaption,.muted{color:#5b6675}"
)


def verdict_text(result: Mapping[str, Any]) -> str:
    """Return the verdict in one sentence."""
    first = result["rows"][0]["label"]
    if too_few(result):
        return tr("Undecided: fewer than {fewest} runs decide nothing, and these were {runs}.", fewest=FEWEST_RUNS,
                  runs=result["runs"])  # fmt: skip
    sure = number_text(100 * result["confidence"], ".1f")
    factor = result["views"]["wall"]["factor"]
    told = {"first": first, "sure": sure, "factor": "–" if factor is None else number_text(factor, ".3g")}
    if result["verdict"] == "yes":
        return tr("Yes: {first} is faster than every other, {factor} times, with {sure} % confidence.", **told)
    if result["verdict"] == "no":
        return tr("No: {first} is slower than the best of the others, with {sure} % confidence.", **told)
    return tr("Undecided: these runs do not tell whether {first} is faster ({sure} % confidence at most).", **told)


def page(title: str, result: Mapping[str, Any], at_us: int) -> str:
    """Return the report as HTML."""
    parts = [
        "<!doctype html>", f'<html lang="{language()}"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        f"<style>{_STYLE}</style></head><body>", f"<h1>{escape(title)}</h1>", f'<p class="muted">{_when(at_us)}</p>',
        f'<p class="verdict">{escape(verdict_text(result))}</p>', f"<p>{escape(_views(result))}</p>", _table(result["rows"]),
        f"<p>{escape(own_words(result))}</p>" if own_words(result) else "",
        _figure_of(plots.shares(result), _caption(result)),
        _figure_of(plots.medians(result), _median_caption()),
        f"<p>{escape(_method(result))}</p>", _tuning(result.get("tuning") or ()), "</body></html>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def own_words(result: Mapping[str, Any]) -> str:
    """Return what the problem's own method did in the time of one run, and what it proved; empty without such a method."""
    own = result.get("own_method") or {}
    parts = []
    if own.get("best") is not None:
        said = tr(
            "The problem's own method ({name}) found {best} at equal time, {median} in its median of {runs} runs; the best "
            "median of the solvers lies {gap} from {reference}.",
            name=tr(own["method"]), best=_figure(own["best"]), median=_figure(own["median"]), runs=own["runs"],
            reference=_figure(result["reference"]), gap=_gap(min(row["gap"] for row in result["rows"])),
        )  # fmt: skip
        parts.append(said)
    if own.get("bound") is not None:
        told = {"bound": _figure(own["bound"]), "by": tr(own["bound_by"])}
        high = result["sense"] == "max"
        parts.append(tr("No answer is above {bound}: proved by {by}.", **told) if high else
                     tr("No answer is below {bound}: proved by {by}.", **told))  # fmt: skip
    return " ".join(parts)


def _when(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _views(result: Mapping[str, Any]) -> str:
    names = {"wall": tr("equal wall time"), "cost": tr("equal cost (CPU seconds)")}
    return " ".join(
        tr("At {view}: {verdict}, {low} to {high} times.", view=names[name], verdict=view["verdict"],
           low=_factor(view["low"]), high=_factor(view["high"]))
        for name, view in result["views"].items()
    )  # fmt: skip


def _cells(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the table of solvers as texts, its head first."""
    head = (
        tr("Solver"), tr("Setting"), tr("Success"), tr("TTT99 (s)"), tr("95 % interval (s)"),
        tr("CPU s per success"), tr("Gap"),
    )  # fmt: skip
    return [head] + [
        (
            row["solver"], _setting(row), ratio_text(row["success"]), _figure(row["ttt99"]),
            f"{_figure(row['low'])} – {_figure(row['high'])}", _figure(row["cost_per_success"]), _gap(row["gap"]),
        )
        for row in rows
    ]  # fmt: skip


def _setting(row: Mapping[str, Any]) -> str:
    """Return a row's setting, and what came of it where its sweeps were cut to what fits the budget."""
    least = row.get("least_sweeps")
    return tr("{setting}, cut to {sweeps}", setting=row["setting"], sweeps=count_text(least)) if least else str(row["setting"])


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    head, *cells = _cells(rows)
    top = "".join(f"<th>{escape(word)}</th>" for word in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(word)}</td>" for word in row) + "</tr>" for row in cells)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _figure_of(marks: Sequence[Mark], caption: str) -> str:
    return f"<figure>{as_svg(marks, *plots.SIZE)}<figcaption>{escape(caption)}</figcaption></figure>" if marks else ""


def _median_caption() -> str:
    return tr("Objective of the median run over wall time; measured.")


def picture(title: str, result: Mapping[str, Any], at_us: int) -> bytes:
    """Return the report as a PNG: verdict, table, curves and method on one sheet."""
    marks: list[Mark] = [
        Words(_MARGIN, 44, title[:90], 22, weight="SemiBold"), Words(_MARGIN, 64, _when(at_us), 12, MUTED),
    ]  # fmt: skip
    y = _paragraph(marks, verdict_text(result), 96, 16, weight="SemiBold")
    y = _paragraph(marks, _views(result), y + 6, 13)
    y = _grid(marks, _cells(result["rows"]), y + 10)
    y = _paragraph(marks, own_words(result), y + 4, 13) + 6 if own_words(result) else y
    for drawn, told in ((plots.shares(result), _caption(result)), (plots.medians(result), _median_caption())):
        if drawn:
            marks += moved(drawn, _MARGIN, y)
            y = _paragraph(marks, told, y + plots.SIZE[1] + 12, 12, color=MUTED) + 8
    y = _paragraph(marks, _method(result), y + 4, 12)
    tried = result.get("tuning") or ()
    if tried:
        y = _paragraph(marks, _tuning_words(), y + 4, 12)
    for one in tried:
        y = _paragraph(marks, _tried(one), y, 11, color=MUTED)
    return as_png(marks, _SHEET, round(y) + 20)


def _paragraph(marks: list[Mark], text: str, y: float, size: float, *, color: str = INK, weight: str = "Regular") -> float:
    """Add a text in lines that fit the sheet; returns where the next one begins."""
    for line in textwrap.wrap(text, round((_SHEET - 2 * _MARGIN) / size / _LETTER)):
        marks.append(Words(_MARGIN, y, line, size, color, weight=weight))
        y += 1.45 * size
    return y


def _grid(marks: list[Mark], rows: Sequence[Sequence[str]], y: float) -> float:
    """Add the table, texts to the left and figures to the right; returns where it ends."""
    for number, row in enumerate(rows):
        for k, (word, at) in enumerate(zip(row, _COLUMNS, strict=True)):
            marks.append(Words(_MARGIN + at, y + 14, word, 12, MUTED if number == 0 else INK, "start" if k < 2 else "end"))
        marks.append(Line([(_MARGIN, y + 21), (_SHEET - _MARGIN, y + 21)]))
        y += 24
    return y + 12


def _caption(result: Mapping[str, Any]) -> str:
    return tr(
        "Share of {runs} runs that reached {target} over wall time; measured.",
        runs=result["runs"],
        target=_figure(result["target"]),
    )


def _method(result: Mapping[str, Any]) -> str:
    simulated = ", ".join(solvers.simulated(row["solver"] for row in result["rows"]))
    on = (
        tr("All solvers are classical.")
        if not simulated
        else tr("Simulated: {names}; the others are classical.", names=simulated)
    )
    return tr(
        "{name}: {n} variables, {edges} couplings. {runs} seeds, {seconds} s each, one thread, the solvers in turns. Target "
        "{target}, gaps from {reference} ({kind}). TTT99 is ln(100) times the time spent per success; the interval is a "
        "bootstrap over the runs; runs that ended before the target count as censored. Every energy was summed again from the "
        "coefficients. {on} Seed {seed}, solvers' version {version}, {machine}.",
        name=result["name"], n=result["n"], edges=result["edges"], runs=result["runs"], seconds=result["seconds"],
        target=_figure(result["target"]), reference=_figure(result["reference"]), kind=tr(result["reference_kind"]),
        seed=result["seed"], version=result["version"], machine=result["machine"]["processor"], on=on,
    )  # fmt: skip


def _tuning(tried: Sequence[Mapping[str, Any]]) -> str:
    if not tried:
        return ""
    told = "".join(f"<li>{escape(_tried(one))}</li>" for one in tried)
    return f"<p>{escape(_tuning_words())}</p><ul>{told}</ul>"


def _tuning_words() -> str:
    return tr(
        "Settings tried first, on seeds of their own (mean time to the target, a miss counting twice, and mean objective):"
    )


def _tried(one: Mapping[str, Any]) -> str:
    """Return a setting that was tried; the one taken says so. Comparisons kept from before have no time."""
    time_s = f"{_figure(one['mean_time_s'])} s, " if "mean_time_s" in one else ""
    if one.get("left_out"):
        return tr("{label}: left out, it does not fit the budget", label=one["label"])
    told = f"{one['label']}: {time_s}{_figure(one['mean_objective'])}"
    return tr("{setting}, taken", setting=told) if one["taken"] else told


def _factor(value: float | None) -> str:
    return tr("any number of") if value is None else _figure(value)


def _gap(ratio: float) -> str:
    return ratio_text(ratio, ".3f" if abs(ratio) < 1 else ",.0f")


def _figure(value: float | None) -> str:
    if value is None:
        return tr("never")
    return number_text(value, ",.0f" if float(value).is_integer() and abs(value) < 1e15 else ".4g")
