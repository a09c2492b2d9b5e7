"""The tour in a process of its own, as a newcomer runs it without a display."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_check_of_the_tour_holds(tmp_path):
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-m", "app", "tour", "--out", str(out), "--json"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=400, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    report = json.loads((out / "report.json").read_text())
    failed = [step for step in report["steps"] if not step["pass"]]
    assert not failed, (failed, done.stderr[-3000:])
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout)["pass"]
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") >= 8
    assert "<svg" in page
    assert "Traceback" not in done.stderr
