import asyncio
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from app.engine.base.errors import BadInput, Bug, Cancelled, Conflict, Limit, Missing, Refused
from app.engine.base.events import JobStateChanged
from app.engine.base.platform import cache_folder, kill_hard
from app.engine.jobs import ledger
from app.engine.jobs.base import Base
from app.engine.jobs.service import worker_limit
from app.engine.store import rows

from .conftest import alive, close_base, open_base

DRILLS = "app.engine.jobs.drills:"
BY = {"title": "Drill", "actor": "ann@1", "cause": "c1"}


async def run(base: Base, function: str, spec: dict[str, Any] | None = None, kind: str = "drill", **how: Any) -> dict[str, Any]:
    return await base.jobs.run(kind, DRILLS + function, spec or {}, **{**BY, **how})


async def submit(base: Base, function: str, spec: dict[str, Any] | None = None, kind: str = "drill", **how: Any) -> str:
    return await base.jobs.submit(kind, DRILLS + function, spec or {}, **{**BY, **how})


def on_disk(base: Base, job_id: str) -> dict[str, Any]:
    raw = sqlite3.connect(base.store.path)
    raw.row_factory = sqlite3.Row
    row = dict(raw.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone())
    raw.close()
    return row


async def test_a_job_runs_in_another_process_and_its_row_says_all(base: Base) -> None:
    seen: list[tuple[str, str]] = []
    base.bus.subscribe(lambda event: seen.append((event.before, event.after)), JobStateChanged)
    job_id = await submit(base, "count", {"steps": 3}, seed=2**64 - 1)
    assert on_disk(base, job_id)["state"] == "queued"
    result = await base.jobs.result(job_id)
    assert (result["counted"], result["seed"]) == (3, 2**64 - 1)
    assert result["pid"] != os.getpid()
    assert seen == [("", "queued"), ("queued", "running"), ("running", "done")]
    job = base.jobs.records.need(job_id)
    assert (job.state, job.done, job.total, job.unit, job.partial) == ("done", 3, 3, "steps", {"last": 3})
    assert 0 < job.created_us <= job.started_us <= job.ended_us
    assert await base.store.read(lambda conn: ledger.find(conn, job_id)) == job
    times, values = base.samples.ring(job_id, "step_count").tail()
    assert (list(times), list(values)) == ([1, 2, 3], [1, 2, 3])


async def test_a_kind_keeps_its_warm_worker_and_another_kind_gets_its_own(base: Base) -> None:
    first = await run(base, "count", kind="one")
    other = await run(base, "count", kind="two")
    assert (await run(base, "count", kind="one"))["pid"] == first["pid"] != other["pid"]
    assert base.jobs.workers == {first["pid"]: "one", other["pid"]: "two"}


async def test_an_idle_worker_ends(base: Base, until: Any) -> None:
    base.settings._given["jobs.idle_s"] = 1.0
    pid = (await run(base, "count"))["pid"]
    await until(lambda: base.jobs.workers == {})
    assert not alive(pid)
    assert (await run(base, "count"))["pid"] != pid


async def test_jobs_beyond_the_limit_wait_and_are_served_in_order(base: Base) -> None:
    base.settings._given["jobs.workers"] = 1
    order: list[str] = []
    base.bus.subscribe(lambda event: order.append(event.job_id) if event.after == "running" else None, JobStateChanged)
    jobs = [await submit(base, "count", {"steps": 2, "pause_s": 0.01}, kind=f"k{number % 2}") for number in range(5)]
    await asyncio.gather(*(base.jobs.result(job_id) for job_id in jobs))
    assert order == jobs


async def test_cancel_shows_at_once_and_a_deaf_worker_is_gone_when_the_job_is(base: Base, until: Any) -> None:
    job_id = await submit(base, "deaf", {"seconds": 600})
    await until(lambda: base.jobs.records.need(job_id).partial)
    pid = base.jobs.records.need(job_id).partial["pid"]
    await base.jobs.cancel(job_id)
    assert base.jobs.records.need(job_id).state == "cancelling"
    with pytest.raises(Cancelled, match="Drill was cancelled"):
        await base.jobs.result(job_id)
    assert not alive(pid)
    assert on_disk(base, job_id)["state"] == base.jobs.records.need(job_id).state == "cancelled"


async def test_a_job_that_listens_ends_by_itself_with_what_it_has_and_its_worker_stays_warm(base: Base, until: Any) -> None:
    job_id = await submit(base, "count", {"steps": 10**6, "pause_s": 0.005})
    await until(lambda: base.jobs.records.need(job_id).done > 0)
    (pid,) = base.jobs.workers
    await base.jobs.cancel(job_id)
    with pytest.raises(Cancelled):
        await base.jobs.result(job_id)
    job = base.jobs.records.need(job_id)
    assert job.state == "cancelled"
    assert job.result is not None
    assert job.result["counted"] > 0
    assert (await run(base, "count"))["pid"] == pid


async def test_a_waiting_job_is_cancelled_without_ever_running(base: Base) -> None:
    base.settings._given["jobs.workers"] = 1
    first = await submit(base, "count", {"steps": 10**6, "pause_s": 0.005})
    second = await submit(base, "count")
    await base.jobs.cancel(second)
    with pytest.raises(Cancelled):
        await base.jobs.result(second)
    assert base.jobs.records.need(second).started_us == 0
    await base.jobs.cancel(first)
    await base.jobs.cancel(first)
    with pytest.raises(Cancelled):
        await base.jobs.result(first)
    await base.jobs.cancel(first)


async def test_cancelling_the_task_that_waits_cancels_the_job(base: Base, until: Any) -> None:
    waiting = asyncio.ensure_future(run(base, "deaf", {"seconds": 600}))
    await until(lambda: any(job.state == "running" for job in base.jobs.records))
    (job,) = base.jobs.records
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert base.jobs.records.need(job.id).state == "cancelling"
    await until(lambda: base.jobs.records.need(job.id).state == "cancelled")


async def test_an_error_travels_with_its_kind_hint_and_field(base: Base) -> None:
    with pytest.raises(BadInput, match="line 7: expected two numbers") as caught:
        await run(base, "fail", {"how": "told"})
    assert (caught.value.hint, caught.value.field) == ("Correct it.", "file")
    (job,) = base.jobs.records
    assert job.state == "failed"
    assert job.error is not None
    assert job.error["type"] == "bad-input"
    with pytest.raises(BadInput, match="line 7"):
        await base.jobs.result(job.id)


async def test_a_bug_in_a_job_is_told_as_one_and_logged_with_its_trace(base: Base, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Bug, match="ZeroDivisionError: nothing to divide"):
        await run(base, "fail", {"how": "bug"})
    assert "in fail" in caplog.text


async def test_a_killed_worker_fails_its_own_job_and_no_other(base: Base, until: Any) -> None:
    doomed = await submit(base, "deaf", {"seconds": 600}, kind="one")
    other = await submit(base, "count", {"steps": 200, "pause_s": 0.002}, kind="two")
    await until(lambda: base.jobs.records.need(doomed).partial)
    kill_hard(base.jobs.records.need(doomed).partial["pid"])
    with pytest.raises(Limit, match="ended before it was done"):
        await base.jobs.result(doomed)
    assert (await base.jobs.result(other))["counted"] == 200
    with pytest.raises(Limit, match="exit status 9"):
        await run(base, "fail", {"how": "exit"})
    assert (await run(base, "count", kind="one"))["counted"] == 1


async def test_a_worker_killed_while_idle_is_replaced_unseen(base: Base, until: Any) -> None:
    pid = (await run(base, "count"))["pid"]
    kill_hard(pid)
    assert (await run(base, "count"))["pid"] != pid


async def test_a_worker_whose_job_left_a_thread_behind_ends_with_it_and_the_next_job_gets_another(
    base: Base, until: Any
) -> None:
    left = await run(base, "leave")
    assert (await run(base, "count"))["pid"] != left["pid"]
    await until(lambda: not alive(left["pid"]))


async def test_a_large_result_becomes_a_file_named_by_its_content(base: Base) -> None:
    assert len((await run(base, "big", {"size_bytes": 200_000}))["text"]) == 200_000
    (job,) = base.jobs.records
    assert job.result is not None
    assert set(job.result) == {"artifact", "size_bytes"}
    assert len((await base.jobs.result(job.id))["text"]) == 200_000
    assert json.loads(on_disk(base, job.id)["result"]) == job.result
    with pytest.raises(Limit, match="larger than 8 MiB"):
        await run(base, "big", {"size_bytes": 9 << 20})


async def test_a_spec_larger_than_a_pipe_arrives_whole(base: Base) -> None:
    assert (await run(base, "count", {"steps": 1, "ballast": "x" * (3 << 20)}))["counted"] == 1


async def test_bad_requests_are_refused_before_anything_is_written(base: Base) -> None:
    with pytest.raises(Refused):
        await base.jobs.submit("k", "os:system", {}, title="t", actor="a")
    with pytest.raises(BadInput, match="seed"):
        await submit(base, "count", seed=-1)
    with pytest.raises(Missing):
        await base.jobs.cancel("unknown")
    with pytest.raises(Missing):
        await base.jobs.result("unknown")
    assert await base.store.read(lambda conn: rows.count(conn, "jobs")) == 0


async def test_a_transient_job_leaves_nothing(base: Base) -> None:
    assert (await run(base, "count", transient=True))["counted"] == 1
    assert len(base.jobs.records) == 0
    assert await base.store.read(lambda conn: rows.count(conn, "jobs")) == 0


async def test_a_worker_is_polite_single_threaded_and_light(base: Base) -> None:
    found = await run(base, "surroundings")
    assert found["env"] == {"OPENBLAS_NUM_THREADS": "1", "NUMBA_CACHE_DIR": str(cache_folder() / "numba")}
    assert not {"sqlalchemy", "numpy", "PySide6", "app.engine.store", "app.engine.jobs.service"} & set(found["modules"])


async def test_jobs_survive_a_restart_and_live_ones_are_interrupted_by_the_close(tmp_path: Path, until: Any) -> None:
    base = await open_base(tmp_path)
    done = await run(base, "count")
    running = await submit(base, "deaf", {"seconds": 600})
    await until(lambda: base.jobs.records.need(running).partial)
    pid = base.jobs.records.need(running).partial["pid"]
    waiting = asyncio.ensure_future(base.jobs.result(running))
    await close_base(base)
    assert not alive(pid)
    with pytest.raises(Cancelled, match="closed before"):
        await waiting
    again = await open_base(tmp_path)
    assert [job.state for job in again.jobs.records] == ["done", "interrupted"]
    assert await again.jobs.result(next(iter(again.jobs.records)).id) == done
    await close_base(again)


async def test_what_a_killed_process_left_is_interrupted_at_the_next_start(base: Base, tmp_path: Path) -> None:
    states = ("queued", "running", "cancelling", "done")

    def leave(conn: rows.Conn) -> None:
        for number, state in enumerate(states):
            row = {"id": f"left-{number}", "state": state, "created_us": number + 1, "title": "Old"}
            rows.put(conn, "jobs", row, actor="", cause="", now_us=1)

    await base.store.write(leave)
    await base.jobs.start()
    assert [job.state for job in base.jobs.records] == ["interrupted", "interrupted", "interrupted", "done"]
    with pytest.raises(Conflict, match="ended before this job was done"):
        await base.jobs.result("left-0")


async def test_only_the_newest_finished_jobs_are_kept_with_their_files(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    await run(base, "big", {"size_bytes": 100_000})
    monkeypatch.setattr(ledger, "KEPT", 3)
    for _ in range(4):
        await run(base, "count")
    assert [path for path in (base.home / "artifacts").rglob("*") if path.is_file()]
    await base.jobs.start()
    assert len(base.jobs.records) == 3
    assert await base.store.read(lambda conn: (rows.count(conn, "jobs"), rows.count(conn, "artifacts"))) == (3, 0)
    assert [path for path in (base.home / "artifacts").rglob("*") if path.is_file()] == []


async def test_work_on_the_loop_is_a_job_like_any_other(base: Base, until: Any) -> None:
    async def work(report: Any) -> dict[str, Any]:
        for step in range(100):
            report(step, 99, "steps", partial={"last": step}, samples={"step_count": [(step, step)]})
        return {"sum": 7}

    assert await base.jobs.run_local("tend", work, **BY) == {"sum": 7}
    (job,) = base.jobs.records
    assert (job.state, job.done, job.partial, job.result) == ("done", 99, {"last": 99}, {"sum": 7})
    assert len(base.samples.ring(job.id, "step_count")) == 100
    assert await base.store.read(lambda conn: ledger.find(conn, job.id)) == job


async def test_work_on_the_loop_can_fail_and_be_cancelled(base: Base, until: Any) -> None:
    async def fails(_report: Any) -> dict[str, Any]:
        raise Limit("too much")

    with pytest.raises(Limit, match="too much"):
        await base.jobs.run_local("tend", fails, **BY)

    async def sleeps(_report: Any) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    waiting = asyncio.ensure_future(base.jobs.run_local("tend", sleeps, **BY))
    await until(lambda: [job for job in base.jobs.records if job.state == "running"])
    job_id = next(job.id for job in base.jobs.records if job.state == "running")
    await base.jobs.cancel(job_id)
    assert base.jobs.records.need(job_id).state == "cancelling"
    with pytest.raises(Cancelled):
        await waiting
    assert base.jobs.records.need(job_id).state == "cancelled"


async def test_work_on_the_loop_cancelled_before_its_first_step_still_ends(base: Base) -> None:
    async def work(_report: Any) -> dict[str, Any]:
        return {"ran": True}

    job_id = await base.jobs.submit_local("tend", work, **BY)
    await base.jobs.cancel(job_id)
    with pytest.raises(Cancelled):
        await base.jobs.result(job_id)
    assert base.jobs.records.need(job_id).state == "cancelled"


async def test_a_store_in_trouble_does_not_lose_a_running_jobs_result(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = await submit(base, "count", {"steps": 50, "pause_s": 0.005})

    async def full(_work: Any) -> None:
        raise Limit("The disk is full")

    monkeypatch.setattr(base.store, "write", full)
    assert (await base.jobs.result(job_id))["counted"] == 50
    assert base.jobs.records.need(job_id).state == "done"
    await base.jobs.start()
    assert [job.state for job in base.jobs.records] == ["interrupted"]
    with pytest.raises(Limit, match="full"):
        await submit(base, "count")


def test_the_limit_is_as_set_else_leaves_a_core_free_and_allows_two() -> None:
    assert worker_limit(5) == 5
    assert worker_limit(0) == max(2, (os.cpu_count() or 1) - 1)


async def test_a_finished_job_can_be_forgotten_and_one_that_runs_cannot(base: Base) -> None:
    jobs, count = base.jobs, "app.engine.jobs.drills:count"
    done = await jobs.submit("drill", count, {"steps": 1}, title="one", actor="ann")
    await jobs.result(done)
    await jobs.forget(done)
    assert list(jobs.records) == []
    assert await base.store.read(lambda conn: rows.select(conn, "jobs")) == []
    runs = await jobs.submit("drill", count, {"steps": 10**6, "pause_s": 0.005}, title="long", actor="ann")
    with pytest.raises(Conflict, match="has not ended"):
        await jobs.forget(runs)
    await jobs.cancel(runs)


async def test_whoever_waits_for_a_job_is_woken_whatever_becomes_of_its_row_and_its_watchers(
    base: Base, monkeypatch: Any
) -> None:
    async def count(report: Any) -> dict[str, Any]:
        report(1, 2, partial={"loss": float("nan")})
        return {"loss": float("inf"), "rounds": 2}

    def cannot(*_args: Any, **_kwargs: Any) -> None:
        raise ValueError("Out of range float values are not JSON compliant")

    job_id = await base.jobs.submit_local("tend", count, title="Tend", actor="ann@1")
    assert await base.jobs.result(job_id) == {"loss": None, "rounds": 2}
    assert base.jobs.records.need(job_id).partial == {"loss": None}
    job_id = await base.jobs.submit_local("tend", count, title="Tend", actor="ann@1")
    monkeypatch.setattr(ledger, "save", cannot)
    async with asyncio.timeout(30):
        assert (await base.jobs.result(job_id))["rounds"] == 2
    assert base.jobs.records.need(job_id).state == "done"


async def test_a_local_result_that_is_no_document_fails_the_job(base: Base) -> None:
    async def strange(report: Any) -> dict[str, Any]:
        return {"thing": object()}

    with pytest.raises(Bug, match="plain JSON"):
        await base.jobs.run_local("tend", strange, title="Tend", actor="ann@1")
    (job,) = base.jobs.records
    assert job.state == "failed"
