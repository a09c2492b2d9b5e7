import json
from pathlib import Path

import pytest

from app.engine.base.clock import ManualClock
from app.engine.jobs import ledger
from app.engine.jobs.records import Job
from app.engine.store import artifacts, rows
from app.engine.store.store import Store


@pytest.fixture
async def store(tmp_path: Path):
    opened = await Store.open(tmp_path / "outpost.db", ManualClock())
    yield opened
    await opened.close()


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1, 2**63, 2**64 - 1])
async def test_a_job_comes_back_as_it_was_saved(store: Store, seed: int) -> None:
    job = Job("j", "k", "t", "done", 1, 2, 3, 4.5, 6.0, "steps", {"a": [1]}, {"b": None}, None, "c", "ann@1", seed)
    await store.write(lambda conn: ledger.save(conn, job, 9, target="app.engine.x:y", spec={"n": 1}))
    assert await store.read(lambda conn: ledger.find(conn, "j")) == job
    assert await store.read(lambda conn: ledger.find(conn, "other")) is None
    assert (await store.read(lambda conn: rows.need(conn, "jobs", "j")))["spec"] == {"n": 1}


async def test_the_newest_jobs_are_loaded_oldest_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "KEPT", 3)
    for number in range(5):
        await store.write(lambda conn, n=number: ledger.save(conn, Job(str(n), "k", "t", created_us=n), 9))
    assert [job.id for job in await store.read(ledger.load)] == ["2", "3", "4"]


async def test_a_file_that_two_jobs_share_stays_while_one_of_them_does(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "KEPT", 1)
    for number in (1, 2):
        job = Job(str(number), "k", "t", "done", ended_us=number)
        await store.write(lambda conn, job=job: ledger.save_result(conn, job, "sha256:aa", 5, 9))
    assert await store.write(ledger.prune) == (["1"], [])
    await store.write(lambda conn: ledger.save(conn, Job("3", "k", "t", "done", ended_us=3), 9))
    assert await store.write(ledger.prune) == (["2"], ["sha256:aa"])
    assert await store.write(ledger.prune) == ([], [])


def test_a_result_is_read_from_its_row_or_from_its_file(tmp_path: Path) -> None:
    whole = {"text": "x" * 100}
    artifact = artifacts.keep(tmp_path, json.dumps(whole).encode())
    assert ledger.read_result(tmp_path, {"artifact": artifact, "size_bytes": 100}) == whole
    assert ledger.read_result(tmp_path, {"a": 1}) == {"a": 1}
