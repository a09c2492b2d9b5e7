import asyncio
import json
import os
import threading

import numpy as np
import pytest

from app.agent import rounds
from app.agent.lane import Lane
from app.agent.rounds import Pace, Rounds
from app.engine.base.errors import BadInput, Conflict, Limit, Missing
from app.engine.learning.local import train
from app.engine.learning.nets import initial
from app.wire.tensors import digests, pack, unpack

SPEC = {
    "algorithm": "fedavg", "model": "mlp-64-32-10", "epochs": 2, "batch": 16, "learning_rate": 0.2, "seed": 5, "data": "digits",
}  # fmt: skip
PARAMS = initial("mlp-64-32-10", 1)
RNG = np.random.default_rng(3)
X, Y = RNG.random((40, 64), dtype=np.float32), RNG.integers(0, 10, 40)
WAIT_S = 60.0


def body(**changed) -> bytes:
    return pack(PARAMS, {"spec": json.dumps({**SPEC, **changed})})


@pytest.fixture
async def place(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/digits.safetensors").write_bytes(pack({"x": X, "y": Y}, {}))
    lane = Lane("train")
    rounds = Rounds(tmp_path / "rounds", tmp_path / "data", lane)
    rounds.lane = lane
    yield rounds
    await rounds.close()
    await lane.close()


async def test_the_update_is_that_of_local_training_and_is_given_as_often_as_asked(place):
    place.begin("r1", body())
    update = await place.update("r1", WAIT_S)
    assert update == await place.update("r1", 0)
    tensors, meta = unpack(update.body, most_bytes=1 << 24)
    assert update.digest == digests(update.body)[0]
    wanted = train(PARAMS, X, Y, SPEC)
    assert tensors.keys() == wanted.update.keys()
    for name, array in wanted.update.items():
        np.testing.assert_array_equal(tensors[name], np.asarray(array, np.float32))
    assert meta["examples"] == "40"
    assert float(meta["loss"]) == wanted.loss
    assert float(meta["cpu_s"]) >= 0


async def test_an_update_survives_a_restart(place, tmp_path):
    place.begin("r1", body())
    update = await place.update("r1", WAIT_S)
    await place.close()
    again = Rounds(tmp_path / "rounds", tmp_path / "data", place.lane)
    assert await again.update("r1", 0) == update
    again.begin("r1", body())
    with pytest.raises(Conflict):
        again.begin("r1", body(seed=6))


async def test_an_update_that_a_power_cut_spoilt_is_made_again_to_the_bit(place, tmp_path):
    place.begin("r1", body())
    update = await place.update("r1", WAIT_S)
    await place.close()
    (file,) = (tmp_path / "rounds").glob("*.update")
    file.write_bytes(update.body[:-8] + bytes(8))
    again = Rounds(tmp_path / "rounds", tmp_path / "data", place.lane)
    with pytest.raises(Missing):
        await again.update("r1", 0)
    again.begin("r1", body())
    made = unpack((await again.update("r1", WAIT_S)).body, most_bytes=1 << 24)[0]
    await again.close()
    before = unpack(update.body, most_bytes=1 << 24)[0]
    assert all((made[name] == before[name]).all() for name in before)


async def test_the_place_of_the_client_comes_beside_the_order_and_belongs_to_it(place):
    place.begin("r1", body(client=0), client=3)
    got = unpack((await place.update("r1", WAIT_S)).body, most_bytes=1 << 24)[0]
    wanted = train(PARAMS, X, Y, {**SPEC, "client": 3}).update
    assert all((got[name] == wanted[name]).all() for name in wanted)
    with pytest.raises(Conflict):
        place.begin("r1", body(client=0), client=4)


async def test_the_same_round_again_changes_nothing_but_other_parameters_are_a_conflict(place):
    place.begin("r1", body())
    place.begin("r1", body())
    with pytest.raises(Conflict):
        place.begin("r1", body(seed=6))
    assert await place.update("r1", WAIT_S)


async def test_there_is_no_update_while_training_and_few_may_wait(place):
    release = threading.Event()
    blocker = place.lane.do(release.wait, WAIT_S)
    import asyncio

    waiting = asyncio.ensure_future(blocker)
    try:
        for number in range(4):
            place.begin(f"r{number}", body(seed=number))
        assert await place.update("r0", 0.01) is None
        with pytest.raises(Limit):
            place.begin("r9", body())
    finally:
        release.set()
        await waiting
    for number in range(4):
        assert await place.update(f"r{number}", WAIT_S)


async def test_an_update_that_was_quick_to_make_costs_no_file_and_is_made_again_to_the_bit(place, tmp_path):
    place.begin("r1", body())
    update = await place.update("r1", WAIT_S)
    assert update == await place.update("r1", 0)
    assert not list((tmp_path / "rounds").glob("*.update*"))
    killed = Rounds(tmp_path / "rounds", tmp_path / "data", place.lane)  # nobody closed the one before
    with pytest.raises(Missing):
        await killed.update("r1", 0)
    killed.begin("r1", body())
    again = await killed.update("r1", WAIT_S)
    assert digests(again.body)[1] == digests(update.body)[1]
    await killed.close()


async def test_an_update_that_took_long_survives_a_kill(place, tmp_path, monkeypatch):
    monkeypatch.setattr(rounds, "_LONG_S", 0.0)
    place.begin("r1", body())
    update = await place.update("r1", WAIT_S)
    await asyncio.gather(*place._filing)
    killed = Rounds(tmp_path / "rounds", tmp_path / "data", place.lane)
    assert await killed.update("r1", 0) == update


async def test_data_that_changed_on_the_node_is_what_it_trains_on(place, tmp_path):
    for number, rows in enumerate((40, 40, 30)):
        file = tmp_path / "data/digits.safetensors"
        file.write_bytes(pack({"x": X[:rows] * (number + 1), "y": Y[:rows]}, {}))
        if number:
            os.utime(file, (1000 + number, 1000 + number))
        for again in range(2):
            place.begin(f"r{number}-{again}", body())
            got = unpack((await place.update(f"r{number}-{again}", WAIT_S)).body, most_bytes=1 << 24)[0]
            wanted = train(PARAMS, X[:rows] * (number + 1), Y[:rows], SPEC).update
            assert all((got[name] == wanted[name]).all() for name in wanted)


async def test_only_the_newest_updates_are_kept(place, tmp_path, monkeypatch):
    monkeypatch.setattr(rounds, "_LONG_S", 0.0)
    for number in range(7):
        place.begin(f"r{number}", body(seed=number))
        await place.update(f"r{number}", WAIT_S)
    await place.close()
    place = Rounds(tmp_path / "rounds", tmp_path / "data", place.lane)
    assert len(list((tmp_path / "rounds").iterdir())) == 4
    with pytest.raises(Missing):
        await place.update("r0", 0)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"junk", BadInput),
        (pack(PARAMS, {}), BadInput),
        (pack(PARAMS, {"spec": "[]"}), BadInput),
        (body(data="../../etc"), BadInput),
        (body(data=3), BadInput),
        (body(data="letters"), Missing),
        (body(model="mlp-3-2"), BadInput),
        (body(epochs="many"), BadInput),
        (pack({"w1": np.zeros(3)}, {"spec": json.dumps(SPEC)}), BadInput),
    ],
    ids=["bytes", "no spec", "spec no object", "path", "number", "no data", "model", "epochs", "params"],
)
async def test_what_cannot_be_trained_is_told_when_the_update_is_asked_for(place, data, error):
    place.begin("r1", data)
    with pytest.raises(error):
        await place.update("r1", WAIT_S)
    place.begin("r1", body())  # a round that failed may be begun anew with what is right
    assert await place.update("r1", WAIT_S)


@pytest.mark.parametrize(
    ("took_s", "deadline_s", "epochs"), [(1.0, 30.0, 10), (10.0, 5.0, 4), (10.0, 0.5, 1), (10.0, 0, 10), (10.0, "soon", 10)]
)
def test_a_node_makes_as_many_passes_as_it_can_by_the_deadline(took_s, deadline_s, epochs):
    pace, spec = Pace(), {**SPEC, "epochs": 10, "deadline_s": deadline_s}
    assert pace.epochs(spec) == spec  # nothing is known of it yet
    pace.learn(spec, took_s)
    assert pace.epochs(spec)["epochs"] == epochs
    assert pace.epochs({**spec, "model": "logistic"})["epochs"] == 10


async def test_fewer_passes_are_told_as_fewer_steps_and_are_those_of_local_training(place):
    place._pace.learn(SPEC, 100.0)
    place.begin("r1", body(epochs=5, deadline_s=130.0))  # time for two passes of 50 s
    tensors, meta = unpack((await place.update("r1", WAIT_S)).body, most_bytes=1 << 24)
    wanted = train(PARAMS, X, Y, {**SPEC, "epochs": 2})
    assert int(meta["steps"]) == wanted.steps
    assert all((tensors[name] == wanted.update[name]).all() for name in wanted.update)


@pytest.mark.parametrize("name", ["", "..", "a/b", "a.b", "x" * 65, "*"])
async def test_only_a_plain_word_names_a_round(place, name):
    with pytest.raises(BadInput):
        place.begin(name, body())
    with pytest.raises(Missing):
        await place.update(name, 0)


async def test_a_round_after_one_that_did_not_count_is_trained_as_if_that_had_not_been(place):
    spec = {"algorithm": "scaffold", "session": "s-1"}
    control = np.zeros(sum(value.size for value in PARAMS.values()), np.float32)

    async def made(name, number, since):
        order = pack({**PARAMS, "control": control}, {"spec": json.dumps({**SPEC, **spec, "round": number})})
        place.begin(name, order, client=0, since=since)
        return unpack((await place.update(name, WAIT_S)).body, most_bytes=1 << 24)[0]

    await made("r1", 1, 0)
    await made("r2", 2, 1)  # came too late
    third = await made("r3", 3, 1)
    once = train({**PARAMS, "control": control}, X, Y, {**SPEC, **spec, "round": 1})
    wanted = train({**PARAMS, "control": control}, X, Y, {**SPEC, **spec, "round": 3}, once.memory).update
    assert all((third[name] == wanted[name]).all() for name in wanted)
