"""What came of a run or a comparison, in lines for a person at a command line; `--json` has all of it."""

import json
from collections.abc import Mapping
from typing import Any, Final

from app.engine.base.lines import aligned
from app.engine.base.text import tr
from app.engine.base.units import figure_text, ratio_text, span_text
from app.engine.qubo import solvers
from app.engine.qubo.comparisons.advantage import FEWEST_RUNS, too_few

_MOST_CHARS: Final = 120
_MOST_BROKEN: Final = 5
_NONE: Final = "–"

Told = Mapping[str, Any]


def solved(result: Told) -> str:
    """Return answer, verdict and bound, and a line for each route: solver, value, gap to the bound, feasible, why."""
    lines = [*_outcome(result), *([str(result["verdict"])] if result.get("verdict") else [])]
    routes = result.get("routes") or ([result] if result.get("solver") else [])
    if routes:
        head = (tr("Solver"), tr("Objective"), tr("Gap"), tr("Feasible"), tr("Time"), tr("Why"))
        lines += aligned([head, *(_route(row, result) for row in routes)])
    return "\n".join([*lines, *([tr("run {id}", id=result["id"])] if result.get("id") else [])])


def run(told: Told) -> str:
    """Return the title and the state of a run, and what came of it."""
    result = dict(told.get("result") or {})
    head = f"{told['title']}: {told['outcome']}"
    return "\n".join([head, solved({**result, "id": told["id"]})])


def compared(result: Told) -> str:
    """Return the verdict of a comparison and a line for each solver."""
    head = (tr("Solver"), tr("Setting"), tr("Success"), tr("TTT99"), tr("95 %"), tr("Gap"))
    rows = [
        (_called(row["solver"]), row["setting"], ratio_text(row["success"]), span_text(row["ttt99"]),
         f"{span_text(row['low'])} – {span_text(row['high'])}", ratio_text(row["gap"], ".2g"))
        for row in result["rows"]
    ]  # fmt: skip
    told = {"verdict": tr(result["verdict"]), "target": figure_text(result["target"])}
    if too_few(result):
        verdict = tr("verdict: {verdict}, fewer than {fewest} runs decide nothing; target {target}", fewest=FEWEST_RUNS, **told)
    else:
        sure = ratio_text(result["confidence"])
        verdict = tr("verdict: {verdict}, {confidence} sure; target {target}", confidence=sure, **told)
    return "\n".join([verdict, *aligned([head, *rows]), tr("run {id}", id=result["id"])])


def embedded(told: Told) -> str:
    """Return what laying a problem onto a device's graph takes, and what became of its chains."""
    lines = [
        tr("{topology} {size}: {used} of {qubits} qubits for {n} variables", topology=tr(told["topology"]), size=told["size"],
           used=told["used"], qubits=told["qubits"], n=told["n"]),
        tr("longest chain {longest}, mean {mean}; {method}", longest=told["longest"], mean=figure_text(told["mean"]),
           method=tr(str(told["method"]))),
        *([str(told["why"])] if told.get("why") else []),
    ]  # fmt: skip
    return "\n".join(lines)


def _outcome(result: Told) -> list[str]:
    if result.get("feasible") is False:
        broken = [f"  {one}" for one in (result.get("violations") or ())[:_MOST_BROKEN]]
        reason = [str(result["infeasible"])] if result.get("infeasible") else []
        return [tr("no answer; the nearest breaks:") if broken else tr("no answer"), *broken, *reason]
    if result.get("objective") is None:
        return []
    lines = [tr("objective {value}", value=figure_text(result["objective"]))]
    if not result.get("verified"):
        lines.append(tr("best so far, as the solver told it; not checked"))
    if result.get("answer") is not None:
        text = json.dumps(result["answer"], ensure_ascii=False)
        lines.append(tr("answer {answer}", answer=text if len(text) <= _MOST_CHARS else text[: _MOST_CHARS - 1] + "…"))
    if result.get("bound") is not None:
        told = {"bound": figure_text(result["bound"]), "by": _called(str(result.get("bound_by", "")))}
        lines.append(
            tr("proved best, by {by}", by=told["by"]) if result.get("proved") else tr("bound {bound}, by {by}", **told)
        )
    return lines


def _route(row: Told, result: Told) -> tuple[str, ...]:
    feasible = row.get("feasible", True if result.get("verified") else None)
    value, bound = row.get("objective"), result.get("bound")
    gap = None if value is None or bound is None else abs(value - bound) / max(abs(value), abs(bound), 1e-12)
    return (
        _called(str(row.get("solver") or row.get("route") or "")), _NONE if value is None else figure_text(value),
        ratio_text(gap, ".2g"), _NONE if row.get("why_not") or feasible is None else tr("yes") if feasible else tr("no"),
        span_text(row.get("wall_s")), str(row.get("why_not") or row.get("why") or ""),
    )  # fmt: skip


def _called(solver: str) -> str:
    return next((tr(card.title) for card in solvers.cards() if card.name == solver), tr(solver))
