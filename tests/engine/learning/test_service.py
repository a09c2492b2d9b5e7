import asyncio
import json

import numpy as np
import onnxruntime
import pytest

from app.engine.base.errors import BadInput, Cancelled, Conflict, Missing, Offline
from app.engine.base.events import RoundFinished
from app.engine.jobs.worker import MOST_BYTES
from app.engine.learning import nets
from app.engine.learning.data import load_digits
from app.engine.learning.service import SHARD_FILE, LearningService
from app.engine.learning.simulate import rounds as simulated_rounds
from app.engine.learning.strategy import Strategy
from app.engine.learning.work import LocalSpec
from app.engine.store import artifacts, rows
from app.wire import tensors

WHO = {"actor": "me@here", "cause": "c1"}


def params_of(base, artifact):
    return tensors.unpack(artifacts.load(base.home, artifact), most_bytes=1 << 22)[0]


def test_shards_part_the_training_digits_and_nothing_else(base):
    split = load_digits()
    held = [tensors.unpack(files[SHARD_FILE], most_bytes=1 << 22)[0] for files in LearningService(base, None).shard_files(6, 4)]
    assert sum(len(one["y"]) for one in held) == len(split.train_y)
    together = np.concatenate([np.column_stack([one["x"], one["y"]]) for one in held])
    whole = np.column_stack([split.train_x, split.train_y])
    assert np.array_equal(np.unique(together, axis=0), np.unique(whole, axis=0))
    assert any(len(set(one["y"])) < 10 or np.bincount(one["y"].astype(int)).max() > 0.3 * len(one["y"]) for one in held)


async def test_live_nodes_reach_ninety_percent_on_data_that_stays_with_them(base, learning, links):
    told = await learning.train(links.nodes, rounds=12, seed=1, **WHO)
    assert told["final_accuracy"] >= 0.9
    assert [row["round"] for row in told["rounds"]] == list(range(1, 13))
    assert set(told["rounds"][0]) == {"round", "accuracy", "loss", "cpu_s", "bytes", "time_s", "drift"}
    assert told["nodes"] == [f"node{n}" for n in range(6)]
    split = load_digits()
    accuracy = nets.accuracy(nets.DIGITS_MODEL, params_of(base, told["model"]), split.test_x, split.test_y)
    assert accuracy == told["final_accuracy"]


async def test_live_nodes_and_a_simulation_come_to_the_same_bits(base, learning, links, same):
    told = await learning.train(links.nodes, rounds=3, seed=7, **WHO)
    split = load_digits()
    strategy = Strategy(LocalSpec(seed=7, epochs=5, learning_rate=0.1))
    steps = simulated_rounds(
        nets.initial(nets.DIGITS_MODEL, 7), strategy, links.people(), (split.test_x, split.test_y), lambda: 0.0
    )
    *_, third = (next(steps) for _ in range(3))
    assert same(params_of(base, told["model"]), third.params)


async def test_a_run_is_told_live_and_kept_round_by_round(base, learning, links):
    events, partials = [], []
    base.bus.subscribe(events.append, RoundFinished)
    base.jobs.records.watch(lambda change: partials.extend(job.partial for job in change.changed if job.partial))
    told = await learning.train(links.nodes, rounds=3, seed=0, **WHO)
    assert [(event.round, event.run_id) for event in events] == [(n, told["run_id"]) for n in (1, 2, 3)]
    (run,) = learning.records
    assert (run.state, run.id) == ("done", told["run_id"])
    _, accuracies = base.samples.ring(run.job_id, "accuracy_ratio").tail()
    assert accuracies.tolist() == [row["accuracy"] for row in told["rounds"]]
    assert len(base.samples.ring(run.job_id, "loss").tail()[0]) == 3
    assert partials[-1]["round"] == 3
    assert partials[-1]["accuracy"] == told["final_accuracy"]
    assert {node["state"] for node in partials[-1]["nodes"].values()} == {"done"}
    stored = await base.store.read(lambda conn: rows.select(conn, "learning_rounds", order="round"))
    assert [row["round"] for row in stored] == [1, 2, 3]
    assert stored[2]["details"]["model"] == told["model"]
    assert [part["name"] for part in stored[0]["details"]["parts"]] == told["nodes"]


async def test_a_node_that_drops_out_is_named_in_the_round_it_missed(learning, links):
    async def unplugged(round_id, order, *asked):
        if order.spec["round"] == 2:
            raise Offline("The node cannot be reached")
        return await begin(round_id, order, *asked)

    begin, links.clients["id2"].train = links.clients["id2"].train, unplugged
    told = await learning.train(links.nodes, rounds=3, seed=0, **WHO)
    shown = await learning.show(told["run_id"])
    states = [[part["state"] for part in row["parts"]] for row in shown["rounds"]]
    assert states[0] == states[2] == ["done"] * 6
    assert states[1] == ["done", "done", "offline", "done", "done", "done"]
    assert shown["rounds"][1]["parts"][2]["reason"] == "The node cannot be reached"
    assert links.clients["id2"].since == [0, 1]  # the last round in which it counted; that of round 2 never began
    assert links.clients["id0"].since == [0, 1, 2]


async def test_when_too_few_answer_the_run_fails_and_earlier_rounds_are_kept(learning, links):
    for client in list(links.clients.values())[:4]:
        begin = client.train

        async def unplugged(round_id, order, *asked, begin=begin):
            if order.spec["round"] == 3:
                raise Offline("unplugged")
            return await begin(round_id, order, *asked)

        client.train = unplugged
    with pytest.raises(Offline, match="Round 3"):
        await learning.train(links.nodes, rounds=5, seed=0, patience_s=0.0, **WHO)
    shown = await learning.show("latest")
    assert shown["state"] == "failed"
    assert len(shown["rounds"]) == 2
    assert shown["final_accuracy"] == shown["rounds"][1]["accuracy"]


async def test_a_cancelled_run_keeps_its_rounds_and_leaves_nothing_behind(base, learning, links):
    links.clients["id0"].gate = gate = asyncio.Event()
    waiting = asyncio.create_task(learning.train(links.nodes, rounds=50, seed=0, **WHO))
    async with asyncio.timeout(20):
        while not (links.clients["id5"].answers and len(learning.records)):
            await asyncio.sleep(0)
        (run,) = learning.records
        await base.jobs.cancel(run.job_id)
        with pytest.raises(Cancelled):
            await waiting
    assert not gate.is_set()
    assert learning.find(run.id).state == "cancelled"
    with pytest.raises(Conflict, match="finished no round"):
        await learning.export(run.id, **WHO)


async def test_runs_are_found_again_after_a_restart(base, learning, links):
    told = await learning.train(links.nodes, rounds=2, seed=0, **WHO)
    simulated = await learning.simulate(clients=12, rounds=2, seed=0, **WHO)
    again = LearningService(base, links)
    await again.start()
    newest, first = again.runs()
    assert (newest["id"], newest["source"], newest["rounds"]) == (simulated["run_id"], "simulation", 2)
    assert (first["id"], first["final_accuracy"]) == (told["run_id"], told["final_accuracy"])
    assert [row["loss"] for row in (await again.show(first["id"]))["rounds"]] == [row["loss"] for row in told["rounds"]]
    assert (await again.show("latest"))["rounds"] == simulated["rounds"]


async def test_a_simulation_runs_in_a_worker_with_live_samples(base, learning):
    told = await learning.simulate(clients=20, rounds=5, seed=3, **WHO)
    assert told["spread"] == "parted"
    assert len(told["rounds"]) == 5
    assert "params" not in told
    (run,) = learning.records
    assert len(base.samples.ring(run.job_id, "accuracy_ratio").tail()[0]) == 5
    assert set(params_of(base, told["model"])) == {"w1", "b1", "w2", "b2"}


async def cancelled_midway(base, learning, running):
    async with asyncio.timeout(60):
        while not any(base.jobs.records.need(run.job_id).done > 1 for run in learning.records):
            await asyncio.sleep(0.01)
        (run,) = learning.records
        await base.jobs.cancel(run.job_id)
        with pytest.raises(Cancelled):
            await running
    return learning.find(run.id)


async def test_a_simulation_that_is_cancelled_keeps_its_rounds_and_its_model(base, learning):
    running = asyncio.create_task(learning.simulate(clients=20, rounds=10**5, seed=3, **WHO))
    run = await cancelled_midway(base, learning, running)
    held = (await learning.show(run.id))["rounds"]
    assert (run.state, [row["round"] for row in held]) == ("cancelled", list(range(1, len(held) + 1)))
    assert len(held) > 1
    assert (await learning.export(run.id, **WHO))["metrics"]["accuracy"] == held[-1]["accuracy"]


async def test_a_tuning_that_is_cancelled_keeps_the_settings_it_tried(base, learning):
    choices = {"learning_rate": [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5], "epochs": [1, 2]}
    running = asyncio.create_task(learning.tune(choices, clients=20, rounds=3000, seed=3, **WHO))
    run = await cancelled_midway(base, learning, running)
    assert run.state == "cancelled"
    assert run.result["best"] in [{key: one[key] for key in choices} for one in run.result["trials"]]


async def test_a_model_larger_than_a_jobs_result_may_be_is_kept_and_exported(base, learning):
    told = await learning.simulate(clients=100, sample_ratio=0.01, rounds=1, epochs=1, model="mlp-64-1500-1400-10", **WHO)
    assert nets.count_of("mlp-64-1500-1400-10") * 4 > MOST_BYTES
    assert base.home.as_posix() not in json.dumps(learning.find("latest").spec)  # the row travels to other machines
    model = await learning.export(told["run_id"], **WHO)
    assert len(model["onnx"]) > MOST_BYTES
    assert model["metrics"]["accuracy"] == told["final_accuracy"]


@pytest.mark.parametrize("algorithm, wide", [("fedavg", 5000), ("scaffold", 3000)])
async def test_a_model_too_large_to_be_sent_is_refused_before_anything_is_begun(learning, links, algorithm, wide):
    asked = {"model": f"mlp-64-{wide}-{wide}-10", "algorithm": algorithm}
    with pytest.raises(BadInput, match="are the most") as told:
        await learning.train(links.nodes, **asked, **WHO)
    assert told.value.values["field"] == "model"
    with pytest.raises(BadInput, match="are the most"):
        await learning.simulate(clients=4, rounds=1, **asked, **WHO)
    for live in (False, True):
        with pytest.raises(BadInput, match="are the most"):
            await learning.forecast(4, live=live, **asked)
    assert not list(learning.records)


async def test_both_kinds_of_run_export_to_a_model_that_predicts_alike(base, learning, links):
    trained = await learning.train(links.nodes, rounds=2, seed=0, **WHO)
    simulated = await learning.simulate(clients=10, rounds=2, seed=0, **WHO)
    x = load_digits().test_x[:100]
    for told, kind in ((trained, "federated"), (simulated, "simulated")):
        model = await learning.export(told["run_id"], **WHO)
        assert "headless" not in model["lineage"]
        session = onnxruntime.InferenceSession(model["onnx"], providers=["CPUExecutionProvider"])
        assert session.run(None, {"x": x})[0] == pytest.approx(
            nets.forward(nets.DIGITS_MODEL, params_of(base, told["model"]), x), abs=1e-5
        )
        assert model["metrics"]["accuracy"] == told["final_accuracy"]
        assert (model["lineage"]["kind"], model["lineage"]["run_id"]) == (kind, told["run_id"])


async def test_without_nodes_nothing_is_begun(learning):
    with pytest.raises(Conflict):
        await learning.train([], **WHO)
    assert not list(learning.records)


async def test_a_bad_setting_or_partition_is_refused(learning, links):
    with pytest.raises(BadInput):
        await learning.train(links.nodes, epochs=0, **WHO)
    with pytest.raises(BadInput, match="stripes"):
        await learning.simulate(clients=4, rounds=1, partition="stripes", **WHO)


async def test_an_unknown_run_is_missing(learning):
    for key in ("latest", "nothing"):
        with pytest.raises(Missing):
            learning.find(key)


async def test_a_version_whose_last_layer_nobody_trained_says_so(learning, links):
    told = await learning.train(links.nodes, rounds=1, seed=0, algorithm="fedper", **WHO)
    lineage = (await learning.export(told["run_id"], **WHO))["lineage"]
    assert (lineage["algorithm"], lineage["headless"]) == ("fedper", "fedper")
