"""Run benchmarks, keep their figures in docs/figures.json and write docs/claims.md anew.

    python benchmarks/record.py first_paint idle      runs these two and records what they print
    python benchmarks/record.py --from FILE           records JSON lines printed before ("-": standard input)
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmarks", nargs="*")
    parser.add_argument("--from", dest="source", default="")
    parser.add_argument("--provisional", action="store_true")
    given, words = parser.parse_known_args()
    lines: list[str] = []
    if given.source:
        lines += sys.stdin if given.source == "-" else Path(given.source).read_text("utf-8").splitlines()
    for name in given.benchmarks:
        lines += ran(name, [word for word in words if word != "--"])
    stamp = {"date": datetime.now(UTC).date().isoformat(), "machine": machine()}
    stamp |= {"provisional": True} if given.provisional else {}
    rows, old = claims.load()
    fresh = [{**figure, **stamp} for figure in figures_in(lines)]
    figures = merged(old, fresh)
    claims.FIGURES.write_text(json.dumps(figures, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    (REPO / "docs" / "claims.md").write_text(claims.page(claims.judged(rows, figures)), "utf-8")


if __name__ == "__main__":
    main()
