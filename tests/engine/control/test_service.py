import asyncio
import errno
from dataclasses import replace

import psutil
import pytest

from app.engine.base.clock import SystemClock
from app.engine.base.errors import BadInput, Cancelled, Conflict, Missing, OutpostError
from app.engine.base.events import Bus
from app.engine.base.rings import Samples
from app.engine.base.settings import Settings
from app.engine.control import service
from app.engine.control.adapters import cgroup
from app.engine.control.orders import Orders
from app.engine.control.records import LET_GO, RUNS
from app.engine.control.service import ControlService
from app.engine.jobs.base import Base
from app.engine.jobs.records import Job
from app.engine.jobs.runs import Run
from app.engine.jobs.service import Jobs
from app.engine.observe.timeline import Filter, find
from app.engine.store import audit
from app.engine.store.store import Store
from tests.engine.control.groups import laid_out, limit_of

ASKED = {
    "resource": "threadpool", "seconds": 0.5, "seed": 3, "low": 2, "high": 64, "law": "pid", "mode": "apply",
    "rate_hz": 200.0, "service_s": 0.05, "actor": "me@here", "cause": "test",
}  # fmt: skip


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
async def control(base):
    service = ControlService(base)
    await service.start()
    yield service
    await service.stop()


async def test_a_run_streams_samples_and_is_found_again_after_a_restart(base, control):
    result = await control.run(**ASKED)
    assert result["bounds_violations"] == 0
    (run,) = control.records
    assert (run.state, run.source, run.result["ticks"]) == ("done", "threadpool", result["ticks"])
    assert set(base.samples.metrics(run.job_id)) == {"target", "size", "queue", "wait_s", "force", "position", "velocity"}
    again = ControlService(base)
    await again.start()
    assert again.show(run.id)["result"] == result


async def test_every_change_a_controller_makes_stands_in_the_audit_trail_with_its_reason(base, control):
    result = await control.run(**{**ASKED, "seconds": 1.5})
    rows = await base.store.read(lambda conn: audit.find(conn, command="control.action", limit=1000))
    made = [one["n"] for one in result["actions"]]
    assert made == list(range(1, len(made) + 1))
    assert len(made) > 1
    told = [(row["args"]["before"], row["args"]["after"], row["detail"], row["actor"]) for row in reversed(rows)]
    assert told == [(one["before"], one["after"], one["reason"], "me@here") for one in result["actions"]]
    assert not [one for one in await base.store.read(lambda conn: find(conn, Filter())) if one["what"] == "control.action"]
    (run,) = control.records
    about = await base.store.read(lambda conn: find(conn, Filter(object=run.job_id, kind="command"), 1000))
    assert len(about) == len(made)


async def test_a_process_pool_is_steered_from_the_process_of_its_job(base, control):
    result = await control.run(**{**ASKED, "resource": "processpool", "rate_hz": 5.0, "high": 3})
    assert (result["unit"], result["bounds_violations"]) == ("processes", 0)
    assert result["tasks"] + result["unserved"] == result["submitted"]


async def test_cancelling_the_wait_cancels_the_run(base, control):
    waiting = asyncio.create_task(control.run(**{**ASKED, "seconds": 600.0}))
    started = asyncio.Event()
    undo = base.jobs.records.watch(lambda change: [started.set() for job in change.changed if job.partial])
    async with asyncio.timeout(20):
        await started.wait()
    undo()
    waiting.cancel()
    with pytest.raises((asyncio.CancelledError, Cancelled)):
        await waiting
    assert [run.state for run in control.records] == ["cancelled"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"resource": "gearbox"}, "no resource gearbox; choose from threadpool, processpool"),
        ({"low": 9, "high": 3}, "low 9 and high 3 must be ascending"),
        ({"resource": "cgroup"}, "A control group is named by its folder"),
        ({"group": "/sys/fs/cgroup/mine"}, "A control group is named by its folder, and nothing else is"),
        ({"mode": "shout"}, "A mode is observe"),
        ({"law": "warp"}, "no control law warp"),
    ],
)
async def test_what_cannot_be_run_is_refused_and_leaves_nothing(base, control, wrong, told):
    with pytest.raises(BadInput, match=told):
        await control.run(**{**ASKED, **wrong})
    assert len(control.records) == len(base.jobs.records) == 0


async def test_the_list_tells_the_last_action_apart_from_the_last_turn_and_names_the_bound(base, control):
    acted = {"n": 4, "at_us": 1, "before": 7.0, "wanted": 9.4, "after": 8.0, "reason": "rate limit"}
    told = {"size": 8.0, "reason": "law", "bound": "upper bound", "actions": [{**acted, "reason": "law"}, acted]}
    base.jobs.records.put(Job("j", "control", "auto", "running", 1, partial=told))
    control.records.put(Run("r", "j", "auto", "threadpool", created_us=1))
    control.records.put(Run("s", "gone", "auto", "threadpool", created_us=0, result={"actions": [acted]}))
    control.records.put(Run("t", "gone", "pid", "threadpool"))
    live, ended, idle = control.list()["controllers"]
    assert (live["action_reason"], live["turn_reason"], live["bound"]) == ("rate limit", "law", "upper bound")
    assert (live["action_before"], live["action_after"]) == (7.0, 8.0)
    assert (ended["action_reason"], ended["turn_reason"], ended["bound"]) == ("rate limit", "", "")
    assert (idle["action_reason"], idle["action_before"]) == ("", None)


async def test_who_names_no_mode_is_only_told_what_a_controller_would_do(control):
    asked = {name: value for name, value in ASKED.items() if name != "mode"}
    result = await control.run(**asked)
    assert (result["mode"], result["actions"], result["resizes"]) == ("recommend", [], 0)
    assert set(result["series"]["reason"]) == {"recommended only"}
    assert control.list()["controllers"][0]["mode"] == "recommend"


async def test_a_mode_and_an_end_reach_a_controller_that_runs(base, control, tmp_path, monkeypatch):
    waiting = asyncio.create_task(control.run(**{**ASKED, "seconds": 600.0, "mode": "observe"}))
    reasons, seen = [], asyncio.Event()

    def look(change):
        reasons.extend(job.partial.get("reason", "") for job in change.changed)
        seen.set()

    undo = base.jobs.records.watch(look)

    async def until(wanted):
        async with asyncio.timeout(30):
            while not any(wanted(reason) for reason in reasons):
                seen.clear()
                await seen.wait()

    await until(lambda reason: reason == "observed only")
    (run,) = control.records
    assert control.list()["controllers"][0]["turn_reason"] == "observed only"
    assert control.order(run.id, "apply") == {"id": run.id, "order": "apply"}
    await until(lambda reason: reason and reason != "observed only")
    assert control.list()["controllers"][0]["mode"] == "apply"
    job = base.jobs.records.need(run.job_id)
    with monkeypatch.context() as patched:
        patched.setattr(base.jobs.records, "get", lambda _id: replace(job, partial={"mode": "killed"}))
        with pytest.raises(Conflict, match="taken off by the kill switch"):
            control.order(run.id, "apply")
    control.order(run.id, "end")
    result = await waiting
    undo()
    assert result["ended_early"]
    assert control.show(run.id)["spec"]["mode"] == "observe"
    assert result["mode"] == control.list()["controllers"][0]["mode"] == "apply"
    assert result["wall_s"] < 60
    asked = []

    async def execute(_kind, _target, spec, **_more):
        asked.append(spec)
        return {}

    with monkeypatch.context() as patched:
        patched.setattr(control._book, "execute", execute)
        await control.replay(run.id, model="static", actor="me@here")
    told = {name: asked[0][name] for name in ("since_s", "mode_size")}
    assert (asked[0]["run"]["mode"], told) == ("apply", {"since_s": result["mode_since_s"], "mode_size": result["mode_size"]})
    assert result["mode_since_s"] > 0
    assert result["mode_size"] == result["safe_size"]  # it had only looked until then
    with pytest.raises(Conflict, match="does not run now"):
        control.order(run.id, "apply")
    assert control.list()["controllers"][0]["state"] == "done"
    for ending, word in (("json", "p99_wait_s"), ("csv", "at_s,"), ("html", "<table>")):
        file = tmp_path / f"run.{ending}"
        assert (await control.export(run.id, file))["size_bytes"] > 100
        assert word in file.read_text("utf-8")
        with pytest.raises(Conflict, match="exists already"):
            await control.export(run.id, file)
        assert (await control.export(run.id, file, replace=True))["size_bytes"] > 100
    with pytest.raises(BadInput, match=r"\.json, \.csv or \.html"):
        await control.export(run.id, tmp_path / "run.txt")


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ({"mode": "killed", "reason": "kill switch, safe size", "size": 8.0}, ("done", 8.0)),
        ({"mode": "killed", "reason": "not applied: busy", "size": 30.0}, ("refused", 30.0)),
        ({"mode": "apply"}, ("unheard", None)),
        (None, ("ended", None)),
    ],
)
async def test_a_kill_tells_what_it_came_to(control, tmp_path, monkeypatch, told, outcome):
    base = control._base
    monkeypatch.setattr("app.engine.control.service._HEARD_S", 0.2)
    base.jobs.records.put(Job("j", "control", "auto", "running", 1, partial={"mode": "apply", "reason": "law"}))
    control.records.put(Run("r", "j", "auto", "threadpool", spec={"orders": "elsewhere"}))
    with pytest.raises(Conflict, match="does not run in this console"):
        await control.kill("r")
    control._live["r"] = tmp_path / "r.orders"
    asking = asyncio.create_task(control.kill("r"))
    async with asyncio.timeout(20):
        while not (tmp_path / "r.orders").exists():
            await asyncio.sleep(0)
    job = base.jobs.records.need("j")
    base.jobs.records.put(replace(job, state="done") if told is None else replace(job, partial=told))
    answer = await asking
    assert (answer["id"], answer["order"], answer["outcome"], answer["size"]) == ("r", "kill", *outcome)
    assert answer["reason"] == ("" if outcome[1] is None else told["reason"])


async def test_a_run_that_ended_tells_the_mode_of_its_result_and_not_the_one_it_told_last(base, control):
    base.jobs.records.put(Job("j", "control", "auto", "done", 1, partial={"mode": "observe"}))
    control.records.put(Run("r", "j", "auto", "threadpool", spec={"mode": "observe"}, result={"mode": "apply"}, state="done"))
    assert control.list()["controllers"][0]["mode"] == "apply"


async def test_a_trial_a_replay_and_a_tuning_are_kept_as_runs(control, tmp_path):
    await control.run(**ASKED)
    (run,) = control.records
    asked = {
        "resource": "threadpool",
        "load": "bursty",
        "seed": 1,
        "actor": "me@here",
        "trace": None,
        "candidates": 2,
        "seeds": 4,
    }
    trial = await control.trial(**asked, model="coherent", against="static,pid", weight=1.0, service_s=0.05)
    assert [one["against"] for one in trial["per"]] == ["static", "pid"]
    replay = await control.replay(run.id, model="static", actor="me@here")
    assert (replay["kind"], set(replay["laws"])) == ("simulated", {"static", "pid"})
    tuned = await control.tune(**asked, model="coherent")
    assert tuned["accepted"] == (tuned["verdict"] == "better")
    assert tuned["tried"] == 2
    assert control.show(tuned["id"])["result"]["settings"] == tuned["settings"]
    assert len(control.records) == 4
    tried = next(one for one in control.records if one.title.startswith("Trial"))
    await control.export(tried.id, tmp_path / "trial.html")
    assert "<svg" in (tmp_path / "trial.html").read_text("utf-8")
    with pytest.raises(Conflict, match="cannot be replayed"):
        await control.replay(tried.id, model="static", actor="me@here")


def tuning(told, **more):
    spec = {"resource": "threadpool", "model": "coherent", **more}
    return Run("t", "j-t", "Tuning of coherent on bursty", "threadpool", spec=spec, result=told, state="done")


FOUND = {"accepted": True, "law": "coherent", "settings": {"beta": 2.4, "band": 0.06}}


async def test_what_a_tuning_found_steers_a_run_and_its_replay(control):
    control.records.put(tuning(FOUND))
    told = await control.run(**{**ASKED, "law": "coherent", "tuned": "t"})
    (run,) = [one for one in control.records if one.title == "coherent, tuned, on threadpool, 0.5 s"]
    assert (told["law"], told["settings"]) == ("coherent", FOUND["settings"])
    assert run.spec["settings"] == FOUND["settings"]
    again = await control.replay(run.id, model="coherent", actor="me@here")
    assert (again["model"], again["against"]) == ("coherent", "coherent tuned")
    assert again["laws"]["coherent"]["sizes"] != again["laws"]["coherent tuned"]["sizes"]


async def test_where_a_fourth_runs_all_tell_of_their_turns_less_often(control, monkeypatch):
    asked, ended = [], asyncio.Event()

    async def execute(_kind, _target, spec, **_more):
        asked.append(Orders(spec["orders"]))
        await ended.wait()
        return {}

    monkeypatch.setattr(control._book, "execute", execute)
    runs = [asyncio.create_task(control.run(**ASKED)) for _ in range(5)]
    await asyncio.sleep(0)
    assert [len(one.take()) for one in asked] == [2, 2, 2, 2, 1]
    ended.set()
    await asyncio.gather(*runs)
    assert not list((control._orders).iterdir())
    alone = asyncio.create_task(control.run(**ASKED))
    await alone
    assert asked[-1].take() == []


@pytest.mark.parametrize(
    ("run", "error", "told"),
    [
        (tuning(FOUND, model="pid"), BadInput, "fits neither coherent nor"),
        (tuning(FOUND, resource="queue"), BadInput, "a resource of this kind of plant"),
        (tuning({**FOUND, "accepted": False}), Conflict, "was refused, what it found is no improvement"),
        (tuning({"ticks": 5}), Conflict, "is no tuning"),
        (tuning(None), Conflict, "is no tuning"),
        (tuning({**FOUND, "settings": {"warp": 9}}), BadInput, "coherent has no setting warp"),
    ],
)
async def test_what_is_no_tuning_of_the_law_steers_nothing(control, run, error, told):
    control.records.put(run)
    with pytest.raises(error, match=told):
        await control.run(**{**ASKED, "law": "coherent", "tuned": "t"})
    with pytest.raises(Missing):
        await control.run(**{**ASKED, "tuned": "nobody"})


async def test_a_model_is_confirmed_on_the_real_resource_in_thirty_blocks(control, tmp_path):
    asked = {
        "resource": "threadpool", "model": "auto", "against": "static", "seconds": 0.1, "low": 2, "high": 8, "rate_hz": 40.0,
        "service_s": 0.01, "seed": 1, "actor": "me@here",
    }  # fmt: skip
    with pytest.raises(BadInput, match="At least 30 blocks"):
        await control.confirm(**asked, blocks=29)
    with pytest.raises(BadInput, match="peers other than"):
        await control.confirm(**{**asked, "against": "auto"}, blocks=30)
    control.records.put(tuning({**FOUND, "law": "pid", "settings": {"kp": 0.5}}, model="auto"))
    told = await control.confirm(**asked, blocks=30, tuned="t")
    assert told["tuned"] == {"auto": {"law": "pid", "settings": {"kp": 0.5}}}
    assert (told["kind"], told["blocks"], len(told["laws"]["auto"]["blocks"])) == ("measured", 30, 30)
    assert [one["against"] for one in told["per"]] == ["static"]
    (run,) = [one for one in control.records if one.id != "t"]
    await control.export(run.id, tmp_path / "blocks.html")
    assert "Measured on a real threadpool" in (tmp_path / "blocks.html").read_text("utf-8")


async def test_a_run_in_bytes_is_kept_and_is_not_replayed_nor_confirmed(control):
    told = await control.run(**{**ASKED, "resource": "socket", "law": "auto", "low": 0, "high": 0, "rate_hz": 0.0})
    assert (told["unit"], told["bounds_violations"]) == ("bytes", 0)
    (run,) = control.records
    assert (run.spec["low"], run.spec["high"]) == (RUNS["socket"].low, RUNS["socket"].high)
    with pytest.raises(Conflict, match="served no tasks whose waits"):
        await control.replay(run.id, model="pid", actor="me@here")
    with pytest.raises(BadInput, match="socket serves no tasks by whose waits"):
        await control.confirm(resource="socket", model="auto", against="static", blocks=30, seconds=0.1, low=0, high=0,
                              rate_hz=0.0, service_s=0.05, seed=0, actor="me@here")  # fmt: skip


async def test_a_batch_is_neither_replayed_nor_tried_in_the_simulator(control):
    spec = {"resource": "batch", "rate_hz": 60.0, "law": "auto", "seconds": 1.0}
    control.records.put(Run("b", "j-b", "auto on batch, 1 s", "batch", spec=spec, result={}, state="done"))
    with pytest.raises(Conflict, match="served no tasks whose waits could be played again"):
        await control.replay("b", model="static", actor="me@here")
    for resource in ("batch", "memory"):
        with pytest.raises(BadInput, match=r"models could be told apart|shares one fixed cost"):
            await control.tune(resource=resource, model="auto", trace=None, load="bursty", candidates=2, seeds=4, seed=1,
                               actor="me@here")  # fmt: skip
    assert len(control.records) == 1


async def test_an_unknown_run_is_missing(control):
    with pytest.raises(Missing, match="no run nobody"):
        control.show("nobody")


async def test_what_can_be_controlled_is_listed_with_why_not(control, monkeypatch):
    monkeypatch.setattr(cgroup, "lacking", lambda: "not delegated to this user")
    told = (await control.resources())["resources"]
    assert told[0]["name"] == "threadpool"
    assert len(told) >= 8
    assert {one["name"]: one["why_not"] for one in told if one["why_not"]} == {"cgroup": "not delegated to this user"}


async def test_a_group_is_left_as_it_was_found_when_the_console_closes_and_when_it_was_killed(base, control, tmp_path, claims):
    group = laid_out(tmp_path / "group", "4000000000")
    asked = {**ASKED, "resource": "cgroup", "group": str(group), "seconds": 60, "low": 1 << 20, "high": 1 << 30, "law": "auto"}
    task = asyncio.create_task(control.run(**asked))
    async with asyncio.timeout(60):
        while limit_of(group) == "4000000000":
            await asyncio.sleep(0.01)
    (note,) = claims.glob("*.found")
    left = note.read_text()
    await base.jobs.stop()
    with pytest.raises(Cancelled):
        await task
    assert limit_of(group) == "4000000000"
    assert not note.exists()
    # As a process that was killed hard leaves it; the console that starts next may be of another home.
    note.write_text(left)
    (group / "memory.high").write_text("77\n")
    again = ControlService(replace(base, home=tmp_path / "another"))
    await again.start()
    await again.stop()
    assert limit_of(group) == "4000000000"
    assert not note.exists()


async def test_a_group_whose_run_is_killed_gets_its_limit_back_at_once(base, control, tmp_path, claims):
    group = laid_out(tmp_path / "group", "4000000000")
    asked = {**ASKED, "resource": "cgroup", "group": str(group), "seconds": 60, "low": 1 << 20, "high": 1 << 30, "law": "auto"}
    before = {child.pid for child in psutil.Process().children()}
    task = asyncio.create_task(control.run(**asked))
    async with asyncio.timeout(60):
        while limit_of(group) == "4000000000":
            await asyncio.sleep(0.01)
    for child in psutil.Process().children():
        if child.pid not in before and "spawn_main" in " ".join(child.cmdline()):
            child.kill()
    with pytest.raises(OutpostError):
        await task
    assert limit_of(group) == "4000000000"
    assert not list(claims.glob("*.found"))


async def test_the_list_tells_of_a_run_that_ended_what_was_left_and_no_target_or_bound(base, control):
    result = await control.run(**{**ASKED, "seconds": 1.2})
    (line,) = control.list()["controllers"]
    last = result["actions"][-1]
    assert (line["size"], line["action_reason"]) == (last["after"], last["reason"])
    assert (line["target"], line["force"], line["bound"]) == (None, None, "")
    task = asyncio.create_task(control.run(**{**ASKED, "seconds": 60}))
    async with asyncio.timeout(60):
        while not (lines := control.list()["controllers"])[0]["action_reason"] or lines[0]["state"] != "running":
            await asyncio.sleep(0.01)
    assert lines[0]["target"] is not None
    await base.jobs.cancel(control.records.need(lines[0]["id"]).job_id)
    with pytest.raises(Cancelled):
        await task
    line = control.list()["controllers"][0]
    assert (line["state"], line["action_reason"], line["target"]) == ("cancelled", LET_GO, None)
    assert line["size"] == line["action_after"]


def test_a_report_that_could_not_be_written_whole_leaves_what_was_there(tmp_path, monkeypatch):
    def fail(_file):
        raise OSError(errno.ENOSPC, "No space left on device")

    kept, new = tmp_path / "kept.html", tmp_path / "new.html"
    kept.write_text("the old report")
    monkeypatch.setattr("os.fsync", fail)
    for file in (kept, new):
        with pytest.raises(BadInput, match="No space left"):
            service._write(file, b"a report", replace=True)
    assert kept.read_text() == "the old report"
    assert not new.exists()
