import asyncio
import dataclasses
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.engine.base.clock import SystemClock
from app.engine.base.errors import BadInput, Cancelled, Conflict, Infeasible, Missing
from app.engine.base.events import Bus
from app.engine.base.rings import Samples
from app.engine.base.settings import Settings
from app.engine.jobs.base import Base
from app.engine.jobs.service import Jobs
from app.engine.qubo import solvers
from app.engine.qubo.planted import cubes
from app.engine.qubo.problem import max_cut
from app.engine.qubo.problems import registry
from app.engine.qubo.reader import read_problem
from app.engine.qubo.readers.gset import write
from app.engine.qubo.service import QuboService
from app.engine.qubo.work import solve
from app.engine.store import rows
from app.engine.store.store import Store

ASKED = {"solver": "dwave-sa", "seconds": 0.3, "seed": 5, "actor": "me@here", "cause": "test"}
RING = "8 8\n" + "".join(f"{k + 1} {(k + 1) % 8 + 1} 1\n" for k in range(8))


def fail(error):
    raise error


@pytest.fixture
async def base(tmp_path):
    clock, bus, samples = SystemClock(), Bus(fail), Samples()
    settings = Settings(tmp_path / "settings.toml", str)
    store = await Store.open(tmp_path / "outpost.db", clock)
    jobs = Jobs(tmp_path, clock, settings, bus, samples, store)
    await jobs.start()
    yield Base(tmp_path, clock, settings, bus, samples, store, jobs)
    await jobs.stop()
    await store.close()


@pytest.fixture
async def service(base):
    made = QuboService(base)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def ring(tmp_path) -> Path:
    path = tmp_path / "ring.txt"
    path.write_text(RING)
    return path


async def test_a_run_streams_its_best_energy_and_is_found_again_after_a_restart(base, service, ring):
    result = await service.solve(file=ring, **ASKED)
    assert result["objective"] == 8
    (run,) = service.runs
    assert (run.state, run.source, run.result["sample"]) == ("done", "ring.txt", result["sample"])
    assert "best_energy" in base.samples.metrics(run.job_id)
    again = QuboService(base)
    await again.start()
    assert {"id": run.id, **(await again.show(run.id))["result"]} == result


async def test_runs_are_listed_newest_first(service, ring):
    first = await service.solve(file=ring, **ASKED)
    second = await service.solve(file=ring, **ASKED)
    rows = service.list_runs()
    assert [row["id"] for row in rows] == [second["id"], first["id"]]
    assert {(row["source"], row["solver"], row["objective"], row["outcome"]) for row in rows} == {
        (ring.name, first["solver"], first["objective"], "done")
    }
    (run, _) = service.runs
    service.runs.put(dataclasses.replace(run, state="cancelled", result={"objective": -7.0, "solver": "anneal"}))
    assert [row["objective"] for row in service.list_runs()] == [second["objective"], None]  # told, but of nothing checked


async def test_a_file_of_no_known_format_changes_nothing(base, service, tmp_path):
    (tmp_path / "x").write_text("hello\n")
    with pytest.raises(BadInput, match="x, line 1"):
        await service.solve(file=tmp_path / "x", **ASKED)
    with pytest.raises(Missing):
        await service.solve(file=tmp_path / "nowhere", **ASKED)
    assert len(service.runs) == len(base.jobs.records) == 0


async def test_an_unknown_solver_changes_nothing(service, ring):
    with pytest.raises(BadInput, match="magic"):
        await service.solve(file=ring, **{**ASKED, "solver": "magic"})
    assert len(service.runs) == 0


async def test_a_malformed_line_is_told_with_file_line_and_reason_and_leaves_nothing_behind(base, service, tmp_path):
    path = tmp_path / "bad.txt"
    path.write_text("3 2\n1 2 1\n1 9 1\n")
    with pytest.raises(BadInput, match=r"bad.txt, line 3: expected a whole number from 1 to 3, found '9'"):
        await service.solve(file=path, **ASKED)
    with pytest.raises(BadInput, match="line 3"):
        await service.compare(file=path, solvers="anneal;dwave-sa", seconds=0.1, runs=5, seed=1, actor="me@here")
    assert len(service.runs) == len(service.comparisons.records) == len(base.jobs.records) == 0


async def test_a_run_is_replayed_to_the_bit(service, ring, tmp_path):
    bits = tmp_path / "bits.qubo"
    bits.write_text("p qubo 0 2 2 1\n0 0 1\n1 1 2\n0 1 -4\n")
    for file, sense, best in ((ring, "auto", 8), (bits, "auto", -1), (bits, "max", 2)):
        result = await service.solve(file=file, **{**ASKED, "solver": "anneal", "sense": sense})
        assert result["objective"] == best
        run = next(run for run in service.runs if run.result["replay"] == result["replay"])
        again = await service.replay(run.id, actor="me@here")
        assert (again["same"], again["same_version"], again["objective"]) == (True, True, best)
    assert len(service.runs) == 3


async def test_the_answer_of_the_route_that_did_better_is_replayed_and_a_changed_file_is_told(service, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("name,x,y\n" + "".join(f"c{k},{k * 37 % 101},{k * 53 % 97}\n" for k in range(14)))
    result = await service.solve(file=path, seconds=0.4, seed=5, solver="auto", actor="me@here")
    (run,) = service.runs
    assert {row["route"] for row in result["routes"]} == {"domain", "qubo"}
    again = await service.replay(run.id, actor="me@here")
    assert (again["same"], again["is_answer"], again["verified"]) == (True, True, True)
    assert (again["answer"], again["objective"], again["id"]) == (result["answer"], result["objective"], result["id"])
    path.write_text(path.read_text().replace("c3,", "c33,"))
    with pytest.raises(Conflict, match="has changed since this run"):
        await service.replay(run.id, actor="me@here")
    path.write_text("nothing\n")
    with pytest.raises(Conflict, match="has changed since this run"):
        await service.replay(run.id, actor="me@here")


async def test_every_kind_that_is_imported_as_such_is_shown_and_solved_as_such_by_its_name(service, tmp_path):
    who = {"actor": "me@here", "cause": "test"}
    for kind in registry.KINDS:
        sample = registry.sample_of(kind)
        lines = sample.read_text("utf-8").splitlines(keepends=True)
        text = "".join(line for line in lines if not line.startswith("problem"))
        (tmp_path / sample.name).write_text(text, "utf-8")
        given = {"kind": kind, "name": f"my {kind}", **who}
        await service.problems.take(file=tmp_path / sample.name, text="", replace=False, **given)
        shown = await service.problems.show(file=f"my {kind}", kind="auto", **who)
        assert shown["problem"]["kind"] == kind
        solved = await service.solve(file=Path(f"my-{kind}"), seconds=0.1, seed=1, **who)
        assert solved["problem"] == {**shown["problem"], "name": solved["problem"]["name"]}
        await service.problems.take(file=None, text=text, replace=True, **given)
        assert (await service.problems.show(file=f"my {kind}", kind="auto", **who))["problem"]["kind"] == kind
    assert [row["kind"] for row in (await service.problems.list())["kept"]] == sorted(registry.KINDS)


async def test_a_run_without_a_recipe_is_checked_and_one_without_an_answer_is_told(service, ring):
    await service.solve(file=ring, **{**ASKED, "solver": "replicas"})
    (run,) = service.runs
    bare = {**run.result, "replay": None, "routes": []}
    service.runs.put(dataclasses.replace(run, result=bare))
    again = await service.replay(run.id, actor="me@here")
    assert (again["same"], again["verified"], again["energy"]) == (None, True, run.result["energy"])
    assert "left no recipe" in again["why"]
    service.runs.put(dataclasses.replace(run, result=None))
    with pytest.raises(Conflict, match="has no answer to replay"):
        await service.replay(run.id, actor="me@here")


async def test_a_comparison_is_kept_in_its_tables_and_reported(base, service, ring, tmp_path):
    asked = {"solvers": "anneal;dwave-descent", "seconds": 0.05, "runs": 5, "seed": 1, "actor": "me@here"}
    result = await service.compare(file=ring, **asked)
    assert {row["solver"] for row in result["rows"]} == {"anneal", "dwave-descent"}

    def read(conn):
        return {table: rows.select(conn, table) for table in ("quantum_tasks", "quantum_executions", "quantum_optimizations")}

    kept = await base.store.read(read)
    assert [len(kept[table]) for table in kept] == [1, 2, 1]
    assert kept["quantum_tasks"][0]["run_id"] == result["id"]
    flag = {"yes": 1, "no": 0, "undecided": None}[result["verdict"]]
    assert kept["quantum_optimizations"][0]["quantum_advantage"] == flag
    out = tmp_path / "report.html"
    told = await service.comparisons.report(result["id"], out, replace=False)
    assert out.stat().st_size == told["size_bytes"]
    with pytest.raises(Conflict, match="exists"):
        await service.comparisons.report(result["id"], out, replace=False)
    await service.comparisons.report(result["id"], out, replace=True)
    with pytest.raises(BadInput, match="cannot be written"):
        await service.comparisons.report(result["id"], tmp_path, replace=True)
    assert service.comparisons.show(result["id"])["result"]["verdict"] == result["verdict"]


async def test_cancelling_the_wait_ends_the_search(base, service, ring):
    waiting = asyncio.create_task(service.solve(file=ring, **{**ASKED, "seconds": 600.0}))
    started = asyncio.Event()
    undo = base.jobs.records.watch(lambda change: [started.set() for job in change.changed if job.partial])
    async with asyncio.timeout(60):
        await started.wait()
    undo()
    waiting.cancel()
    with pytest.raises((asyncio.CancelledError, Cancelled)):
        await waiting
    (run,) = service.runs
    assert run.state == "cancelled"


def endless(solver: str) -> dict[str, Any]:
    """Return the spec of a run that takes an hour, or, for methods that end by themselves, seconds."""
    if solver == "dwave-tree":
        nodes = np.arange(17 * 300).reshape(17, 300)
        pairs = np.concatenate([np.stack([nodes[:-1].ravel(), nodes[1:].ravel()]),
                                np.stack([nodes[:, :-1].ravel(), nodes[:, 1:].ravel()])], axis=1)  # fmt: skip
        graph = max_cut(nodes.size, (*pairs, np.ones(pairs.shape[1])))
    elif solver == "highs":  # it takes few variables, and needs hours for as many as these
        pairs = np.triu_indices(120, 1)
        graph = max_cut(120, (*pairs, np.random.default_rng(1).choice([-1.0, 1.0], len(pairs[0]))))
    else:
        graph = cubes((10, 10, 20), 1)[0]
    return {"text": write(graph), "name": solver, "solver": solver, "seconds": 3600.0}


LONG = [card.name for card in solvers.cards() if card.most_variables > 100]  # others end in a moment
DEAF = {"dwave-tree"}  # one call of a library that asks nothing; a cancel ends its process
_CEILING_S = 30.0  # of a wait that takes a fraction of a second, and an hour if nobody heeds the stop
_MOST_MORE = 100


@pytest.mark.parametrize("solver", [name for name in LONG if name not in DEAF])
def test_every_solver_that_can_heeds_a_stop_and_ends_by_itself(solver):
    began, ended = threading.Event(), []
    more = {"asked": 0, "told": 0}

    def report(_done, _total, _unit="", partial=None, _samples=None):
        if began.is_set():
            more["told"] += 1
        elif "best_energy" in (partial or {}):
            began.set()

    def stop():
        more["asked"] += began.is_set()
        return began.is_set()

    def work():
        ended.append(solve({**endless(solver), "threads": 1}, 1, report, stop))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert began.wait(60)
    thread.join(_CEILING_S)
    assert not thread.is_alive(), more
    assert ended[0]["verified"]
    assert more["asked"] <= _MOST_MORE
    assert more["told"] <= _MOST_MORE


@pytest.mark.parametrize("solver", LONG)
async def test_every_solver_is_cancelled_at_once_and_gone_soon(base, solver):
    who = {"title": solver, "actor": "me@here"}
    job_id = await base.jobs.submit("qubo", "app.engine.qubo.work:solve", endless(solver), **who)
    searching = asyncio.Event()

    def look(_change=None):
        job = base.jobs.records.need(job_id)
        if job.finished or job.partial or (solver == "dwave-tree" and job.state == "running"):
            searching.set()

    undo = base.jobs.records.watch(look)
    look()
    async with asyncio.timeout(60):
        await searching.wait()
    await base.jobs.cancel(job_id)
    assert base.jobs.records.need(job_id).state in {"cancelling", "cancelled"}
    with pytest.raises(Cancelled):
        async with asyncio.timeout(_CEILING_S):
            await base.jobs.result(job_id)
    assert base.jobs.records.need(job_id).state == "cancelled"
    undo()


async def test_a_comparison_that_is_ended_keeps_what_it_told_so_far(base, service, monkeypatch, tmp_path):
    monkeypatch.setattr("app.engine.qubo.comparisons.service._WORK", "app.engine.jobs.drills:deaf")
    told = asyncio.Event()
    undo = base.jobs.records.watch(lambda _change: any(job.partial for job in base.jobs.records) and told.set())
    spec = {"solvers": "anneal;dwave-sa", "seconds": 3600.0}
    going = asyncio.ensure_future(service.comparisons.compare(spec, source="g.txt", seed=1, actor="me@here"))
    async with asyncio.timeout(60):
        await told.wait()
    undo()
    (run,) = service.comparisons.records
    await base.jobs.cancel(run.job_id)
    with pytest.raises(Cancelled):
        await going
    (run,) = service.comparisons.records
    assert (run.state, "pid" in run.result) == ("cancelled", True)
    with pytest.raises(Conflict, match="no result to report"):
        await service.comparisons.report(run.id, tmp_path / "r.html", replace=False)


async def test_the_sample_that_comes_along_is_a_graph(service):
    problem = read_problem(service.sample_path())
    assert (problem.n, problem.couplings, problem.kind) == (800, 4800, "maxcut")
    assert service.sample()["file"] == str(service.sample_path())


async def test_solvers_describe_themselves(service):
    assert {card.name for card in service.solvers()} >= {"anneal", "dwave-sa", "exact"}


async def test_an_unknown_run_is_missing(service):
    with pytest.raises(Missing):
        await service.show("nothing")


async def test_what_is_proved_infeasible_stays_in_the_list_as_that_with_the_constraints_in_conflict(base, service, tmp_path):
    path = tmp_path / "ring.csv"
    path.write_text("problem = coloring\ncolors = 2\nfrom,to\n1,2\n2,3\n3,4\n4,5\n5,1\n")
    with pytest.raises(Infeasible, match="cannot be kept together"):
        await service.solve(file=path, seconds=5.0, seed=1, actor="me@here")
    (run,) = service.runs
    (job,) = (job for job in base.jobs.records if job.id == run.job_id)
    assert (run.state, run.outcome, job.outcome) == ("failed", "infeasible", "infeasible")
    assert "1 - 2" in run.result["infeasible"]
    told = await service.show(run.id)
    assert (told["state"], told["outcome"], set(dataclasses.asdict(run)) - set(told)) == ("failed", "infeasible", set())
    with pytest.raises(Conflict, match="has no answer"):
        await service.replay(run.id, actor="me@here")
    service.runs.put(dataclasses.replace(run, state="done", result={"feasible": False}))
    assert service.runs.need(run.id).outcome == "unanswered"
