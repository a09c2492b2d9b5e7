"""What was understood of a problem, in lines for a person at a command line."""

from collections.abc import Mapping
from typing import Any

from app.engine.base.text import tr
from app.engine.base.units import count_text, number_text


def lines_of(told: Mapping[str, Any]) -> str:
    """Return the facts, the size as a QUBO with its penalties, conflicts and the problem's own method, a line each."""
    problem = told["problem"]
    lines = [f"{tr(problem['title'])}: {problem['name']}", *(f"  {label}: {value}" for label, value in problem["facts"])]
    if told.get("why_not"):
        lines.append(tr("for its own method only: {why}", why=told["why_not"]))
    else:
        lines.append(tr("as a QUBO: {size}", size=size_text(told)))
    lines += [
        "  " + tr("penalty {name}: {weight} ({why})", name=one["name"], weight=number_text(one["weight"], "g"), why=one["why"])
        for one in told.get("penalties", ())
    ]
    lines += [tr("also solved by {method}", method=tr(str(told["method"])))] if told.get("method") else []
    conflicts = told.get("conflicts") or ()
    lines.append(tr("■ Infeasible: {why}", why="; ".join(conflicts)) if conflicts else tr("counting finds no conflict"))
    return "\n".join([*lines, str(told["file"])])


def size_text(told: Mapping[str, Any]) -> str:
    """Return how many variables and couplings the QUBO of a problem has."""
    return ", ".join((
        tr("{count} variables", count=count_text(told["n"]), n=told["n"]),
        *([tr("{count} of them slack", count=count_text(told["slack"]))] if told["slack"] else ()),
        tr("{count} couplings", count=count_text(told["couplings"]), n=told["couplings"]),
    ))  # fmt: skip
