import asyncio
import contextlib

import pytest

from app.engine.base.errors import BadInput, Cancelled, Conflict, Offline
from app.engine.learning import nets, trials
from app.engine.learning.course import halves
from app.engine.learning.data import load_digits
from app.engine.learning.records import SESSIONS_KEPT
from app.engine.store import artifacts, rows
from app.wire import tensors

WHO = {"actor": "me@here", "cause": "c1"}
RATES = {"learning_rate": [0.0001, 0.2, 0.001, 0.1], "epochs": [1]}


async def everything(base):
    tables = ("federated_training_sessions", "federated_updates", "learning_rounds")
    return await base.store.read(lambda conn: [row for table in tables for row in rows.select(conn, table)])


@pytest.mark.parametrize("algorithm", ["fedavg", "scaffold"])
async def test_the_best_setting_is_found_over_nodes_and_is_as_good_as_a_session_with_it(base, learning, links, algorithm):
    told = await learning.tune_over(links.nodes, RATES, rounds=4, keep=2, seed=2, algorithm=algorithm, **WHO)
    best = told["best"]
    assert best["learning_rate"] in (0.1, 0.2)
    assert [(stage["settings"], stage["rounds"]) for stage in told["stages"]] == [(4, 2), (2, 4)]
    assert [trial["rounds"] for trial in told["trials"]] == [4, 4, 2, 2]
    assert (told["rounds_held"], told["rounds_whole"]) == (12, 16)
    whole = await learning.train(links.nodes, rounds=4, seed=2, algorithm=algorithm, **best, **WHO)
    params, _ = tensors.unpack(artifacts.load(base.home, whole["model"]), most_bytes=1 << 22)
    split = load_digits()
    judged, unseen = (nets.accuracy(nets.DIGITS_MODEL, params, *some) for some in halves(split.test_x, split.test_y))
    assert (told["trials"][0]["accuracy"], told["final_accuracy"]) == (judged, unseen)


async def test_a_tuning_over_nodes_moves_the_bytes_that_were_forecast_and_leaves_its_findings_alone(base, learning, links):
    asked = await learning.forecast(6, live=True, rounds=2, settings=4, keep=2)
    told = await learning.tune_over(links.nodes, RATES, rounds=2, keep=2, **WHO)
    assert told["bytes"] == asked["bytes"] == asked["round_bytes"] * told["rounds_held"]
    assert await everything(base) == []
    (run,) = learning.records
    assert (run.source, run.state, run.result["best"], list(learning.sessions)) == ("tuning", "done", told["best"], [])


async def test_a_tuning_over_nodes_that_is_cancelled_asks_no_more_of_them(base, learning, links, tmp_path, monkeypatch):
    monkeypatch.setattr(trials.tempfile, "tempdir", str(tmp_path))
    gate = links.clients["id3"].gate = asyncio.Event()
    asking = asyncio.create_task(learning.tune_over(links.nodes, RATES, rounds=4, **WHO))
    async with asyncio.timeout(30):
        while not links.clients["id3"].specs:
            await asyncio.sleep(0.01)
    (run,) = learning.records
    assert list(tmp_path.glob("outpost-*/outpost.db"))
    await base.jobs.cancel(run.job_id)
    with contextlib.suppress(Cancelled, asyncio.CancelledError):
        await asking
    gate.set()
    assert len(links.clients["id0"].specs) == 1
    assert learning.find(run.id).state == "cancelled"
    assert not [path for path in tmp_path.glob("outpost-*") if path.is_dir()]


async def test_what_waits_is_told_and_a_tuning_without_its_quorum_ends_as_a_session_does(base, learning, links):
    for name in ("id1", "id2", "id3", "id4"):
        links.clients[name].fail = Offline("unplugged")
    with pytest.raises(Offline, match="needs 3: node1: unplugged"):
        await learning.tune_over(links.nodes, RATES, rounds=4, patience_s=0.0, **WHO)
    (run,) = learning.records
    assert run.state == "failed"
    partial = base.jobs.records.need(run.job_id).partial
    assert partial["nodes"]["node1"]["state"] == "offline"
    assert partial["tries"] == {"learning_rate": 0.0001, "epochs": 1}


async def test_a_setting_whose_model_is_not_finite_is_the_worst_over_nodes_too(learning, links):
    wild = {"algorithm": "fedprox", "mu": 1e6, "rounds": 2, "norm_bound": 1e300}
    told = await learning.tune_over(links.nodes, {"learning_rate": [10.0, 1e-6]}, **wild, **WHO)
    assert (told["best"], told["trials"][-1]["accuracy"]) == ({"learning_rate": 1e-6}, 0.0)
    with pytest.raises(Conflict, match="None of the settings"):
        await learning.tune_over(links.nodes, {"learning_rate": [10.0, 5.0]}, **wild, **WHO)


async def test_a_tuning_that_does_not_fit_is_refused_before_any_node_is_asked(learning, links):
    many = {"learning_rate": [0.1 * at for at in range(1, SESSIONS_KEPT // 2 + 2)]}
    with pytest.raises(BadInput, match="9 settings: with scaffold nodes remember something of each, and do so for 8"):
        await learning.tune_over(links.nodes, many, algorithm="scaffold", **WHO)
    with pytest.raises(BadInput, match="among 7 or more"):
        await learning.tune_over(links.nodes, RATES, aggregator="krum", attackers=2, **WHO)
    with pytest.raises(Conflict, match="no nodes"):
        await learning.tune_over([], RATES, **WHO)
    assert not any(client.specs for client in links.clients.values())
    assert not list(learning.records)
