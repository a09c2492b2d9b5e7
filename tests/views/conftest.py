"""A stub of the engine for views: real records, samples, bus and settings, no store, no processes; and a filled one."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tomli_w

from app.commands.table import command_table
from app.engine.base.clock import ManualClock
from app.engine.base.events import Bus
from app.engine.base.records import Records
from app.engine.base.rings import Samples
from app.engine.base.settings import Settings
from app.engine.circuits.samples import bundled
from app.engine.fleet.health import Health
from app.engine.fleet.records import DEMO_SITES, Node, demo_name
from app.engine.jobs.records import Job
from app.engine.jobs.runs import Run
from app.engine.qubo.solvers import cards

REPO = Path(__file__).parents[2]
GRAPH = REPO / "resources" / "samples" / "maxcut-800.txt"


def _raise(error):
    raise error


NO_TWIN = {
    "desired": {}, "reported": {}, "conflict": [], "delta": [], "provenance": [], "in_sync": True, "applied_version": 0,
}  # fmt: skip


@dataclass
class StubEngine:
    """What the window reads of an engine."""

    home: Path
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.settings = Settings(self.home / "settings.toml", tomli_w.dumps)
        self.bus = Bus(_raise)
        self.samples = Samples()
        self.table = command_table()
        self.jobs = SimpleNamespace(records=Records(lambda job: job.id, "job"))
        self.twins: dict[str, dict[str, Any]] = {}
        twins = SimpleNamespace(document=lambda node: self.twins.get(node.id, NO_TWIN))
        views = SimpleNamespace(records=Records(lambda view: view.id, "view"))
        budgets = SimpleNamespace(carried_today=lambda _node_id: 0)
        self.fleet = SimpleNamespace(records=Records(lambda node: node.id, "node"), twins=twins, views=views, budgets=budgets)
        self.models = SimpleNamespace(records=Records(lambda model: model.id, "model"))
        self.rollouts = SimpleNamespace(records=Records(lambda rollout: rollout.id, "rollout"), tasks=lambda _key: ())
        comparisons = SimpleNamespace(records=_runs())
        self.qubo = SimpleNamespace(records=_runs(), sample_path=lambda: GRAPH, comparisons=comparisons, solvers=cards)
        self.circuits = SimpleNamespace(
            records=_runs(), samples=bundled, tasks=SimpleNamespace(records=_runs()),
            compiler=SimpleNamespace(names=lambda: ["ibm_brisbane", "iqm_garnet"]),
        )  # fmt: skip
        self.learning = SimpleNamespace(records=_runs())
        self.control = SimpleNamespace(records=_runs())
        self.sync = SimpleNamespace(
            peers=Records(lambda peer: peer.id, "peer"), inbox=SimpleNamespace(records=Records(lambda met: met.id, "conflict")),
            callers=Records(lambda caller: caller.id, "caller"),
            keeping=SimpleNamespace(rules=Records(lambda rule: rule.id, "rule")),
        )  # fmt: skip


def _runs() -> Records[Run]:
    return Records(lambda run: run.id, "run")


@dataclass
class Started:
    """A `start` that runs nothing: it notes what was asked and hands out the answers it was given."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    failed: Any = None  # what the last one asked wants called should it fail

    def __call__(self, command_id, on_done=None, on_failed=None, /, **args) -> None:
        self.asked.append((command_id, args))
        self.failed = on_failed
        if on_done is not None and command_id in self.answers:
            on_done(self.answers[command_id])

    def names(self) -> list[str]:
        return [name for name, _ in self.asked]


def fill(engine: StubEngine) -> None:
    """Give the stub six nodes, jobs in every state, and a run in every domain."""
    now = engine.clock.now_us()
    states = [Health.ONLINE] * 4 + [Health.SUSPECT, Health.OFFLINE]
    for at, (site, state) in enumerate(zip(DEMO_SITES, states, strict=True)):
        node = Node(
            id=f"n{at}", device_id=f"{at:032x}", name=demo_name(at), address=f"127.0.0.1:4{at:04d}", state=state,
            site=site.name, lat=site.lat, lon=site.lon, last_heartbeat_us=now - (at + 1) * 2_000_000,
            as_of_us=now - (at + 1) * 2_000_000, cpu_ratio=0.12 + 0.1 * at, mem_ratio=0.4, latency_p99_s=0.0031 * (at + 1),
            error_ratio=0.0, inference_count=1200 * at, models=("digits:3",), home="/demo",
            trouble="" if at < 5 else "connection refused",
        )  # fmt: skip
        engine.fleet.records.put(node)
        for metric, scale in (("cpu_ratio", 0.5), ("mem_ratio", 0.4), ("latency_p99_s", 0.004), ("error_ratio", 0.01)):
            for k in range(300):
                engine.samples.push(node.id, metric, now / 1e6 - 600 + 2 * k, scale * (1 + 0.5 * math.sin(k / 9 + at)))
    _fill_jobs(engine, now)
    _fill_runs(engine, now)


def _fill_jobs(engine: StubEngine, now: int) -> None:
    failed = {"type": "bad-input", "detail": "G9.txt, line 7: expected two node numbers", "hint": "Correct the line."}
    jobs = [
        Job("j-train", "learning", "Train digits over 6 nodes", "running", now - 30_000_000, now - 29_000_000, 0, 6, 15, "rounds",
            {"round": 6, "accuracy": 0.91, "loss": 0.31, "nodes": {
                "node-01": {"state": "done", "examples": 143, "loss": 0.21}, "node-02": {"state": "done", "examples": 240, "loss": 0.3},
                "node-06": {"state": "late", "examples": None, "loss": None, "rejected": 2, "reason": "no answer within 30 s"}},
             "waits": "Waiting for node-06", "updates": {"clients": ["node-01", "node-02"], "norms": [0.41, 2.9],
             "shares": [0.9, -0.2], "drifts": [0.4, 2.1], "outliers": ["node-02"], "drift": 0.35}}, actor="ada@1f2e3d4c"),
        Job("j-queue", "qubo", "Solve G55", "queued", now - 2_000_000, actor="ada@1f2e3d4c"),
        Job("j-qubo", "qubo", "maxcut-800.txt, 5 s", "done", now - 90_000_000, now - 89_000_000, now - 84_000_000, 5, 5, "s",
            {"best_energy": -9_530.0}, result=_solved(), actor="ada@1f2e3d4c"),
        Job("j-circ", "circuits", "Run bell.qasm", "done", now - 400_000_000, now - 399_000_000, now - 398_000_000, 3, 3, "steps",
            result={"counts": {"00": 519, "11": 505}, "picture": PICTURE}, actor="ada@1f2e3d4c"),
        Job("j-ctl", "control", "pid on threadpool, 10 s", "done", now - 700_000_000, now - 700_000_000, now - 690_000_000, 10, 10,
            "s", actor="ada@1f2e3d4c"),
        Job("j-bad", "qubo", "Solve G9.txt", "failed", now - 800_000_000, now - 800_000_000, now - 799_000_000, error=failed,
            actor="bob@99aa88bb"),
        Job("j-int", "learning", "Simulate 1000 clients", "interrupted", now - 9_000_000_000, now - 9_000_000_000,
            now - 8_999_000_000, 3, 20, "rounds", actor="bob@99aa88bb"),
    ]  # fmt: skip
    engine.jobs.records.put(*jobs)
    for k in range(6):
        engine.samples.push("j-train", "accuracy_ratio", now / 1e6 - 30 + 5 * k, 0.92 - 0.7 * 0.5**k)
        engine.samples.push("j-train", "loss", now / 1e6 - 30 + 5 * k, 0.3 + 2 * 0.5**k)


def _solved() -> dict[str, Any]:
    rows = [{"energy": -9530.0 + 2 * k, "objective": 9530.0 - 2 * k, "count": 1 + k % 3} for k in range(40)]
    trace = [[0.05 * k, -9530.0 + 900 * 0.8**k] for k in range(60)]
    return {"objective": 9530.0, "energy": -9530.0, "solver": "anneal", "cpu_s": 4.9, "wall_s": 5.0, "n": 800, "edges": 19176,
            "samples": rows, "trace": trace, "verified": True}  # fmt: skip


PICTURE = {
    "schema": 1, "name": "bell", "qubits": ["q[0]", "q[1]", "q[2]"], "clbits": ["c[0]", "c[1]"],
    "columns": [
        [{"name": "h", "label": "H", "qubits": [0], "controls": [], "targets": [0], "params": [], "clbits": [], "condition": None},
         {"name": "rx", "label": "Rx", "qubits": [2], "controls": [], "targets": [2], "params": ["π/2"], "clbits": [],
          "condition": None}],
        [{"name": "cx", "label": "X", "qubits": [0, 1], "controls": [0], "targets": [1], "params": [], "clbits": [],
          "condition": None}],
        [{"name": "barrier", "label": "", "qubits": [0, 1, 2], "controls": [], "targets": [0, 1, 2], "params": [], "clbits": [],
          "condition": None}],
        [{"name": "swap", "label": "×", "qubits": [1, 2], "controls": [], "targets": [1, 2], "params": [], "clbits": [],
          "condition": None}],
        [{"name": "ccz", "label": "Z", "qubits": [0, 1, 2], "controls": [0, 1], "open_controls": [1], "targets": [2], "params": [],
          "clbits": [], "condition": None}],
        [{"name": "measure", "label": "M", "qubits": [0], "controls": [], "targets": [0], "params": [], "clbits": [0],
          "condition": None},
         {"name": "x", "label": "X", "qubits": [2], "controls": [], "targets": [2], "params": [], "clbits": [],
          "condition": "c[0] == 1"}],
    ],
    "depth": 6, "width": 3, "size": 8, "counts": {"h": 1}, "left_out": 0,
}  # fmt: skip


def _fill_runs(engine: StubEngine, now: int) -> None:
    engine.qubo.records.put(
        Run("r-bad", "j-bad", "G9.txt, 5 s", "G9.txt", {"file": "G9.txt"}, None, "failed", now - 800_000_000, now - 799_000_000),
        Run("r-qubo", "j-qubo", "maxcut-800.txt, 5 s", "maxcut-800.txt", {"file": str(GRAPH)}, _solved(), "done",
            now - 90_000_000, now - 84_000_000),
    )  # fmt: skip
    counts = {f"{k:04b}": 900 // (k + 1) for k in range(16)}
    engine.circuits.records.put(
        Run("r-circ", "j-circ", "Run bell.qasm", "bell.qasm", {"file": "bell.qasm", "shots": 1024},
            {"counts": counts, "simulator": "statevector", "why": "Small enough for a full state.", "wall_s": 0.012,
             "shots": 1024, "qubits": 3, "depth": 6, "note": "Measured at the end, as the file measures nothing."},
            "done", now - 400_000_000, now - 398_000_000),
    )  # fmt: skip
    engine.learning.records.put(
        Run("r-train", "j-train", "Train digits over 6 nodes", "live nodes", {"rounds": 15}, None, "running", now - 30_000_000, now),
    )  # fmt: skip
    at = [0.1 * k for k in range(100)]
    series = {"at_s": at, "target": [8 + 6 * math.sin(t) for t in at], "size": [8 + 6 * math.sin(t - 0.2) for t in at],
              "queue": [max(0.0, 30 * math.sin(3 * t)) for t in at], "wait_s": [0.01 + 0.01 * math.sin(t) for t in at]}  # fmt: skip
    engine.control.records.put(
        Run("r-ctl", "j-ctl", "pid on threadpool, 10 s", "threadpool", {"seconds": 10},
            {"ticks": 100, "mean_size": 8.3, "p99_wait_s": 0.21, "p50_wait_s": 0.004, "tasks": 2312, "resizes": 41,
             "bounds_violations": 0, "overhead_ratio": 0.004, "series": series,
             "static": {"size": 8, "p99_wait_s": 0.43, "p50_wait_s": 0.02}},
            "done", now - 700_000_000, now - 690_000_000),
    )  # fmt: skip


AUDIT = {
    "entries": [
        {"id": f"a{k}", "at_us": 1_700_000_000_000_000 - k * 60_000_000, "actor": "ada@1f2e3d4c", "command": command, "cause": "",
         "args": args, "outcome": "ok", "detail": "", "duration_s": 0.4 * k}
        for k, (command, args) in enumerate([("fleet.demo", {"nodes": 6}), ("qubo.solve", {"file": "G1", "seconds": 5.0})])
    ],
    "count": 2,
}  # fmt: skip


@pytest.fixture
def picture():
    return PICTURE


@pytest.fixture
def engine(tmp_path) -> StubEngine:
    return StubEngine(tmp_path)


@pytest.fixture
def full(engine) -> StubEngine:
    fill(engine)
    return engine


@pytest.fixture
def start() -> Started:
    return Started({"audit.list": AUDIT, "circuit.show": {"picture": PICTURE}})


@pytest.fixture
def window(qtbot, engine, start):
    made = _window(qtbot, engine, start)
    yield made
    made.close()


@pytest.fixture
def full_window(qtbot, full, start):
    made = _window(qtbot, full, start)
    yield made
    made.close()


def _window(qtbot, engine, start):
    from app.views.shell.window import MainWindow

    window = MainWindow(engine, start)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    return window


def pytest_collection_modifyitems(items):
    """Qt's offscreen platform says of every window that it cannot pass on size hints; that is no fault of ours."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.qt_log_ignore("does not support propagateSizeHints"))
