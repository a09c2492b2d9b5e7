import asyncio
from pathlib import Path

import pytest

from app.engine.base.clock import SystemClock
from app.engine.base.errors import BadInput, Cancelled, Missing
from app.engine.base.events import Bus
from app.engine.base.rings import Samples
from app.engine.base.settings import Settings
from app.engine.circuits.samples import FOLDER, bundled
from app.engine.circuits.service import MOST_KEPT_COUNTS, CircuitsService, kept
from app.engine.jobs.base import Base
from app.engine.jobs.service import Jobs
from app.engine.store.store import Store

GHZ = FOLDER / "ghz.qasm"


def _raise(error):
    raise error


@pytest.fixture
async def base(tmp_path):
    clock, bus, samples = SystemClock(), Bus(_raise), Samples()
    settings = Settings(tmp_path / "settings.toml", lambda _document: "")
    store = await Store.open(tmp_path / "outpost.db", clock)
    jobs = Jobs(tmp_path, clock, settings, bus, samples, store)
    await jobs.start()
    yield Base(tmp_path, clock, settings, bus, samples, store, jobs)
    await jobs.stop()
    await store.close()


async def test_a_run_is_done_in_a_worker_and_found_again_after_a_restart(base):
    service = CircuitsService(base)
    await service.start()
    result = await service.run(file=GHZ, shots=300, seed=5, actor="me@here", cause="c1")
    assert set(result["counts"]) == {"00000", "11111"}
    assert result["picture"]["width"] == 5
    again = CircuitsService(base)
    await again.start()
    (run,) = again.records
    assert (run.source, run.state, run.spec["shots"]) == ("ghz.qasm", "done", 300)
    assert run.result["counts"] == result["counts"]
    assert "picture" not in run.result
    assert [job.kind for job in base.jobs.records] == ["circuits"]


async def test_a_malformed_file_fails_with_file_line_and_reason_and_nothing_half_done(base, tmp_path):
    service = CircuitsService(base)
    await service.start()
    bad = tmp_path / "bad.qasm"
    bad.write_text('OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\nfoo q[0];\n')
    with pytest.raises(BadInput, match=r"bad\.qasm, line 4, column 1: 'foo' is not defined"):
        await service.run(file=bad, actor="me@here")
    assert list(service.records) == []
    with pytest.raises(Missing):
        await service.describe(file=tmp_path / "none.qasm", actor="me@here")


async def test_text_is_described_without_leaving_a_run(base):
    service = CircuitsService(base)
    await service.start()
    told = await service.describe(text=GHZ.read_text(), name="mine", actor="me@here")
    assert told["picture"]["name"] == "mine"
    assert told["qubits"] == 5
    assert len(service.records) == 0


async def test_neither_file_nor_text_is_refused(base):
    with pytest.raises(BadInput, match="Give a circuit file or its text"):
        await CircuitsService(base).run(actor="me@here")


def test_the_store_keeps_the_frequent_outcomes_and_the_sum_of_the_rest():
    counts = {f"{i:014b}": 2 if i < 100 else 1 for i in range(MOST_KEPT_COUNTS + 50)}
    short = kept({"counts": counts, "other_shots": 7, "picture": {}, "text": ""})
    assert len(short["counts"]) == MOST_KEPT_COUNTS
    assert short["other_shots"] == 57
    assert sum(short["counts"].values()) + short["other_shots"] == sum(counts.values()) + 7
    assert "picture" not in short


def test_samples_are_files_that_exist():
    assert all(Path(sample.file).exists() for sample in bundled())


async def test_two_runs_stand_side_by_side_an_ideal_beside_a_noisy_one(base):
    service = CircuitsService(base)
    await service.start()
    with pytest.raises(Missing, match="no two runs"):
        await service.compare()
    text = GHZ.read_text("utf-8")
    ideal = await service.run(file=GHZ, shots=2000, seed=1, simulator="clifford", actor="me@here")
    noisy = await service.run(text=text, shots=2000, seed=1, simulator="stabilizer", noise="readout=0.2", actor="me@here")
    told = await service.compare()
    assert (told["first"]["id"], told["second"]["id"]) == (ideal["id"], noisy["id"])
    assert (told["first"]["noise"], told["second"]["noise"]) == ("", "readout=0.2")
    assert told["different"]
    # Of both outcomes, five bits that are all read rightly are left: 0.8^5; the ideal ones have no others.
    assert told["total_variation"] == pytest.approx(1 - 0.8**5 - 0.2**5, abs=0.04)
    assert told["text"].splitlines()[0] == "ghz.qasm: clifford, ideal"
    again = await service.compare(noisy["id"])
    assert (again["first"]["id"], again["second"]["id"]) == (noisy["id"], ideal["id"])
    assert [row["id"] for row in service.runs()] == [noisy["id"], ideal["id"]]
    with pytest.raises(Missing):
        await service.compare("nobody", ideal["id"])


async def test_a_newer_look_of_the_same_viewer_ends_the_older_and_no_other(base):
    service = CircuitsService(base)
    await service.start()
    same = {"file": GHZ, "text": "", "upto": -1, "noise": None, "seed": 0, "actor": "me@here"}
    older = asyncio.create_task(service.look(**same, viewer="a"))
    other = asyncio.create_task(service.look(**same, viewer="b"))
    newer = asyncio.create_task(service.look(**same, viewer="a", keep=[4, 1]))
    with pytest.raises(Cancelled):
        await older
    assert (await newer)["density"]["qubits"] == [4, 1]
    assert (await other)["density"]["qubits"] == [0, 1, 2, 3, 4]
    assert list(base.jobs.records) == []
