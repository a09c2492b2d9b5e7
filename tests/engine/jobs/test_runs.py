import asyncio
from typing import Any

import pytest

from app.engine.base.errors import BadInput, Cancelled, Missing, OutpostError
from app.engine.base.ids import new_id
from app.engine.jobs.base import Base
from app.engine.jobs.runs import RUNS, RunBook
from app.engine.store import artifacts, rows
from app.engine.store.schema import metadata

HOW = {"title": "Count", "source": "a.txt", "seed": 3, "actor": "ann@1", "cause": "c"}
COUNT = "app.engine.jobs.drills:count"


@pytest.fixture
async def book(base: Base) -> RunBook:
    made = RunBook(base, "qubo_runs")
    await made.load()
    return made


async def test_a_run_returns_everything_and_keeps_what_it_is_told(book: RunBook, base: Base) -> None:
    result = await book.execute("drill", COUNT, {"steps": 2}, **HOW, keep=lambda whole: {"counted": whole["counted"]})
    assert (result["counted"], result["seed"]) == (2, 3)
    (run,) = book.records
    assert (run.state, run.result, run.spec, run.source, run.title) == ("done", {"counted": 2}, {"steps": 2}, "a.txt", "Count")
    assert base.jobs.records.need(run.job_id).state == "done"
    stored = await base.store.read(lambda conn: rows.need(conn, "qubo_runs", run.id))
    assert (stored["author"], stored["result"]) == ("ann@1", {"counted": 2})
    again = RunBook(base, "qubo_runs")
    await again.load()
    assert list(again.records) == [run]


async def test_a_part_that_stands_apart_burdens_neither_memory_nor_store_and_comes_back(base: Base) -> None:
    book = RunBook(base, "qubo_runs", apart=("counted", "missing"))
    await book.load()
    await book.execute("drill", COUNT, {"steps": 2}, **HOW)
    (run,) = book.records
    assert run.result is not None
    assert "counted" not in run.result
    artifact = run.result["apart"]["artifact"]
    stored = await base.store.read(lambda conn: rows.need(conn, "qubo_runs", run.id))
    assert stored["result"] == run.result
    whole = await book.whole(run.id)
    assert whole.result is not None
    assert (whole.result["counted"], whole.result["seed"], "apart" in whole.result) == (2, 3, False)
    artifacts.path_of(base.home, artifact).unlink()
    assert (await book.whole(run.id)).result == {key: value for key, value in run.result.items() if key != "apart"}


async def test_a_failed_run_keeps_its_row_and_raises(book: RunBook) -> None:
    with pytest.raises(OutpostError, match="nothing to divide"):
        await book.execute("drill", "app.engine.jobs.drills:fail", {"how": "bug"}, **HOW)
    assert [(run.state, run.result) for run in book.records] == [("failed", None)]


async def test_bad_input_leaves_no_run_behind(book: RunBook, base: Base) -> None:
    with pytest.raises(BadInput, match="line 7"):
        await book.execute("drill", "app.engine.jobs.drills:fail", {"how": "told"}, **HOW)
    again = RunBook(base, "qubo_runs")
    await again.load()
    assert (list(book.records), list(again.records)) == ([], [])
    assert list(base.jobs.records) == []
    assert await base.store.read(lambda conn: rows.select(conn, "jobs")) == []


async def test_cancelling_the_waiting_task_ends_job_and_run(book: RunBook, base: Base, until: Any) -> None:
    waiting = asyncio.ensure_future(book.execute("drill", COUNT, {"steps": 10**6, "pause_s": 0.005}, **HOW))
    await until(lambda: any(job.done for job in base.jobs.records))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(lambda: all(job.state == "cancelled" for job in base.jobs.records))
    assert [run.state for run in book.records] == ["cancelled"]


@pytest.mark.parametrize("target, kept", [("count", "counted"), ("deaf", "pid")])
async def test_a_cancelled_run_may_keep_what_its_job_came_to_or_told_last(
    base: Base, until: Any, target: str, kept: str
) -> None:
    book, plain = RunBook(base, "qubo_runs", best_so_far=True), RunBook(base, "qubo_runs")
    spec = {"steps": 10**6, "pause_s": 0.005, "seconds": 3600.0}
    for one, wanted in ((book, {kept}), (plain, set())):
        running = asyncio.ensure_future(one.execute("drill", f"app.engine.jobs.drills:{target}", spec, **HOW))
        await until(lambda one=one: any(base.jobs.records.need(run.job_id).partial for run in one.records))
        (run,) = one.records
        await base.jobs.cancel(run.job_id)
        with pytest.raises(Cancelled):
            await running
        (run,) = one.records
        assert run.state == "cancelled"
        assert wanted <= set(run.result or {})
        assert bool(run.result) == bool(wanted)


@pytest.mark.parametrize("target, kept", [("count", "counted"), ("deaf", "pid")])
async def test_a_run_whose_waiter_is_cancelled_keeps_it_as_well(base: Base, until: Any, target: str, kept: str) -> None:
    book = RunBook(base, "qubo_runs", best_so_far=True)
    spec = {"steps": 10**6, "pause_s": 0.005, "seconds": 3600.0}
    waiting = asyncio.ensure_future(book.execute("drill", f"app.engine.jobs.drills:{target}", spec, **HOW))
    await until(lambda: any(job.partial for job in base.jobs.records))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    (run,) = book.records
    assert run.state == "cancelled"
    assert kept in (run.result or {})


async def test_work_on_the_loop_can_be_a_run_with_an_id_chosen_before(book: RunBook) -> None:
    run_id = new_id()

    async def work(report: Any) -> dict[str, Any]:
        report(1, 1)
        return {"run": run_id}

    assert await book.execute_local("tend", work, {"rounds": 1}, **HOW, run_id=run_id) == {"run": run_id}
    assert book.records.need(run_id).state == "done"


async def test_a_run_that_a_killed_process_left_is_interrupted_when_loaded(book: RunBook, base: Base) -> None:
    left = {"title": "Old", "state": "running"}
    await base.store.write(lambda conn: rows.put(conn, "qubo_runs", left, actor="ann@1", cause="", now_us=1))
    await book.load()
    assert [run.state for run in book.records] == ["interrupted"]


async def test_a_run_of_another_console_goes_on_and_what_becomes_of_it_is_seen(book: RunBook, base: Base) -> None:
    theirs = {"title": "Elsewhere", "state": "running", "job_id": new_id()}
    row = await base.store.write(lambda conn: rows.put(conn, "qubo_runs", theirs, actor="bob@2", cause="", now_us=1))
    await book.load()
    assert book.records.need(row["id"]).state == "running"
    done = {"id": row["id"], "state": "done"}
    await base.store.write(lambda conn: rows.put(conn, "qubo_runs", done, actor="bob@2", cause="", now_us=2))
    await book.refresh()
    assert book.records.need(row["id"]).state == "done"


async def test_bad_input_that_comes_up_later_leaves_what_was_reached(book: RunBook) -> None:
    async def work(report: Any) -> dict[str, Any]:
        report(2, 5, "rounds")
        raise BadInput("round 3 cannot be read")

    with pytest.raises(BadInput):
        await book.execute_local("tend", work, {"rounds": 5}, **HOW)
    assert [run.state for run in book.records] == ["failed"]


async def test_a_run_that_goes_on_is_not_lost_when_it_cannot(book: RunBook) -> None:
    run_id = new_id()

    async def work(report: Any) -> dict[str, Any]:
        return {"rounds": 2}

    async def refuse(report: Any) -> dict[str, Any]:
        raise Missing("the data is gone")

    await book.execute_local("tend", work, {}, **HOW, run_id=run_id)
    with pytest.raises(Missing):
        await book.execute_local("tend", refuse, {}, **HOW, run_id=run_id)
    assert book.records.need(run_id).state == "failed"


async def test_a_run_that_is_erased_while_it_goes_takes_its_job_with_it_and_does_not_come_back(
    book: RunBook, base: Base, until: Any
) -> None:
    await book.execute("drill", COUNT, {"steps": 1}, **HOW)
    going = asyncio.ensure_future(book.execute("drill", COUNT, {"steps": 1_000_000, "pause_s": 0.02}, **HOW))
    await until(lambda: len(book.records) == 2 and any(job.state == "running" and job.done for job in base.jobs.records))
    for run in book.records:  # as `scrub.job` does it where an erasure arrives

        def erase(conn: rows.Conn, run: Any = run) -> None:
            rows.drop_many(conn, "jobs", where={"id": run.job_id})
            conn.exec_driver_sql("DELETE FROM qubo_runs WHERE id = ?", (run.id,))

        await base.store.write(erase)
    await base.jobs.refresh()
    assert [job.state for job in base.jobs.records] in (["cancelling"], [])
    with pytest.raises(OutpostError, match="cancelled"):
        await going
    await until(lambda: not len(base.jobs.records))
    assert await base.store.read(lambda conn: (rows.count(conn, "jobs"), rows.count(conn, "qubo_runs"))) == (0, 0)


async def test_a_job_whose_row_goes_while_its_end_is_written_writes_none(base: Base) -> None:
    job_id = await base.jobs.submit("drill", COUNT, {"steps": 1}, title="Count", actor="ann@1")
    await base.store.write(lambda conn: rows.drop_many(conn, "jobs", where={"id": job_id}))
    assert (await base.jobs.result(job_id))["counted"] == 1
    assert await base.store.read(lambda conn: rows.count(conn, "jobs")) == 0


def test_every_table_of_runs_is_known() -> None:
    assert sorted(RUNS) == sorted(name for name, made in metadata.tables.items() if "job_id" in made.c)
