"""The contact sheet: every page in three themes, at 1x and 2x, empty, full and in error, as single pictures and as one sheet.

python benchmarks/contact_sheet.py --out DIR [--pages fleet,qubo] [--scales 1,2] [--readme]

Pages show the stub of the engine that the tests of the views use, so that every run gives the same pictures; matrix, graph and
Bloch spheres are computed from the bundled samples by the functions that the workers run. A scale is a process of its own,
as Qt takes it once. `--readme` also writes the three pictures of the README into docs/pictures.
"""

import argparse
import importlib.util
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
THEMES = ("dark", "light", "contrast")
STATES = ("empty", "full", "error")
SIZE = (1360, 860)
THUMB_PX = 440
GAP_PX = 12
HAPPENED = (
    (12, "event", "node.state_changed", ("offline", "connection refused")),
    (95, "command", "fleet.maintenance", ("done", "")),
    (4000, "event", "model.activated", ("", "digits:3")),
    (9000, "event", "node.paired", ("", "")),
)
README = {"fleet": "dark", "qubo": "light", "circuits": "dark"}


def stub_module() -> Any:
    """Return the views' test fixtures as a module."""
    spec = importlib.util.spec_from_file_location("views_stub", REPO / "tests" / "views" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["views_stub"] = module
    spec.loader.exec_module(module)
    return module


def answers(stub: Any) -> dict[str, Any]:
    """Return what the commands answer that pages ask by themselves."""
    from app.engine.base.contracts import never, silent
    from app.engine.circuits import work
    from app.engine.circuits.samples import bundled
    from app.engine.qubo.picture import picture

    file = next(sample.file for sample in bundled() if sample.name == "teleport")
    now = stub.ManualClock().now_us()
    happened = [_entry(now, *one) for one in HAPPENED]
    news = [
        {"kind": "event", "what": "node.state_changed", "state": "offline", "count": 2, "objects": ["node-05", "node-06"],
         "more": 0, "object_kind": "node", "object": "n5", "last_us": now - 12_000_000},
        {"kind": "job", "what": "qubo", "state": "done", "count": 5, "objects": ["maxcut-800.txt, 5 s"], "more": 4,
         "object_kind": "job", "object": "j-qubo", "last_us": now - 84_000_000},
    ]  # fmt: skip
    return {
        "audit.list": stub.AUDIT,
        "activity.list": {"entries": happened, "count": len(happened)},
        "activity.news": {"since_us": now - 40_000_000_000, "news": news, "count": len(news)},
        "status": {
            "pending_count": 318, "conflicts_count": 1, "hubs_count": 1, "hub_us": now - 3 * 86_400_000_000, "hub_busy": False,
            "hub_problem": "The hub cannot be reached", "store_bytes": 41 * 2**20,
            "disk_free_bytes": 9 * 2**30, "sent_today_bytes": 3 * 2**20,
            "links_limited": 4, "links_near": 1,
        },
        "sync.status": {
            "device": "1f2e3d4c" * 4, "replica": "r", "schema": 7, "pending_count": 318, "conflicts_count": 1,
            "oldest_pending_us": now - 3 * 86_400_000_000, "busy": False, "clock_skew_s": 0.0, "hub": None,
            "peers": [peer.to_json() for peer in peers(now)],
        },
        "sync.conflicts": {"conflicts": [{**met(now).to_json(), "now": "site=a and rack=7", "now_state": "stands", "now_by":
                           "eve@3c4d5e6f", "now_us": now - 20_000_000, "now_mark": "m", "changed": True}], "total_count": 1},
        "circuit.show": {"picture": stub.PICTURE},
        "circuit.state": work.state({"file": file}, 1, silent, never),
        "qubo.picture": picture({"file": str(stub.GRAPH)}, 1, silent, never),
    }  # fmt: skip


def _entry(now: int, age_s: int, kind: str, what: str, told: tuple[str, str]) -> dict[str, Any]:
    """Return an entry of the time line about one node, `age_s` seconds old; `told` is its state and detail."""
    return {
        "id": f"{what}-{age_s}", "at_us": now - age_s * 1_000_000, "kind": kind, "what": what, "state": told[0], "title": "",
        "object": "n5", "object_kind": "node", "object_name": "node-06", "actor": "ada@1f2e3d4c", "took_s": None,
        "detail": told[1],
    }  # fmt: skip


def rollouts(engine: Any) -> None:
    """Give the stub a model and a rollout under way over its six nodes."""
    from app.engine.fleet.rollout.records import Gate, Group, Rollout, Spec, Task
    from app.engine.models.records import ModelVersion

    trial = {
        "agreement_ratio": 0.99, "rows": 256, "latency_before_s": 2e-5, "latency_after_s": 1e-5, "size_before_bytes": 4096,
        "size_after_bytes": 1024,
    }  # fmt: skip
    for number, state in ((1, "retired"), (2, "active")):
        lineage = {"from_title": "digits:1"} if number == 2 else {}
        engine.models.records.put(
            ModelVersion(f"m{number}", "digits", number, "sha256:" + "a" * 64, 41_200, {"trial": trial}, lineage, state=state)
        )
    spec = Spec(groups=("1", "50 %", "rest"), gate=Gate(p99_ratio_most=1.5, agreement_least=0.9))
    groups = (Group("1", "finished"), Group("50 %", "running"), Group("rest", "ready"))
    states = ("succeeded", "downloading", "succeeded", "queued", "queued", "queued")
    places = (0, 1, 1, 1, 2, 2)
    tasks = [
        Task(node.id, node.name, place, state, done_ratio=0.41, agreement_ratio=0.97, p99_before_s=1.0, p99_after_s=1.2)
        for node, place, state in zip(engine.fleet.records, places, states, strict=True)
    ]
    waiting = "Waiting for 2 of 3: node-02 downloading 41 %, node-04 queued"
    engine.rollouts.records.put(Rollout("r1", "digits:2", "m2", "digits", 2, "running", spec, groups, waiting=waiting))
    engine.rollouts.tasks = lambda _key: tasks


def peers(now: int) -> list[Any]:
    """Return a hub that was met just now, one that does not answer, and a console met by stick."""
    from app.engine.sync.records import SyncPeer

    hub = SyncPeer(
        "7c1d90ab" * 4, "hub", "site hub", "10.0.0.1:7000", "e", 5, 5, 4, 2 << 20, 4 << 20, now - 40_000_000, 0, "", 7
    )
    lost = replace(hub, id="3b52e6f0" * 4, name="north hub", address="10.0.0.2:7000", synced_us=now - 86_400_000_000,
                   error="Nobody answers at 10.0.0.2:7000")  # fmt: skip
    bob = replace(hub, id="99aa88bb" * 4, kind="bundle", name="bob on laptop", address="", synced_us=now - 9_000_000_000)
    return [hub, lost, bob]


def met(now: int) -> Any:
    """Return a conflict between two values of a field."""
    from app.engine.sync.records import Met

    held, lost = {"value": "site=a", "seen_us": now - 90_000_000}, {"value": "site=b", "seen_us": now - 90_000_000}
    return Met("c1", "saved_views", "v1", "filter", "north", "concurrent", held, now - 60_000_000, "ann@1f2e3d4c", lost,
               now - 70_000_000, "bob@99aa88bb", "open", "", "", 0)  # fmt: skip


def meetings(engine: Any) -> None:
    """Give the stub peers, two conflicts of which one is settled, and the rules of two tables."""
    from app.engine.sync.rules import Rule

    now = engine.clock.now_us()
    engine.sync.peers.put(*peers(now))
    settled = replace(met(now), id="c2", state="resolved", choice="lost", resolved_by="ann@1f2e3d4c", resolved_us=now)
    engine.sync.inbox.records.put(met(now), settled)
    engine.sync.keeping.rules.put(Rule("qubo_runs", True, 30, False, 4, now), Rule("edge_nodes", False, 0, True, 200, now))


def controllers(engine: Any) -> None:
    """Give the stub two controllers that run, the one of them with a course for the phase portrait."""
    from app.engine.jobs.records import Job
    from app.engine.jobs.runs import Run

    now = engine.clock.now_us()
    action = {"n": 3, "before": 7.0, "wanted": 9.4, "after": 8.0, "reason": "rate limit"}
    told = {"target": 9.4, "size": 8.0, "force": 1.4, "actions": [action], "bound": "rate limit", "mode": "recommend"}
    for number, resource in enumerate(("threadpool", "queue")):
        title, job = f"auto on {resource}, 600 s", f"j-steers-{number}"
        engine.jobs.records.put(Job(job, "control", title, "running", now, now, 0, 120, 600, "s", told))
        spec = {"law": "auto", "mode": "recommend", "low": 2, "high": 64, "resource": resource}
        engine.control.records.put(Run(f"r-steers-{number}", job, title, resource, spec, created_us=now + number))
        for turn in range(300):
            courses = {"position": 8 + 6 * math.sin(turn / 20), "velocity": 3 * math.cos(turn / 20), "target": 8.0 + turn % 7,
                       "size": 8.0 + turn % 5, "queue": float(turn % 9), "wait_s": 0.001 * (turn % 11)}  # fmt: skip
            for metric, value in courses.items():
                engine.samples.push(job, metric, now / 1e6 - 30 + turn / 10, value)


def comparisons(engine: Any) -> None:
    """Give the stub a comparison of three solvers, made in a moment on a small graph."""
    from app.engine.base.contracts import never, silent
    from app.engine.jobs.runs import Run
    from app.engine.qubo.comparisons.work import run
    from app.engine.qubo.planted import torus
    from app.engine.qubo.readers.gset import write

    solvers = "anneal;dwave-sa:sweeps=1000;dwave-tabu"
    spec = {"text": write(torus(30, 30, 3)[0]), "name": "torus-900.txt", "solvers": solvers, "seconds": 0.1, "runs": 15}
    result, now = run(spec, 7, silent, never), engine.clock.now_us()
    title = f"torus-900.txt: {solvers.replace(';', ', ')}"
    engine.qubo.comparisons.records.put(Run("c-three", "j-three", title, "torus-900.txt", spec, result, "done", now, now))


def trouble(engine: Any, window: Any) -> None:
    """Put every page into its error state: a failed run in each domain, silent nodes, and what the funnel tells."""
    from app.engine.base.funnel import Fate, Notice
    from app.engine.fleet.health import Health
    from app.engine.jobs.records import Job

    now = engine.clock.now_us()
    error = {"type": "bad-input", "detail": "G9.txt, line 7: expected two node numbers", "hint": "Correct the line."}
    for number, wing in enumerate((engine.qubo, engine.circuits, engine.learning, engine.control)):
        job = f"j-broken-{number}"
        engine.jobs.records.put(Job(job, "qubo", "Run G9.txt", "failed", now, now, now, error=error, actor="bob@99aa88bb"))
        first = next(iter(wing.records))
        wing.records.put(replace(first, id=f"r-broken-{number}", job_id=job, result=None, state="failed", created_us=now + 1))
    for node in tuple(engine.fleet.records):
        engine.fleet.records.put(replace(node, state=Health.OFFLINE, trouble="connection refused", lat=None, lon=None)
                                 if node.id in ("n1", "n3") else replace(node, state=Health.OFFLINE))  # fmt: skip
    window.show_notice(Notice(Fate.TELL, "The fleet cannot be reached: no route to host", "Check the network.", cause="link"))


def tour(page: Any, name: str) -> None:
    """Open what a person would look at on a full page."""
    if name == "fleet":
        page.pick("n1")
        page.plots.show_node(page.context.engine.fleet.records.need("n1"))
    elif name == "qubo":
        page.tabs.setCurrentIndex(2)
    elif name == "circuits":
        page.tabs.setCurrentIndex(1)
    elif name == "sync":
        page.pick("c1")
        page.tabs.setCurrentIndex(1)


def shoot(out: Path, scale: int, pages: list[str]) -> list[Path]:
    """Save a picture per page, state and theme in this process; returns the files."""
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance() or QApplication([])
    from app.views.shell.page import PAGES
    from app.views.shell.window import MainWindow

    stub, files = stub_module(), []
    answered = answers(stub)
    for state in STATES:
        with tempfile.TemporaryDirectory() as home:
            engine = stub.StubEngine(Path(home))
            if state != "empty":
                stub.fill(engine)
                for fill in (rollouts, meetings, controllers, comparisons):
                    fill(engine)
            window = MainWindow(engine, stub.Started({} if state == "empty" else dict(answered)))
            window.resize(*SIZE)
            window.show()
            if state == "error":
                trouble(engine, window)
            for theme_name in THEMES:
                dress(app, window, theme_name)
                for spec in PAGES:
                    if pages and spec.name not in pages:
                        continue
                    window.open_page(spec.name)
                    if state == "full":
                        tour(window.page, spec.name)
                    app.processEvents()
                    window.settle()
                    file = out / f"{spec.name}-{state}-{theme_name}-{scale}x.png"
                    window.grab().save(str(file))
                    files.append(file)
            window.close()
            window.deleteLater()
            app.processEvents()
    return files


def dress(app: Any, window: Any, name: str) -> None:
    """Give the window a theme as a change of the setting would."""
    from app.views.shell import theme

    theme.apply(app, name)
    app.processEvents()
    window.settle()


def sheet(files: list[Path], out: Path) -> Path:
    """Put the pictures into one: a row per page, a column per state and theme."""
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtGui import QImage, QPainter

    names = sorted({file.name.split("-")[0] for file in files})
    columns = [(state, theme) for state in STATES for theme in THEMES]
    high = round(THUMB_PX * SIZE[1] / SIZE[0])
    whole = QImage(len(columns) * (THUMB_PX + GAP_PX), len(names) * (high + GAP_PX), QImage.Format.Format_RGB32)
    whole.fill(0x808080)
    painter = QPainter(whole)
    for file in files:
        page, state, theme_name, _ = file.stem.split("-")
        picture = QImage(str(file)).scaledToWidth(THUMB_PX, Qt.TransformationMode.SmoothTransformation)
        at = QPoint(columns.index((state, theme_name)) * (THUMB_PX + GAP_PX), names.index(page) * (high + GAP_PX))
        painter.drawImage(at, picture)
    painter.end()
    whole.save(str(out))
    return out


def for_readme(out: Path) -> None:
    """Write the pictures of the README, compressed as far as PNG goes."""
    from PySide6.QtGui import QImage

    folder = REPO / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for page, theme_name in README.items():
        picture = QImage(str(out / f"{page}-full-{theme_name}-1x.png"))
        picture.convertToFormat(QImage.Format.Format_RGB888).save(str(folder / f"{page}.png"), "PNG", 0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pages", default="")
    parser.add_argument("--scales", default="1,2")
    parser.add_argument("--readme", action="store_true")
    parser.add_argument("--inside", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(REPO))
    if given.inside:
        files = shoot(given.out, given.inside, [name for name in given.pages.split(",") if name])
        print(sheet(files, given.out / f"contact-{given.inside}x.png"))
        if given.readme and given.inside == 1:
            for_readme(given.out)
        return
    for scale in given.scales.split(","):
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": scale}
        command = [sys.executable, __file__, *sys.argv[1:], "--inside", scale]
        subprocess.run(command, env=environment, cwd=REPO, check=True, timeout=600)


if __name__ == "__main__":
    main()
