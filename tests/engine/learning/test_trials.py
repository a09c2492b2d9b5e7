import asyncio
import contextlib

import pytest

from app.engine.base.errors import BadInput, Cancelled, Conflict, Offline
from app.engine.learning import nets, trials
from app.engine.learning.course import halves
from app.engine.learning.data import load_digits
from app.engine.learning.records import SESSIONS_KEPT
from app.engine.learning.service import LearningService
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


async def test_a_tuning_over_nodes_that_is_cancelled_asks_no_more_of_them(base, learning, links):
    gate = links.clients["id3"].gate = asyncio.Event()
    asking = asyncio.create_task(learning.tune_over(links.nodes, RATES, rounds=4, **WHO))
    async with asyncio.timeout(30):
        while not links.clients["id3"].specs:
            await asyncio.sleep(0.01)
    (run,) = learning.records
    assert trials.folder_of(base.home, run.id).exists()
    await base.jobs.cancel(run.job_id)
    with contextlib.suppress(Cancelled, asyncio.CancelledError):
        await asking
    gate.set()
    assert len(links.clients["id0"].specs) == 1
    assert learning.find(run.id).state == "cancelled"
    assert not trials.folder_of(base.home, run.id).exists()
    with pytest.raises(Conflict, match="does not train over nodes"):
        await learning.resume(run.id, **WHO)


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
    with pytest.raises(BadInput, match="With fedper each client trains a last layer of its own"):
        await learning.tune_over(links.nodes, RATES, algorithm="fedper", **WHO)
    with pytest.raises(Conflict, match="no nodes"):
        await learning.tune_over([], RATES, **WHO)
    assert not any(client.specs for client in links.clients.values())
    assert not list(learning.records)


def asked_of(links):
    return sum(len(client.specs) for client in links.clients.values())


@pytest.mark.parametrize("algorithm", ["fedavg", "scaffold"])
async def test_a_tuning_that_broke_off_for_want_of_nodes_goes_on_after_the_rounds_it_held(base, learning, links, algorithm):
    asked = {"rounds": 4, "keep": 2, "seed": 2, "algorithm": algorithm, "patience_s": 0.0}
    whole = await learning.tune_over(links.nodes, RATES, **asked, **WHO)
    orders, first = asked_of(links), links.clients["id0"]
    train, left = first.train, [9]  # all of the first stage, and one round of the second

    async def once_away(*args, **more):
        left[0] -= 1
        if left[0] < 0:
            for client in links.clients.values():
                client.fail = Offline("unplugged")
        return await train(*args, **more)

    first.train = once_away
    with pytest.raises(Offline):
        await learning.tune_over(links.nodes, RATES, **asked, **WHO)
    broken, first.train = list(learning.records)[-1], train
    lost = asked_of(links) - orders - 9 * len(links.nodes)
    for client in links.clients.values():
        client.fail = None
    service = LearningService(base, links)  # as after the engine has ended
    await service.start()
    told = await service.resume("latest", **WHO)
    assert told == {**whole, "run_id": broken.id}
    assert asked_of(links) - lost == 2 * orders
    assert service.find(broken.id).state == "done"
    assert not trials.folder_of(base.home, broken.id).exists()


async def test_a_tuning_that_ended_with_the_engine_goes_on(base, learning, links):
    gate = links.clients["id3"].gate = asyncio.Event()
    asking = asyncio.create_task(learning.tune_over(links.nodes, RATES, rounds=2, keep=2, **WHO))
    async with asyncio.timeout(30):
        while not links.clients["id3"].specs:
            await asyncio.sleep(0.01)
    (run,) = learning.records
    await learning.stop()
    await base.jobs.cancel(run.job_id)
    with contextlib.suppress(Cancelled, asyncio.CancelledError):
        await asking
    gate.set()
    service = LearningService(base, links)
    await service.start()
    told = await service.resume(run.id, **WHO)
    assert (told["rounds_held"], service.find(run.id).state) == (6, "done")


def test_what_is_left_of_tunings_stays_of_the_newest_few_that_are_known(tmp_path):
    for name in "abcdef":
        trials.folder_of(tmp_path, name).mkdir(parents=True)
    trials.prune(tmp_path, ["a", "b", "c", "d", "e"])
    assert sorted(path.name for path in trials.folder_of(tmp_path, "a").parent.iterdir()) == ["c", "d", "e"]
    trials.prune(tmp_path / "empty", [])
