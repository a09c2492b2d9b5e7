"""The tour's report: one HTML file with everything in it, drawn as inline SVG and embedded pictures."""

import base64
import json
from html import escape
from pathlib import Path
from typing import Any

Curve = list[tuple[float, float]]

_STYLE = """
body{font:14px/1.5 Inter,system-ui,sans-serif;max-width:1100px;margin:32px auto;padding:0 16px}
body{color:#1b2430;background:#f5f7f9}
h1{font-size:28px;margin:0 0 4px}h2{font-size:20px;margin:32px 0 8px}table{border-collapse:collapse;width:100%;background:#fff}
td,th{border:1px solid #d3d9e0;padding:6px 8px;text-align:left;vertical-align:top}code{font:12px "JetBrains Mono",monospace}
td code{white-space:pre-wrap;overflow-wrap:anywhere}.ok{color:#14713f}.bad{color:#b91f28}
figure{display:inline-block;margin:0 16px 16px 0}figcaption{color:#56606b;font-size:12px}
img{width:100%;border:1px solid #d3d9e0;border-radius:6px}svg{background:#fff;border:1px solid #d3d9e0}
"""


def write_html(out: Path, document: dict[str, Any], curves: dict[str, Curve], pictures: list[Path]) -> None:
    """Write report.json and report.html into `out`."""
    (out / "report.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
    verdict = "every check held" if document["pass"] else "not every check held"
    rows = "".join(_row(step) for step in document["steps"])
    plots = "".join(f"<figure>{_svg(curve)}<figcaption>{escape(name)}</figcaption></figure>" for name, curve in curves.items())
    shots = "".join(
        f'<h2>{escape(path.stem)}</h2><img alt="{escape(path.stem)}" src="data:image/png;base64,{_text(path)}">'
        for path in pictures
    )
    (out / "report.html").write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Outpost tour</title><style>{_STYLE}</style>'
        f'<h1>Outpost tour</h1><p class="{"ok" if document["pass"] else "bad"}">{verdict}, {document["wall_s"]:.1f} s</p>'
        f"<table><tr><th>Step<th>Checked<th>Seen<th>Held<th>Time</tr>{rows}</table><h2>Curves</h2>{plots}{shots}</html>\n",
        "utf-8",
    )


def _row(step: dict[str, Any]) -> str:
    held = '<td class="ok">● yes' if step["pass"] else '<td class="bad">■ no'
    seen = escape(json.dumps(step["value"], ensure_ascii=False))
    cells = "<td>".join([escape(step["name"]), escape(step["checked"]), f"<code>{seen}</code>"])
    return f"<tr><td>{cells}{held}<td>{step['wall_s']:.1f} s</tr>"


def _text(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _svg(curve: Curve, width: int = 480, height: int = 200) -> str:
    if not curve:
        return ""
    xs, ys = [x for x, _ in curve], [y for _, y in curve]
    span_x, span_y = (max(xs) - min(xs)) or 1.0, (max(ys) - min(ys)) or 1.0
    points = " ".join(
        f"{56 + (x - min(xs)) / span_x * (width - 72):.1f},{12 + (max(ys) - y) / span_y * (height - 40):.1f}" for x, y in curve
    )
    label = 'font-size="11" fill="#56606b" font-family="monospace"'
    return (
        f'<svg width="{width}" height="{height}" role="img"><polyline fill="none" stroke="#0a5fc2" points="{points}"/>'
        f'<text x="4" y="20" {label}>{max(ys):.4g}</text><text x="4" y="{height - 26}" {label}>{min(ys):.4g}</text>'
        f'<text x="56" y="{height - 8}" {label}>{min(xs):.4g}</text>'
        f'<text x="{width - 16}" y="{height - 8}" text-anchor="end" {label}>{max(xs):.4g}</text></svg>'
    )
