"""A run or a trial as a file: JSON with everything, CSV for a spreadsheet, HTML with intervals drawn (inline SVG)."""

import csv
import html
import io
import json
from collections.abc import Mapping
from typing import Any, Final

from app.engine.base.errors import BadInput, Conflict
from app.engine.base.text import language, tr
from app.engine.base.units import number_text, ratio_text, span_text

_STYLE: Final = (
    "body{font:14px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{padding:.25em .8em;text-align:right;border-bottom:1px solid #ccc}"
    "td:first-child,th:first-child{text-align:left}"
)
_WIDTH_PX: Final = 640
_COLOURS: Final = ("#0366d6", "#d9480f", "#2b8a3e")


def render(document: dict[str, Any], ending: str) -> str:
    """Return the text of a run's `document` for ".json", ".csv" or ".html"; raises `BadInput` for another ending.

    Raises `Conflict` where there is no result that a table or a page could show.
    """
    if ending not in {".json", ".csv", ".html"}:
        raise BadInput("A report is written as .json, .csv or .html, not {ending}", field="file", ending=repr(ending))
    if ending == ".json":
        return json.dumps(document, indent=1, ensure_ascii=False, default=str) + "\n"
    if not document.get("result"):
        raise Conflict("{title} has no result to report", title=document.get("title", ""),
                       hint="As .json it is written with what is known of it.")  # fmt: skip
    return _table(document["result"]) if ending == ".csv" else _page(document)


def _table(result: dict[str, Any]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    laws = result.get("laws") or {}
    series = {name: values for name, values in (result.get("series") or {}).items() if isinstance(values, list)}
    if "per" in result:
        names = ("against", "effect", "low", "high", "p_holm", "wins_ratio", "verdict")
        writer.writerow(names)
        writer.writerows([one.get(name) for name in names] for one in result["per"])
    elif series:
        writer.writerow(series)
        writer.writerows(zip(*series.values(), strict=False))
    elif laws:
        figures = ("cost", "p99_s", "resource_ratio", "resizes_hz", "mean_size")
        writer.writerow(("law", *figures))
        writer.writerows([name, *(law.get(figure) for figure in figures)] for name, law in laws.items())
    else:
        told = result | {f"settings.{name}": value for name, value in (result.get("settings") or {}).items()}
        writer.writerow(("figure", "value"))
        writer.writerows((name, value) for name, value in told.items() if isinstance(value, (int, float, str)))
    return out.getvalue()


def _page(document: dict[str, Any]) -> str:
    result = document.get("result") or {}
    title = html.escape(str(document.get("title", "")))
    parts = [f"<h1>{title}</h1>"]
    laws, series = result.get("laws") or {}, result.get("series") or {}
    if "per" in result:
        parts += [_effects(result["per"]), intervals(result["per"]), _laws(laws), _weights(result), _notes(result)]
    else:
        plain = {name: value for name, value in result.items() if isinstance(value, (int, float, str))}
        parts.append(_rows([tr("Figure"), tr("Value")], [[name, _text(value)] for name, value in plain.items()]))
    sizes = {name: law["sizes"] for name, law in laws.items() if law.get("sizes")}
    if sizes:
        parts += [_laws(laws), f"<h2>{tr('Sizes')}</h2>", course(sizes)]
    for heading, names in (
        (tr("Target and size"), ("target", "size")),
        (tr("Queue"), ("queue",)),
        (tr("Wait in s"), ("wait_s",)),
    ):
        drawn = {name: series[name] for name in names if series.get(name)}
        if drawn:
            parts += [f"<h2>{heading}</h2>", course(drawn)]
    if result.get("actions"):
        parts.append(_actions(result["actions"]))
    return (
        f'<!doctype html><html lang="{language()}"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        + "".join(parts) + "</html>\n"
    )  # fmt: skip


def course(curves: dict[str, list[float]]) -> str:
    """Return an SVG with one line per curve over its place, from 0 to the largest value, which is written beside."""
    most = max([1e-9, *(float(value) for values in curves.values() for value in values)])
    lines = []
    for number, (name, values) in enumerate(curves.items()):
        step = (_WIDTH_PX - 120) / max(1, len(values) - 1)
        points = " ".join(f"{60 + step * k:.1f},{150 - 130 * float(value) / most:.1f}" for k, value in enumerate(values))
        colour = _COLOURS[number % len(_COLOURS)]
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
        place = 20 + 16 * number
        lines.append(f'<text x="{_WIDTH_PX - 56}" y="{place}" font-size="12" fill="{colour}">{html.escape(name)}</text>')
    frame = f'<path d="M60 16V150H{_WIDTH_PX - 60}" fill="none" stroke="#888"/>'
    axis = f'{frame}<text x="4" y="24" font-size="12">{number_text(most, ".3g")}</text>'
    zero = '<text x="48" y="154" font-size="12">0</text>'
    return f'<svg width="{_WIDTH_PX}" height="160" role="img">{axis}{zero}{"".join(lines)}</svg>'


def _weights(result: dict[str, Any]) -> str:
    """Return the effects for other weights of the 99th percentile against what is paid; nothing where none were tried."""
    rows = [
        [number_text(line["weight"], ".2f"), one["against"], _share(one["effect"]),
         _range(one)]
        for line in result.get("weights") or () for one in line["per"]
    ]  # fmt: skip
    return _rows([tr("Weight of the wait"), tr("Against"), tr("Effect"), tr("Interval")], rows) if rows else ""


def _actions(actions: list[dict[str, Any]]) -> str:
    heads = [tr("At s"), tr("From"), tr("Wanted"), tr("To"), tr("Reason")]
    rows = [
        [*(number_text(one[key], ".1f") for key in ("at_s", "before", "wanted", "after")), tr(str(one["reason"]))]
        for one in actions
    ]
    return f"<h2>{tr('Actions')}</h2>" + _rows(heads, rows)


def _effects(per: list[dict[str, Any]]) -> str:
    heads = [tr("Against"), tr("Effect"), tr("Interval"), tr("p (Holm)"), tr("Verdict")]
    rows = [
        [one["against"], _share(one["effect"]), _range(one),
         "–" if one["p_holm"] is None else number_text(one["p_holm"], ".4f"), tr(str(one.get("verdict", "")))]
        for one in per
    ]  # fmt: skip
    return _rows(heads, rows)


def _laws(laws: dict[str, dict[str, Any]]) -> str:
    heads = [tr("Law"), tr("Cost J"), tr("p99"), tr("Workers paid per needed"), tr("Changes per second"), tr("Mean size")]
    rows = [
        [name, number_text(law["cost"], ".3f"), span_text(law["p99_s"]),
         *(number_text(law[key], ".2f") if key in law else "–" for key in ("resource_ratio", "resizes_hz", "mean_size"))]
        for name, law in laws.items()
    ]  # fmt: skip
    return _rows(heads, rows)


def _notes(result: dict[str, Any]) -> str:
    if result.get("kind") == "measured":
        told = tr(
            "Measured on a real {resource}, {blocks} paired blocks in random order. J has the floor {floor}; an interval that "
            "reaches zero shows no improvement. p99 is the wait's.",
            resource=result.get("resource"), blocks=result.get("blocks"), floor=result.get("floor"),
        )  # fmt: skip
        return f"<p>{html.escape(told)}</p>"
    said = tr(
        "Simulated, {seeds} paired loads, load {load}. J has the floor {floor}. Effects are fractions of the peer's J; an "
        "interval that reaches zero shows no improvement. The same against the same: {aa}.",
        seeds=result.get("seeds"), load=result.get("load"), floor=result.get("floor"),
        aa=_share((result.get("aa") or {}).get("effect", 0.0)),
    )  # fmt: skip
    if (result.get("aa") or {}).get("tells_half_percent") is False:
        said += " " + tr("So few loads leave more than half a percent of that to chance.")
    parts = (said, picked_text(result), faster_text(result), recording_text(result))
    return f"<p>{html.escape(' '.join(filter(None, parts)))}</p>"


def faster_text(result: Mapping[str, Any]) -> str:
    """Say how many times faster or slower than recorded a trace was played, or nothing where it was not."""
    ratio = float(result.get("played_faster_ratio", 1.0))
    if ratio == 1:
        return ""
    if ratio < 1:
        return tr("The trace was played {ratio} times slower than it was recorded: the plant could not have served it.",
                  ratio=number_text(1 / ratio, ".3g"))  # fmt: skip
    return tr("The trace was played {ratio} times faster than it was recorded.", ratio=number_text(ratio, ".3g"))


def recording_text(result: Mapping[str, Any]) -> str:
    """Say what the intervals of a recording are over, or that it is too short for any; nothing of loads drawn anew."""
    count = result.get("windows")
    if count is None:
        return ""
    if count == 0:
        return tr("One recording is one sample, and this one is too short for an interval.")
    return tr("One recording is one sample: intervals are over {count} windows of it and cover no other day.", count=count)


def picked_text(result: Mapping[str, Any]) -> str:
    """Say which law the automatic model gave way to, or nothing where it stood by itself."""
    law = str((result.get("picked") or {}).get("law", ""))
    if not law or law == result.get("model"):
        return ""
    return tr("{model} gave way to {law}, which did better on the tuning loads.", model=result.get("model", ""), law=law)


def intervals(per: list[dict[str, Any]]) -> str:
    """Return an SVG with one line per peer: the interval as a bar, the effect as a dot, and zero as a rule."""
    reach = [bounds(one) for one in per]
    least, most = min([0.0, *(low for low, _high in reach)]), max([0.0, *(high for _low, high in reach)])
    span = (most - least) or 1.0

    def x(value: float) -> float:
        return 140 + (_WIDTH_PX - 160) * (value - least) / span

    lines = []
    for number, one in enumerate(per):
        y, (low, high) = 20 + 26 * number, reach[number]
        lines.append(
            f'<text x="4" y="{y + 4}" font-size="13">{html.escape(str(one["against"]))}</text>'
            f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}" stroke="#36c" stroke-width="4"/>'
            f'<circle cx="{x(one["effect"]):.1f}" cy="{y}" r="4" fill="#036"/>'
        )
    height = 30 + 26 * len(per)
    zero = f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="4" y2="{height - 4}" stroke="#888" stroke-dasharray="3 3"/>'
    return f'<svg width="{_WIDTH_PX}" height="{height}" role="img">{zero}{"".join(lines)}</svg>'


def _rows(heads: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{html.escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def bounds(one: Mapping[str, Any]) -> tuple[float, float]:
    """Return the ends of an effect's interval: the effect itself where it has none."""
    if one["low"] is None or one["high"] is None:
        return float(one["effect"]), float(one["effect"])
    return float(one["low"]), float(one["high"])


def _range(one: Mapping[str, Any]) -> str:
    return "–" if one["low"] is None else " … ".join(map(_share, bounds(one)))


def _share(value: float) -> str:
    return ratio_text(value, "+.1f")


def _text(value: float | str) -> str:
    return number_text(value, ".4g") if isinstance(value, float) else str(value)
