"""What Outpost promises, beside what was measured: resources/claims.toml and docs/figures.json, judged; pure but for `load`.

A promise names the figure of a benchmark, a bound and its kind: measured on the real thing, simulated, proved, or assumed.
Unmet is said as unmet, and what has no figure yet as not measured. docs/claims.md is made from this by benchmarks/record.py.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.engine.base.errors import BadInput

REPO: Final = Path(__file__).resolve().parents[3]
CLAIMS: Final = REPO / "resources" / "claims.toml"
FIGURES: Final = REPO / "docs" / "figures.json"
KINDS: Final = ("measured", "simulated", "proved", "assumed")
_SIGNS: Final = ("<=", ">=", "<", ">", "==")
_FIELDS: Final = frozenset({"id", "issue", "promise", "figure", "target", "unit", "kind", "peer", "setting", "scale", "reason"})
_ROUND: Final = 1e-12


@dataclass(frozen=True)
class Claim:
    """One promise: `figure` must stand in relation `sign` to `bound`, after multiplication by `scale`, in `unit`."""

    id: str
    issue: int
    promise: str
    figure: str
    sign: str
    bound: float
    unit: str
    kind: str
    peer: str = ""
    setting: str = ""
    scale: float = 1.0
    reason: str = ""

    @property
    def target(self) -> str:
        """Return the bound in words: < 1 s of CPU."""
        return f"{self.sign} {written(self.bound)} {self.unit}".strip()


@dataclass(frozen=True)
class Judged:
    """A claim with what was measured of it; `verdict` is met, unmet or not measured.

    `at_least`: the value is a floor, for what it was measured beside did not come to an end.
    """

    id: str
    issue: int
    promise: str
    target: str
    kind: str
    value: float | None
    unit: str
    interval: str
    peer: str
    setting: str
    date: str
    verdict: str
    at_least: bool = False


def form(value: float) -> str:
    """Return how a figure is written: in four digits, as a whole number from ten thousand on."""
    return ".4g" if abs(value) < 10_000 else ".0f"


def written(value: float) -> str:
    """Return a figure as it stands in tables; its unit is the caller's."""
    return format(value, form(value))


def read_claims(text: str, name: str = "claims.toml") -> list[Claim]:
    """Return the claims of a TOML text with one `[[claim]]` each; raise `BadInput` that names the claim at fault."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput("{file}: {reason}", file=name, reason=str(error)) from None
    claims = [_claim(row, name) for row in document.get("claim", [])]
    if len({claim.id for claim in claims}) != len(claims):
        raise BadInput("{file}: an id is given twice", file=name)
    return claims


def _claim(row: Mapping[str, Any], name: str) -> Claim:
    told = str(row.get("id", "?"))
    if unknown := set(row) - _FIELDS:
        raise BadInput("{file}, claim {id}: unknown field {field_name}", file=name, id=told, field_name=min(unknown))
    sign, _, bound = str(row.get("target", "")).partition(" ")
    kind = str(row.get("kind", ""))
    if sign not in _SIGNS or kind not in KINDS:
        raise BadInput("{file}, claim {id}: needs a target such as '< 1.5' and a kind of {kinds}",
                       file=name, id=told, kinds=", ".join(KINDS))  # fmt: skip
    try:
        return Claim(
            told, int(row["issue"]), str(row["promise"]), str(row["figure"]), sign, float(bound), str(row.get("unit", "")),
            kind, str(row.get("peer", "")), str(row.get("setting", "")), float(row.get("scale", 1)), str(row.get("reason", "")),
        )  # fmt: skip
    except (KeyError, ValueError) as error:
        raise BadInput("{file}, claim {id}: {reason}", file=name, id=told, reason=str(error)) from None


def judged(claims: Iterable[Claim], figures: Iterable[Mapping[str, Any]]) -> list[Judged]:
    """Return each claim with its newest figure and verdict; a provisional figure is said to be so."""
    newest = {str(figure["figure"]): figure for figure in sorted(figures, key=lambda one: str(one.get("date", "")))}
    return [_judged(claim, newest.get(claim.figure)) for claim in claims]


def _judged(claim: Claim, figure: Mapping[str, Any] | None) -> Judged:
    raw = figure.get("value") if figure is not None else None
    value = float(raw) * claim.scale if isinstance(raw, (int, float)) else None
    verdict = "not measured" if figure is None else "met" if value is not None and _holds(value, claim) else "unmet"
    told = figure or {}
    settings = told.get("settings") or {}
    setting = claim.setting or ", ".join(f"{name} {one}" for name, one in settings.items() if not isinstance(one, (dict, list)))
    interval = " to ".join(written(claim.scale * end) for end in told.get("interval") or ())
    date = f"{told.get('date', '')}{', provisional' if told.get('provisional') else ''}"
    return Judged(
        claim.id, claim.issue, claim.promise, claim.target, claim.kind, value, claim.unit, interval,
        claim.peer or str(told.get("peer") or ""), setting, date, verdict,
        bool(settings.get("at_least")) if isinstance(settings, dict) else False,
    )  # fmt: skip


def _holds(value: float, claim: Claim) -> bool:
    return {
        "<": value < claim.bound, "<=": value <= claim.bound, ">": value > claim.bound, ">=": value >= claim.bound,
        "==": abs(value - claim.bound) <= _ROUND * max(1.0, abs(claim.bound)),
    }[claim.sign]  # fmt: skip


def load() -> tuple[list[Claim], list[dict[str, Any]]]:
    """Return the claims and figures that came with this Outpost; no figures where none were shipped."""
    figures = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else []
    return read_claims(CLAIMS.read_text("utf-8"), CLAIMS.name), figures


_HEAD: Final = (
    "What Outpost promises, and what was found. Every figure names its kind and its peer; what is not met is printed as "
    "unmet. A figure marked provisional was taken on a machine that had other work."
)


def page(rows: Iterable[Judged]) -> str:
    """Return docs/claims.md."""
    given = list(rows)
    counts = {verdict: sum(row.verdict == verdict for row in given) for verdict in ("met", "unmet", "not measured")}
    lines = [
        "<!-- Made by `python benchmarks/record.py`; change resources/claims.toml or measure anew, not this page. -->",
        "",
        "# Claims",
        "",
        _HEAD,
        "",
        f"{counts['met']} met, {counts['unmet']} unmet, {counts['not measured']} not measured.",
        "",
        "| issue | promise | target | value | interval | kind | peer | setting | date | verdict |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in given:
        value = "–" if row.value is None else f"{'≥ ' * row.at_least}{written(row.value)} {row.unit}".strip()
        cells = (
            str(row.issue), row.promise, row.target, value, row.interval or "–", row.kind, row.peer or "–", row.setting or "–",
            row.date or "–", row.verdict if row.verdict == "met" else f"**{row.verdict}**",
        )  # fmt: skip
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])
