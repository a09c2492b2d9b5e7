import pytest

from app.engine.base.clock import SystemClock
from app.engine.base.errors import BadInput, Missing
from app.engine.base.events import Bus
from app.engine.base.rings import Samples
from app.engine.base.settings import Settings
from app.engine.circuits.tasks.service import Tasks, rows_of
from app.engine.circuits.tasks.work import run
from app.engine.jobs.base import Base
from app.engine.jobs.service import Jobs
from app.engine.store import rows
from app.engine.store.store import Store


def _raise(error):
    raise error


async def test_a_run_is_kept_in_the_tables_and_found_again(tmp_path):
    clock, bus, samples = SystemClock(), Bus(_raise), Samples()
    settings = Settings(tmp_path / "settings.toml", lambda _document: "")
    store = await Store.open(tmp_path / "outpost.db", clock)
    jobs = Jobs(tmp_path, clock, settings, bus, samples, store)
    await jobs.start()
    base = Base(tmp_path, clock, settings, bus, samples, store, jobs)
    tasks = Tasks(base)
    await tasks.start()
    told = await tasks.run(name="phase", options={"qubits": 3}, seed=1, actor="me@here")
    with pytest.raises(BadInput):
        await tasks.run(name="phase", options={"qubits": 99}, seed=1, actor="me@here")
    (task,) = await store.read(lambda conn: rows.select(conn, "quantum_tasks"))
    (outcome,) = await store.read(lambda conn: rows.select(conn, "quantum_optimizations"))
    assert (task["run_id"], task["task_type"], outcome["quantum_advantage"]) == (told["id"], "phase", 0)
    again = Tasks(base)
    await again.start()
    assert again.show(told["id"])["result"]["solution"] == told["solution"]
    assert [row["task"] for row in again.list()["runs"]] == ["phase"]
    with pytest.raises(Missing, match="no two runs"):
        again.compare()
    assert again.compare(told["id"], told["id"])["rows"]
    await jobs.stop()
    await store.close()


def test_an_undecided_advantage_is_null_in_the_table():
    result = run({"task": "fourier", "options": {"qubits": 2}}, 0) | {"quantum_advantage": "undecided"}
    assert dict(rows_of("r", result, 1))["quantum_optimizations"]["quantum_advantage"] is None
