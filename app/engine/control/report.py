"""A run or a trial as a file: JSON with everything, CSV for a spreadsheet, HTML with intervals drawn (inline SVG)."""

import csv
import html
import io
import json
from typing import Any, Final

from app.engine.base.errors import BadInput
from app.engine.base.text import language, tr
from app.engine.base.units import number_text, ratio_text, span_text

_STYLE: Final = (
    "body{font:14px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{padding:.25em .8em;text-align:right;border-bottom:1px solid #ccc}"
    "td:first-child,th:first-child{text-align:left}"
)
_WIDTH_PX: Final = 640


def render(document: dict[str, Any], ending: str) -> str:
    """Return the text of a run's `document` for ".json", ".csv" or ".html"; raises `BadInput` for another ending."""
    if ending == ".json":
        return json.dumps(document, indent=1, ensure_ascii=False, default=str) + "\n"
    if ending == ".csv":
        return _table(document.get("result") or {})
    if ending == ".html":
        return _page(document)
    raise BadInput("A report is written as .json, .csv or .html, not {ending}", field="file", ending=repr(ending))


def _table(result: dict[str, Any]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if "per" in result:
        names = ("against", "effect", "low", "high", "p_holm", "wins_ratio", "verdict")
        writer.writerow(names)
        writer.writerows([one.get(name) for name in names] for one in result["per"])
    else:
        series = {name: values for name, values in (result.get("series") or {}).items() if isinstance(values, list)}
        writer.writerow(series)
        writer.writerows(zip(*series.values(), strict=False))
    return out.getvalue()


def _page(document: dict[str, Any]) -> str:
    result = document.get("result") or {}
    title = html.escape(str(document.get("title", "")))
    parts = [f"<h1>{title}</h1>"]
    if "per" in result:
        parts += [_effects(result["per"]), intervals(result["per"]), _laws(result.get("laws") or {}), _notes(result)]
    else:
        plain = {name: value for name, value in result.items() if isinstance(value, (int, float, str))}
        parts.append(_rows([tr("Figure"), tr("Value")], [[name, _text(value)] for name, value in plain.items()]))
    return (
        f'<!doctype html><html lang="{language()}"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        + "".join(parts) + "</html>\n"
    )  # fmt: skip


def _effects(per: list[dict[str, Any]]) -> str:
    heads = [tr("Against"), tr("Effect"), tr("Interval"), tr("p (Holm)"), tr("Verdict")]
    rows = [
        [one["against"], _share(one["effect"]), f"{_share(one['low'])} … {_share(one['high'])}",
         number_text(one["p_holm"], ".4f"), str(one.get("verdict", ""))]
        for one in per
    ]  # fmt: skip
    return _rows(heads, rows)


def _laws(laws: dict[str, dict[str, Any]]) -> str:
    heads = [tr("Law"), tr("Cost J"), tr("p99"), tr("Workers paid per needed"), tr("Changes per second")]
    rows = [
        [
            name,
            number_text(law["cost"], ".3f"),
            span_text(law["p99_s"]),
            number_text(law["resource_ratio"], ".2f"),
            number_text(law["resizes_hz"], ".2f"),
        ]
        for name, law in laws.items()
    ]
    return _rows(heads, rows)


def _notes(result: dict[str, Any]) -> str:
    said = tr(
        "Simulated, {seeds} paired loads, load {load}. J has the floor {floor}. Effects are fractions of the peer's J; an "
        "interval that reaches zero shows no improvement. The same against the same: {aa}.",
        seeds=result.get("seeds"), load=result.get("load"), floor=result.get("floor"),
        aa=_share((result.get("aa") or {}).get("effect", 0.0)),
    )  # fmt: skip
    return f"<p>{html.escape(said)}</p>"


def intervals(per: list[dict[str, Any]]) -> str:
    """Return an SVG with one line per peer: the interval as a bar, the effect as a dot, and zero as a rule."""
    least = min([0.0, *(float(one["low"]) for one in per)])
    most = max([0.0, *(float(one["high"]) for one in per)])
    span = (most - least) or 1.0

    def x(value: float) -> float:
        return 140 + (_WIDTH_PX - 160) * (value - least) / span

    lines = []
    for number, one in enumerate(per):
        y = 20 + 26 * number
        lines.append(
            f'<text x="4" y="{y + 4}" font-size="13">{html.escape(str(one["against"]))}</text>'
            f'<line x1="{x(one["low"]):.1f}" x2="{x(one["high"]):.1f}" y1="{y}" y2="{y}" stroke="#36c" stroke-width="4"/>'
            f'<circle cx="{x(one["effect"]):.1f}" cy="{y}" r="4" fill="#036"/>'
        )
    height = 30 + 26 * len(per)
    zero = f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="4" y2="{height - 4}" stroke="#888" stroke-dasharray="3 3"/>'
    return f'<svg width="{_WIDTH_PX}" height="{height}" role="img">{zero}{"".join(lines)}</svg>'


def _rows(heads: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{html.escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _share(value: float) -> str:
    return ratio_text(value, "+.1f")


def _text(value: float | str) -> str:
    return number_text(value, ".4g") if isinstance(value, float) else str(value)
