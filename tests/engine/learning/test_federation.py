import asyncio
import dataclasses

import numpy as np
import pytest

from app.engine.base.errors import BadInput, Missing, Offline, Refused, Timeout
from app.engine.learning import nets
from app.engine.learning.federation import Flight, Member, RoundCall, counted, hold, shortage
from app.engine.learning.local import train
from app.engine.learning.records import LocalSpec
from app.engine.learning.robust import aggregator
from app.engine.learning.strategy import Global, Strategy

STRATEGY = Strategy(LocalSpec(seed=1, epochs=1))


def call(**changed):
    asked = {
        "id": "r1", "number": 3, "now": Global(nets.initial(nets.DIGITS_MODEL, 1)), "strategy": STRATEGY,
        "deadline_s": 20.0, "quorum_ratio": 0.5,
    }  # fmt: skip
    return RoundCall(**{**asked, **changed})


def members(links):
    return [Member(place, key, name, links.client(key)) for place, (key, name) in enumerate(links.nodes)]


async def ask(links, **changed):
    told = []
    answers = await hold(call(**changed), members(links), told.append)
    return answers, told


async def test_all_answers_come_in_the_fixed_order_whoever_is_first(links):
    first = links.clients["id0"]
    first.gate = asyncio.Event()
    links.clients["id5"].change = lambda update, meta: (first.gate.set(), (update, meta))[1]
    answers, told = await ask(links)
    assert [part.name for part, _ in answers] == [f"node{n}" for n in range(6)]
    assert {part.state for part, _ in answers} == {"done"}
    assert [update.examples for _, update in answers] == [len(client.y) for client in links.clients.values()]
    assert sorted(part.client for part in told) == list(range(6))


async def test_each_member_is_told_the_round_and_its_place(links):
    await ask(links)
    for place, client in enumerate(links.clients.values()):
        assert (client.specs[0]["round"], client.specs[0]["client"], client.specs[0]["schema"]) == (3, place, 1)


@pytest.mark.parametrize(
    "error, state",
    [
        (Offline("gone"), "offline"), (Timeout("slow"), "late"), (Refused("no"), "refused"),
        (BadInput("what"), "bad"), (ValueError("surprise"), "failed"),
    ],
)  # fmt: skip
async def test_a_node_that_fails_is_left_out_with_its_reason(links, error, state):
    links.clients["id2"].fail = error
    answers, told = await ask(links)
    assert [part.state for part, update in answers if update is None] == [state]
    assert answers[2][0].reason
    assert answers[2][0] in told


async def test_a_node_that_is_known_to_be_offline_does_not_hold_the_round_up(links, monkeypatch):
    monkeypatch.setattr("app.engine.learning.federation._AWAY_S", 0.2)
    links.clients["id4"].gate = asyncio.Event()
    some, told = members(links), []
    some[4] = dataclasses.replace(some[4], is_away=lambda: True)
    async with asyncio.timeout(60):
        answers = await hold(call(deadline_s=1e6), some, told.append)
    assert [part.state for part, _ in answers] == ["done"] * 4 + ["offline", "done"]
    assert (answers[4][0].reason, answers[4][0] in told) == ("offline, and no answer within 0.2 s", True)


async def test_a_node_that_was_thought_to_be_offline_counts_when_it_answers(links):
    some = [dataclasses.replace(one, is_away=lambda: True) for one in members(links)]
    answers = await hold(call(), some, lambda _part: None)
    assert {part.state for part, _ in answers} == {"done"}


async def test_the_words_of_a_node_are_kept_to_a_length(links):
    links.clients["id2"].fail = BadInput("{told}", told="word " * 10**6)
    answers, _ = await ask(links)
    assert len(answers[2][0].reason) == 300


async def test_a_node_that_is_late_is_left_out(links):
    links.clients["id4"].gate = asyncio.Event()
    answers, told = await ask(links, deadline_s=2.0)
    assert answers[4][0].state == "late"
    assert "2 s" in answers[4][0].reason
    assert answers[4][0].time_s == 2.0
    assert answers[4][0] in told
    assert sum(update is not None for _, update in answers) == 5


@pytest.mark.parametrize(
    "change",
    [
        lambda update, meta: ({**update, "w1": np.full_like(update["w1"], np.nan)}, meta),
        lambda update, meta: ({**update, "w1": update["w1"][1:]}, meta),
        lambda update, meta: ({"w1": update["w1"]}, meta),
        lambda update, meta: (update, {**meta, "examples": "0"}),
        lambda update, meta: (update, {**meta, "examples": "-5"}),
        lambda update, meta: (update, {**meta, "examples": "nan"}),
        lambda update, meta: (update, {**meta, "loss": "lots"}),
        lambda update, meta: (update, {**meta, "steps": "1000"}),
    ],
)
async def test_an_update_that_makes_no_sense_is_left_out(links, change):
    links.clients["id1"].change = change
    answers, _ = await ask(links)
    assert answers[1][0].state == "bad"
    assert answers[1][1] is None


async def test_a_node_that_lost_the_round_is_asked_once_more(links):
    client = links.clients["id3"]
    begin = client.train

    async def forgetful(round_id, order, client_at, since, _wait_s):
        await begin(round_id, order, client_at, since)
        if len(client.specs) == 1:
            client.answers.clear()

    client.train = forgetful
    answers, _ = await ask(links)
    assert answers[3][0].state == "done"
    assert len(client.specs) == 2


async def test_a_node_that_loses_every_round_is_left_out(links):
    client = links.clients["id3"]

    async def lost(round_id, wait_s):
        raise Missing("There is no round")

    client.update = lost
    answers, _ = await ask(links)
    assert answers[3][0].state == "failed"


async def test_too_few_answers_end_the_round_naming_who_is_missing(links):
    for place in (0, 1, 2, 3):
        links.clients[f"id{place}"].fail = Offline("unplugged")
    answers, _ = await ask(links)
    reason = str(shortage(call(), answers, 6))
    assert "2 of 6 nodes and needs 3: node0: unplugged; node1: unplugged" in reason


@pytest.mark.parametrize(("asked", "ratio", "need"), [(5, 0.5, 3), (6, 0.5, 3), (7, 0.7, 5), (10, 0.01, 1), (3, 1.0, 3)])
def test_a_quorum_that_is_no_whole_number_is_the_next_one(asked, ratio, need):
    assert call(quorum_ratio=ratio).need(asked) == need


async def test_one_answer_is_needed_whatever_the_quorum(links):
    for client in links.clients.values():
        client.fail = Offline("unplugged")
    answers, _ = await ask(links, quorum_ratio=0.0)
    assert isinstance(shortage(call(quorum_ratio=0.0), answers, 6), Offline)


async def test_an_aggregator_that_bears_hostile_nodes_needs_enough_of_them(links):
    rule = dataclasses.replace(STRATEGY, aggregator=aggregator("trimmed", 2))
    links.clients["id0"].fail = links.clients["id3"].fail = Offline("unplugged")
    answers, _ = await ask(links, strategy=rule)
    assert "needs 5" in str(shortage(call(strategy=rule), answers, 6))


async def test_cancelling_a_round_leaves_nothing_running(links):
    links.clients["id0"].gate = asyncio.Event()
    before = asyncio.all_tasks()
    waiting = asyncio.create_task(ask(links))
    while not all(client.specs for client in links.clients.values()):
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert asyncio.all_tasks() == before


async def test_an_update_of_another_round_is_stale_and_one_sent_before_a_replay(links):
    links.clients["id0"].change = lambda update, meta: (update, {**meta, "round": "2"})
    answers, _ = await ask(links)
    assert answers[0][0].state == "bad"
    assert "stale" in answers[0][0].reason
    spent = frozenset({answers[1][0].digest})
    answers, _ = await ask(links, spent=spent)
    assert answers[1][0].state == "bad"
    assert "replay" in answers[1][0].reason
    assert answers[2][0].state == "done"


async def test_an_update_over_the_norm_bound_is_named(links):
    links.clients["id4"].change = lambda update, meta: ({**update, "b1": update["b1"] + np.float32(1e3)}, meta)
    answers, _ = await ask(links, strategy=dataclasses.replace(STRATEGY, norm_bound=50.0))
    assert [part.state for part, _ in answers] == ["done"] * 4 + ["bad", "done"]
    assert "over the bound 50" in answers[4][0].reason


async def test_a_node_that_claims_few_steps_of_a_long_update_is_named(links):
    rules = Strategy(dataclasses.replace(STRATEGY.base, algorithm="fednova", epochs=4))
    links.clients["id4"].change = lambda update, meta: (update, {**meta, "steps": str(int(meta["steps"]) // 4)})
    answers, _ = await ask(links, strategy=rules)
    bound = 1.1 * max(part.norm for part, _ in answers)
    gathered = dataclasses.replace(rules, norm_bound=bound).gather([update for _, update in answers])
    told = [part.reason for part, _ in counted(answers, gathered)]
    assert "counts as of" in told[4]
    assert str(answers[4][0].steps) in told[4]
    assert sum("counts as of" in reason for reason in told) == 1


async def test_compressed_updates_are_read_as_the_simulation_reads_them(links, same):
    rules = Strategy(dataclasses.replace(STRATEGY.base, compress="top-k", keep_ratio=0.1))
    answers, _ = await ask(links, strategy=rules)
    own = links.clients["id2"]
    told = train(nets.initial(nets.DIGITS_MODEL, 1), own.x, own.y, rules.configure(3, 2))
    assert same(answers[2][1].update, told.update)
    assert answers[2][0].bytes == 2 * 4 * 241


async def test_in_flight_the_buffer_fills_and_who_is_slow_comes_later_with_its_age(links):
    slow = links.clients["id5"]
    slow.gate = asyncio.Event()
    flight, told = Flight(), []
    rules = Strategy(dataclasses.replace(STRATEGY.base, algorithm="fedbuff"))
    first, ages = await flight.hold(call(strategy=rules, number=3), members(links), told.append)
    assert len(first) >= 3
    assert set(ages) == {0}
    assert 5 not in [part.client for part, _ in first]
    slow.gate.set()
    clients, seen = [], {}
    for number in range(4, 8):
        some, old = await flight.hold(call(id=f"r{number}", strategy=rules, number=number), members(links), told.append)
        seen |= dict(zip([part.client for part, _ in some], old, strict=True))
        clients += [part.client for part, _ in some]
    assert 5 in clients
    await flight.close()
