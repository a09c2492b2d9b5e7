"""Run benchmarks, keep their figures in docs/figures.json and write docs/claims.md anew.

    python benchmarks/record.py first_paint idle      runs these two and records what they print
    python benchmarks/record.py --from FILE           records JSON lines printed before ("-": standard input)
    python benchmarks/record.py --drop "a figure"     forgets a figure that no benchmark prints any more
    python benchmarks/record.py                       writes docs/claims.md from what stands recorded

A figure is a JSON line {figure, value, unit, peer?, interval?, settings?}; a later one of the same name takes its place.
`--provisional` marks figures taken on a machine that had other work. Words after `--` go to the benchmark.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))

from app.engine.observe import claims  # noqa: E402 - the repository must be found first


def figures_in(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the figures among `lines`; one document over several lines counts too."""
    text = "\n".join(lines)
    decoder, at = json.JSONDecoder(), 0
    while (at := text.find("{", at)) >= 0:
        try:
            document, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            at += 1
            continue
        if isinstance(document, dict) and "figure" in document and "value" in document:
            yield document


def machine() -> str:
    """Return what the figures were taken on, in words that name no host."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def merged(old: Iterable[dict[str, Any]], new: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return all figures by name, the new in place of the old."""
    kept = {figure["figure"]: figure for figure in [*old, *new]}
    return [kept[name] for name in sorted(kept)]


def ran(name: str, words: list[str]) -> list[str]:
    """Return the lines a benchmark prints; what it says on standard error passes through."""
    done = subprocess.run(
        [sys.executable, str(REPO / "benchmarks" / f"{name}.py"), *words], cwd=REPO, stdout=subprocess.PIPE, text=True,
        check=True, env={**os.environ, "PYTHONPATH": str(REPO)},
    )  # fmt: skip
    print(done.stdout, end="")
    return done.stdout.splitlines()


def figures_page(figures: Iterable[dict[str, Any]]) -> str:
    """Return docs/figures.md: every figure with its settings, peer, machine and date, as it was measured."""
    lines = [
        "<!-- Made by `python benchmarks/record.py`; run a benchmark to change it. -->\n",
        "# Figures\n",
        "Every figure comes from a script under `benchmarks/`, run by `python3 outpost.py bench NAME`; the settings are",
        "what it printed. CPU figures are of the process named; wall figures depend on what else the machine did.",
        "A figure marked provisional was taken while the machine had other work. What they mean for the promises of the",
        "product stands in [claims](claims.md).\n",
        "| figure | value | peer | settings | machine | date |",
        "|---|---|---|---|---|---|",
    ]
    for one in figures:
        value = one["value"] if not isinstance(one["value"], float) else claims.written(one["value"])
        settings = one.get("settings", {})
        told = ", ".join(f"{key} {value}" for key, value in settings.items()) if isinstance(settings, dict) else str(settings)
        peer = one.get("peer", "")
        peer = peer if isinstance(peer, str) else json.dumps(peer, ensure_ascii=False)
        date = one.get("date", "") + (" (provisional)" if one.get("provisional") else "")
        cells = (one["figure"], f"{value} {one.get('unit', '')}", peer, told, one.get("machine", ""), date)
        lines.append("| " + " | ".join(str(cell).replace("|", "/").replace("\n", " ") or "–" for cell in cells) + " |")
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmarks", nargs="*")
    parser.add_argument("--from", dest="source", default="")
    parser.add_argument("--provisional", action="store_true")
    parser.add_argument("--drop", action="append", default=[])
    given, words = parser.parse_known_args()
    lines: list[str] = []
    if given.source:
        lines += sys.stdin if given.source == "-" else Path(given.source).read_text("utf-8").splitlines()
    for name in given.benchmarks:
        lines += ran(name, [word for word in words if word != "--"])
    stamp = {"date": datetime.now(UTC).date().isoformat(), "machine": machine()}
    stamp |= {"provisional": True} if given.provisional else {}
    rows, old = claims.load()
    unknown = set(given.drop) - {figure["figure"] for figure in old}
    if unknown:
        parser.error(f"no figure is called {', '.join(sorted(unknown))}")
    old = [figure for figure in old if figure["figure"] not in given.drop]
    fresh = [{**figure, **stamp} for figure in figures_in(lines)]
    figures = json.loads(json.dumps(merged(old, fresh), sort_keys=True))  # the order the file keeps
    claims.FIGURES.write_text(json.dumps(figures, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    (REPO / "docs" / "figures.md").write_text(figures_page(figures), "utf-8")
    (REPO / "docs" / "claims.md").write_text(claims.page(claims.judged(rows, figures)), "utf-8")


if __name__ == "__main__":
    main()
