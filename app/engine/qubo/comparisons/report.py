"""A comparison as one HTML page without script and without anything from elsewhere, its curves drawn as SVG."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from app.engine.base.text import language, tr
from app.engine.base.units import number_text, ratio_text

_COLORS = ("#2f6fde", "#d9822b", "#3a9b6b", "#a44fb5", "#c4413a", "#6b7280")
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 720, 320, 56, 40
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}"
    "table{border-collapse:collapse;width:100%}th,td{padding:.35rem .6rem;border-bottom:1px solid #d5dae2;text-align:right}"
    "th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left}.verdict{font-size:1.3rem;font-weight:600}"
    "figure{margin:1.5rem 0}figcaption,.muted{color:#5b6675}"
)


def verdict_text(result: Mapping[str, Any]) -> str:
    """Return the verdict in one sentence."""
    first = result["rows"][0]["label"]
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
    when = datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    parts = [
        "<!doctype html>", f'<html lang="{language()}"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        f"<style>{_STYLE}</style></head><body>", f"<h1>{escape(title)}</h1>", f'<p class="muted">{when}</p>',
        f'<p class="verdict">{escape(verdict_text(result))}</p>', f"<p>{escape(_views(result))}</p>", _table(result["rows"]),
        f"<figure>{curves(result)}<figcaption>{escape(_caption(result))}</figcaption></figure>",
        f"<p>{escape(_method(result))}</p>", _tuning(result.get("tuning") or ()), "</body></html>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _views(result: Mapping[str, Any]) -> str:
    names = {"wall": tr("equal wall time"), "cost": tr("equal cost (CPU seconds)")}
    return " ".join(
        tr("At {view}: {verdict}, {low} to {high} times.", view=names[name], verdict=view["verdict"],
           low=_figure(view["low"]), high=_figure(view["high"]))
        for name, view in result["views"].items()
    )  # fmt: skip


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    head = (
        tr("Solver"),
        tr("Setting"),
        tr("Success"),
        tr("TTT99 (s)"),
        tr("95 % interval (s)"),
        tr("CPU s per success"),
        tr("Gap"),
    )
    cells = [
        (
            row["solver"], row["setting"], ratio_text(row["success"]), _figure(row["ttt99"]),
            f"{_figure(row['low'])} – {_figure(row['high'])}", _figure(row["cost_per_success"]), ratio_text(row["gap"], ".3f"),
        )
        for row in rows
    ]  # fmt: skip
    top = "".join(f"<th>{escape(word)}</th>" for word in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(word)}</td>" for word in row) + "</tr>" for row in cells)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def curves(result: Mapping[str, Any]) -> str:
    """Return the share of runs that reached the target over time (log scale), a step line per solver, as SVG."""
    most = float(result["seconds"])
    hits = [time for row in result["rows"] for time in row["times"] if time]
    least = min([*hits, most / 10]) * 0.8

    def x(time_s: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - 10) * math.log(max(time_s, least) / least) / math.log(most / least)

    def y(share: float) -> float:
        return 10 + (_HEIGHT - _BOTTOM - 10) * (1 - share)

    out = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" font-family="system-ui" font-size="12">']
    for share in (0.0, 0.5, 1.0):
        out.append(f'<line x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{y(share):.1f}" y2="{y(share):.1f}" stroke="#d5dae2"/>')
        out.append(f'<text x="{_LEFT - 6}" y="{y(share) + 4:.1f}" text-anchor="end">{ratio_text(share)}</text>')
    out.extend(
        f'<text x="{x(10.0**power):.1f}" y="{_HEIGHT - 20}" text-anchor="middle">{number_text(10.0**power, "g")} s</text>'
        for power in range(math.ceil(math.log10(least)), math.floor(math.log10(most)) + 1)
    )
    for k, row in enumerate(result["rows"]):
        color, times = _COLORS[k % len(_COLORS)], sorted(time for time in row["times"] if time)
        path, share = f"M{_LEFT} {y(0):.1f}", 0.0
        for time in times:
            path += f"H{x(time):.1f}"
            share += 1 / len(row["times"])
            path += f"V{y(share):.1f}"
        out.append(f'<path d="{path}H{_WIDTH - 10}" fill="none" stroke="{color}" stroke-width="2"/>')
        out.append(f'<text x="{_LEFT + 8}" y="{24 + 16 * k}" fill="{color}">{escape(row["label"])}</text>')
    return "".join(out) + "</svg>"


def _caption(result: Mapping[str, Any]) -> str:
    return tr(
        "Share of {runs} runs that reached {target} over wall time; measured.",
        runs=result["runs"],
        target=_figure(result["target"]),
    )


def _method(result: Mapping[str, Any]) -> str:
    return tr(
        "{name}: {n} variables, {edges} couplings. {runs} seeds, {seconds} s each, one thread, the solvers in turns. Target "
        "{target}, gaps from {reference} ({kind}). TTT99 is ln(100) times the time spent per success; the interval is a "
        "bootstrap over the runs; runs that ended before the target count as censored. Every energy was summed again from the "
        "coefficients. All solvers are classical. Seed {seed}, solvers' version {version}, {machine}.",
        name=result["name"], n=result["n"], edges=result["edges"], runs=result["runs"], seconds=result["seconds"],
        target=_figure(result["target"]), reference=_figure(result["reference"]), kind=result["reference_kind"],
        seed=result["seed"], version=result["version"], machine=result["machine"]["processor"],
    )  # fmt: skip


def _tuning(tried: Sequence[Mapping[str, Any]]) -> str:
    if not tried:
        return ""
    told = "".join(
        f"<li>{escape(one['label'])}: {_figure(one['mean_objective'])}{' ✓' if one['taken'] else ''}</li>" for one in tried
    )
    return f"<p>{escape(tr('Settings tried first, on seeds of their own (mean objective):'))}</p><ul>{told}</ul>"


def _figure(value: float | None) -> str:
    if value is None:
        return "∞"
    return number_text(value, ",.0f" if float(value).is_integer() and abs(value) < 1e15 else ".4g")
