import asyncio
import contextlib
import copy
import itertools

import numpy as np
import pytest

from app.engine.base.errors import BadInput, Cancelled, Conflict, Missing, Offline, Timeout
from app.engine.base.events import RoundFinished
from app.engine.learning import nets
from app.engine.learning.course import Course, Reins, strategy_of
from app.engine.learning.data import load_digits
from app.engine.learning.federation import Member
from app.engine.learning.live import Live
from app.engine.learning.records import LocalSpec
from app.engine.learning.service import LearningService
from app.engine.learning.simulate import rounds
from app.engine.learning.strategy import Strategy
from app.engine.store import artifacts, rows
from app.wire import tensors

WHO = {"actor": "me@here", "cause": "c1"}


def params_of(base, told):
    return tensors.unpack(artifacts.load(base.home, told["model"]), most_bytes=1 << 22)[0]


async def stored(base, table, **where):
    return await base.store.read(lambda conn: rows.select(conn, table, where=where or None, order="created_us"))


@contextlib.contextmanager
def after_round(base, number, then):
    """Call `then` once round `number` is committed."""
    with_event = base.bus.subscribe(lambda event: then() if event.round == number else None, RoundFinished)
    try:
        yield
    finally:
        if callable(with_event):
            with_event()


@pytest.mark.parametrize("algorithm", ["fedavg", "scaffold", "fedyogi"])
async def test_a_session_that_was_paused_ends_with_the_bits_of_one_that_was_not(base, learning, links, same, algorithm):
    straight = await learning.train(links.nodes, rounds=5, seed=3, algorithm=algorithm, **WHO)
    for client in links.clients.values():
        client.memory = None
    with after_round(base, 2, lambda: learning.pause("latest")):
        paused = await learning.train(links.nodes, rounds=5, seed=3, algorithm=algorithm, **WHO)
    assert (paused["state"], len(paused["rounds"])) == ("paused", 2)
    assert learning.find(paused["run_id"]).state == "paused"
    again = LearningService(base, links)
    await again.start()
    told = await again.resume(paused["run_id"], **WHO)
    assert (told["state"], [row["round"] for row in told["rounds"]]) == ("done", [1, 2, 3, 4, 5])
    assert same(params_of(base, told), params_of(base, straight))
    assert [row["accuracy"] for row in told["rounds"]] == [row["accuracy"] for row in straight["rounds"]]


async def test_what_a_gone_process_left_under_way_goes_on_by_itself_and_no_round_is_lost(base, learning, links, same):
    straight = await learning.train(links.nodes, rounds=4, seed=1, **WHO)
    gate = links.clients["id2"].gate = asyncio.Event()
    links.clients["id2"].gate.set()
    with after_round(base, 2, gate.clear):
        running = asyncio.create_task(learning.train(links.nodes, rounds=4, seed=1, **WHO))
        async with asyncio.timeout(30):
            while not any(session.round == 2 and session.status == "running" for session in learning.sessions):
                await asyncio.sleep(0.01)
    await learning.stop()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError, Cancelled):
        await running
    (kept,) = await stored(base, "federated_training_sessions", status="running")
    assert kept["current_round"] == 2
    short = LearningService(base, links)  # an engine that ends again before the round does
    await short.start()
    async with asyncio.timeout(30):
        while short.find(kept["id"]).state != "running":
            await asyncio.sleep(0.01)
    await short.stop()
    assert short.find(kept["id"]).state == "interrupted"
    line = next(row for row in short.runs() if row["id"] == kept["id"])
    assert (line["rounds"], line["final_accuracy"]) == (2, kept["convergence_metric"])
    gate.set()
    again = LearningService(base, links)
    await again.start()
    async with asyncio.timeout(30):
        told = await again.resume(kept["id"], **WHO)  # waits for what goes on by itself
    assert (told["state"], len(told["rounds"])) == ("done", 4)
    shown = await again.show(kept["id"])
    assert [row["round"] for row in shown["rounds"]] == [1, 2, 3, 4]
    assert same(params_of(base, shown["rounds"][-1]), params_of(base, straight))


async def test_a_round_below_its_quorum_waits_and_says_why_until_the_nodes_are_back(base, learning, links):
    for name in ("id0", "id1", "id2", "id3"):
        links.clients[name].fail = Offline("unplugged")
    reasons = []

    def back(change):
        for session in (*change.added, *change.changed):
            if session.status == "waiting":
                reasons.append(session.reason)
                for client in links.clients.values():
                    client.fail = None
                learning.reins(session.id).pulled.set()

    learning.sessions.watch(back)
    told = await learning.train(links.nodes, rounds=2, seed=0, **WHO)
    assert (told["state"], len(told["rounds"])) == ("done", 2)
    assert "2 of 6 nodes and needs 3" in reasons[0]
    first = (await learning.show("latest"))["rounds"][0]
    assert [part["state"] for part in first["parts"]] == ["done"] * 6
    assert links.clients["id5"].specs[0]["round"] == 1
    assert [spec["round"] for spec in links.clients["id5"].specs] == [1, 2]


def back_elsewhere(links, *names):
    """Have nodes come back at another address: the client that was handed out before leads nowhere."""
    for name in names:
        links.clients[name] = moved = copy.copy(links.clients[name])
        moved.fail = None


async def test_a_node_that_comes_back_at_another_address_is_asked_again(base, learning, links):
    links.clients["id2"].fail = Offline("unplugged")
    with after_round(base, 2, lambda: back_elsewhere(links, "id2")):
        told = await learning.train(links.nodes, rounds=3, seed=0, epochs=1, **WHO)
    rounds = (await learning.show(told["run_id"]))["rounds"]
    assert [row["parts"][2]["state"] for row in rounds] == ["offline", "offline", "done"]


async def test_a_round_that_waits_goes_on_with_nodes_that_are_back_at_another_address(learning, links):
    for name in ("id0", "id1", "id2", "id3"):
        links.clients[name].fail = Offline("unplugged")

    def back(change):
        for session in change.changed:
            if session.status == "waiting":
                back_elsewhere(links, "id0", "id1", "id2", "id3")
                learning.reins(session.id).pulled.set()

    learning.sessions.watch(back)
    told = await learning.train(links.nodes, rounds=2, seed=0, epochs=1, patience_s=5.0, **WHO)
    assert (told["state"], len(told["rounds"])) == ("done", 2)


async def test_a_session_goes_on_without_a_node_that_left_the_fleet_and_names_it(base, learning, links):
    with after_round(base, 2, lambda: learning.pause("latest")):
        paused = await learning.train(links.nodes, rounds=4, seed=3, epochs=1, **WHO)
    del links.clients["id3"]
    told = await learning.resume(paused["run_id"], **WHO)
    assert (told["state"], len(told["rounds"])) == ("done", 4)
    part = (await learning.show(told["run_id"]))["rounds"][-1]["parts"][3]
    assert (part["name"], part["state"], part["reason"]) == ("node3", "offline", "The node is no longer in the fleet")


async def test_a_session_that_a_gone_process_left_and_that_cannot_go_on_stands_paused_with_the_reason(base, learning, links):
    with after_round(base, 1, lambda: learning.pause("latest")):
        told = await learning.train(links.nodes, rounds=4, seed=0, epochs=1, **WHO)
    session = learning.sessions.need(told["run_id"])
    left = {"id": session.id, "status": "running", "spec": {**session.spec, "aggregator": "of-tomorrow"}}
    await base.store.write(lambda conn: rows.put(conn, "federated_training_sessions", left, now_us=5, **WHO))
    again = LearningService(base, links)
    await again.start()
    async with asyncio.timeout(20):
        while again.sessions.need(session.id).status == "running":
            await asyncio.sleep(0.01)
        while again.find(session.id).state != "paused":
            await asyncio.sleep(0.01)
    assert "of-tomorrow" in again.sessions.need(session.id).reason
    (kept,) = await stored(base, "federated_training_sessions")
    assert (kept["status"], kept["current_round"]) == ("paused", 1)


async def test_a_round_takes_as_long_as_it_was_waited_for(base, learning, links):
    links.clients["id4"].gate = asyncio.Event()
    told = await learning.train(links.nodes, rounds=1, seed=0, epochs=1, deadline_s=1.0, **WHO)
    assert told["rounds"][0]["time_s"] > 0.9  # of the deadline, which was waited for


async def test_stopping_while_a_round_waits_ends_the_session_at_once(base, learning, links):
    for client in links.clients.values():
        client.fail = Offline("unplugged")
    running = asyncio.create_task(learning.train(links.nodes, rounds=2, seed=0, **WHO))
    async with asyncio.timeout(20):
        while not any(session.status == "waiting" for session in learning.sessions):
            await asyncio.sleep(0.01)
        learning.pause("latest", "stop")
        told = await running
    assert (told["state"], told["rounds"], told["final_accuracy"]) == ("stopped", [], None)


async def test_every_part_is_kept_and_what_was_refused_is_counted(base, learning, links):
    links.clients["id1"].change = lambda update, meta: ({**update, "w1": np.full_like(update["w1"], np.nan)}, meta)
    partials = []
    base.jobs.records.watch(lambda change: partials.extend(job.partial for job in change.changed if job.partial))
    told = await learning.train(links.nodes, rounds=2, seed=0, title="North", **WHO)
    parts = await stored(base, "federated_updates", session_id=told["run_id"])
    assert len(parts) == 12
    bad = [part for part in parts if part["node_id"] == "id1"]
    assert [(part["round_number"], part["status"]) for part in bad] == [(1, "bad"), (2, "bad")]
    assert "not finite" in bad[0]["reason"]
    good = next(part for part in parts if part["node_id"] == "id0")
    assert good["model_update"]["norm"] > 0
    assert good["metrics"]["steps"] == 5 * -(-good["metrics"]["examples"] // 16)
    assert partials[-1]["nodes"]["node1"]["rejected"] == 2
    (session,) = await stored(base, "federated_training_sessions")
    assert (session["session_name"], session["status"], session["current_round"]) == ("North", "done", 2)
    assert session["convergence_metric"] == told["final_accuracy"]
    assert session["model_architecture"] == nets.DIGITS_MODEL


async def test_an_update_sent_again_in_a_later_round_is_refused(learning, links):
    first = {}

    def replay(update, meta):
        held = first.setdefault("update", update)
        return held, meta

    links.clients["id3"].change = replay
    told = await learning.train(links.nodes, rounds=2, seed=0, **WHO)
    rounds = (await learning.show(told["run_id"]))["rounds"]
    assert [row["parts"][3]["state"] for row in rounds] == ["done", "bad"]
    assert "replay" in rounds[1]["parts"][3]["reason"]


async def test_a_session_ends_when_it_is_good_enough_or_no_better(learning, links):
    told = await learning.train(links.nodes, rounds=12, seed=1, until_accuracy=0.5, **WHO)
    assert told["rounds"][-1]["accuracy"] >= 0.5 > max([row["accuracy"] for row in told["rounds"][:-1]], default=0)
    still = await learning.train(links.nodes, rounds=12, seed=1, learning_rate=0.0, plateau_rounds=3, **WHO)
    assert len(still["rounds"]) == 4


async def test_fedbuff_trains_over_nodes_that_never_wait_for_each_other(learning, links):
    told = await learning.train(links.nodes, rounds=10, seed=0, algorithm="fedbuff", **WHO)
    assert told["state"] == "done"
    assert told["final_accuracy"] > told["rounds"][0]["accuracy"]


async def test_some_nodes_of_many_are_asked_and_the_others_are_not(learning, links):
    told = await learning.train(links.nodes, rounds=4, seed=0, sample_ratio=0.5, selection="adaptive", **WHO)
    rounds = (await learning.show(told["run_id"]))["rounds"]
    assert [len(row["parts"]) for row in rounds] == [3] * 4
    assert len({part["name"] for row in rounds for part in row["parts"]}) > 3


async def test_what_does_not_fit_is_refused_before_any_node_is_asked(learning, links):
    with pytest.raises(BadInput, match="among 7 or more"):
        await learning.train(links.nodes, aggregator="krum", attackers=2, **WHO)
    with pytest.raises(BadInput, match="Scaffold"):
        await learning.train(links.nodes, algorithm="scaffold", compress="top-k", **WHO)
    with pytest.raises(BadInput, match="bears no attackers"):
        await learning.train(links.nodes, attackers=2, **WHO)
    with pytest.raises(BadInput, match="change nothing"):
        await learning.simulate(clients=4, attackers=2, **WHO)
    assert not any(client.specs for client in links.clients.values())
    assert not list(learning.records)


async def test_only_what_is_under_way_is_paused_and_only_what_is_not_done_resumed(learning, links):
    told = await learning.train(links.nodes, rounds=1, seed=0, **WHO)
    with pytest.raises(Conflict, match="not under way"):
        learning.pause(told["run_id"])
    with pytest.raises(Conflict, match="is done"):
        await learning.resume(told["run_id"], **WHO)


async def test_runs_are_compared_by_what_was_asked_and_what_came_of_it(learning, links):
    one = await learning.train(links.nodes, rounds=3, seed=0, **WHO)
    other = await learning.train(links.nodes, rounds=3, seed=0, compress="quantise", **WHO)
    told = await learning.compare([one["run_id"], other["run_id"]])
    assert told["differs"] == {"compress": [None, "quantise"]}
    assert told["runs"][1]["bytes"] < 0.7 * told["runs"][0]["bytes"]
    assert [run["final_accuracy"] for run in told["runs"]] == [one["final_accuracy"], other["final_accuracy"]]


async def test_a_session_that_another_console_runs_is_seen_but_not_gone_on_with_here(base, learning, links):
    told = await learning.train(links.nodes, rounds=1, seed=0, **WHO)

    def theirs(conn):
        rows.put(conn, "learning_runs", {"id": told["run_id"], "state": "running", "job_id": "elsewhere"}, now_us=5, **WHO)
        rows.put(conn, "federated_training_sessions", {"id": told["run_id"], "status": "running"}, now_us=5, **WHO)

    await base.store.write(theirs)
    again = LearningService(base, links)
    await again.start()
    assert not again._resumed
    assert again.sessions.need(told["run_id"]).status == again.records.need(told["run_id"]).state == "running"
    await again.stop()


async def test_a_node_that_claims_a_million_million_examples_does_not_take_the_model_over(learning, links):
    def greedy(update, meta):
        told = {"examples": "1e12", "steps": str(5 * 10**12 // 16)}  # five passes in batches of 16, as asked
        return {name: -value for name, value in update.items()}, {**meta, **told}

    links.clients["id2"].change = greedy
    taken = await learning.train(links.nodes, rounds=4, seed=0, learning_rate=0.2, weight_most=0.0, **WHO)
    told = await learning.train(links.nodes, rounds=8, seed=0, learning_rate=0.2, **WHO)
    assert taken["final_accuracy"] < 0.2
    assert told["final_accuracy"] > 0.4
    part = (await learning.show(told["run_id"]))["rounds"][0]["parts"][2]
    assert (part["state"], part["examples"]) == ("done", 10**12)
    assert "claims 1000000000000 examples and counts as" in part["reason"]
    assert told["parts"]["node2"]["reason"] == (await learning.show(told["run_id"]))["rounds"][-1]["parts"][2]["reason"]


async def test_bytes_of_a_round_are_as_forecast_and_who_is_offline_costs_none(learning, links):
    asked = await learning.forecast(6, live=True, rounds=2)
    told = await learning.train(links.nodes, rounds=2, seed=0, **WHO)
    assert [row["bytes"] for row in told["rounds"]] == [asked["round_bytes"]] * 2
    links.clients["id1"].fail = Offline("unplugged")
    fewer = await learning.train(links.nodes, rounds=1, seed=0, **WHO)
    assert fewer["rounds"][0]["bytes"] * 6 == asked["round_bytes"] * 5


def lie(update, meta):
    return {name: np.full_like(value, 3e38) for name, value in update.items()}, meta


async def test_a_node_that_sends_numbers_as_large_as_there_are_is_rejected_and_the_round_stands(learning, links):
    links.clients["id2"].change = lie
    told = await learning.train(links.nodes, rounds=2, seed=0, **WHO)
    assert told["state"] == "done"
    rounds = (await learning.show(told["run_id"]))["rounds"]
    assert [row["parts"][2]["state"] for row in rounds] == ["bad", "bad"]
    assert [[one["name"] for one in row["rejected"]] for row in rounds] == [["node2"], ["node2"]]


async def test_a_round_whose_model_is_not_finite_is_not_committed_and_names_the_longest_update(base, learning, links):
    with after_round(base, 1, lambda: setattr(links.clients["id3"], "change", lie)), pytest.raises(Conflict) as told:
        await learning.train(links.nodes, rounds=3, seed=0, norm_bound=1e41, **WHO)
    assert "Round 2 was not committed: the model that the updates make is not finite" in str(told.value)
    assert str(told.value).endswith("is that of node3")
    (session,) = learning.sessions
    assert (session.status, session.round, session.reason) == ("paused", 1, str(told.value))
    assert learning.find(session.id).state == "failed"
    links.clients["id3"].change = lambda update, meta: (update, meta)
    assert (await learning.resume("latest", **WHO))["state"] == "done"


async def test_scaffold_with_steps_of_no_length_stays_where_it_began(learning, links):
    told = await learning.train(links.nodes, rounds=2, seed=0, algorithm="scaffold", learning_rate=0.0, **WHO)
    assert told["state"] == "done"
    assert told["rounds"][0]["loss"] == told["rounds"][1]["loss"]


async def test_what_was_rejected_stays_in_the_record_when_the_round_is_asked_again(base, learning, links):
    bad = links.clients["id1"]
    bad.change = lambda update, meta: ({**update, "w1": np.full_like(update["w1"], np.nan)}, meta)
    for name in ("id2", "id3", "id4", "id5"):
        links.clients[name].fail = Offline("unplugged")

    def back(change):
        for session in change.changed:
            if session.status == "waiting":
                bad.change = lambda update, meta: (update, meta)
                for client in links.clients.values():
                    client.fail = None
                learning.reins(session.id).pulled.set()

    learning.sessions.watch(back)
    told = await learning.train(links.nodes, rounds=2, seed=0, **WHO)
    first, second = (await learning.show(told["run_id"]))["rounds"]
    assert [part["state"] for part in first["parts"]] == ["done"] * 6
    assert [(one["name"], one["state"]) for one in first["rejected"]] == [("node1", "bad")]
    assert "not finite" in first["rejected"][0]["reason"]
    assert second["rejected"] == []
    assert told["parts"]["node1"]["rejected"] == 1
    rejected = await stored(base, "federated_updates", node_id="id1", status="bad")
    assert [row["round_number"] for row in rejected] == [1]


async def test_a_session_whose_nodes_all_diverge_pauses_with_what_they_send(base, learning, links):
    for client in links.clients.values():
        client.change = lambda update, meta: ({**update, "w1": np.full_like(update["w1"], np.nan)}, meta)
    with pytest.raises(Conflict, match=r"6 updates make no sense.*w1 holds values that are not finite") as told:
        await learning.train(links.nodes, rounds=1, seed=0, patience_s=0.0, **WHO)
    assert "too large a step size" in told.value.hint
    assert (await learning.show("latest"))["status"] == "paused"
    with pytest.raises(Conflict, match="make no sense"):
        await learning.resume("latest", **WHO)


async def test_nodes_whose_updates_make_no_sense_are_waited_for_as_patience_has_it(base, learning, links, monkeypatch):
    monkeypatch.setattr("app.engine.learning.live._AGAIN_S", 0.0)
    asked, sound = [], links.clients["id0"].change

    def mend(update, meta):
        asked.append(1)
        if len(asked) == 18:  # all six, thrice
            for client in links.clients.values():
                client.change = sound
        return {**update, "w1": np.full_like(update["w1"], np.nan)}, meta

    for client in links.clients.values():
        client.change = mend
    told = await learning.train(links.nodes, rounds=1, seed=0, epochs=1, patience_s=60.0, **WHO)
    assert (told["state"], len(told["rounds"])) == ("done", 1)


async def test_a_bound_that_no_update_is_within_is_what_the_hint_is_about(learning, links):
    with pytest.raises(Conflict, match="over the bound") as told:
        await learning.train(links.nodes, rounds=1, seed=0, epochs=1, norm_bound=0.0001, patience_s=0.0, **WHO)
    assert "raise it" in told.value.hint


async def test_what_was_rejected_before_a_session_gave_up_waiting_is_kept_and_counts_once(base, learning, links):
    bad = links.clients["id1"]
    bad.change = lambda update, meta: ({**update, "w1": np.full_like(update["w1"], np.nan)}, meta)
    for name in ("id2", "id3", "id4", "id5"):
        links.clients[name].fail = Offline("unplugged")
    with pytest.raises(Offline):
        await learning.train(links.nodes, rounds=1, seed=0, patience_s=0.0, **WHO)
    assert len(await stored(base, "federated_updates", status="bad")) == 1
    with pytest.raises(Offline):
        await learning.resume("latest", **WHO)
    assert len(await stored(base, "federated_updates", status="bad")) == 1
    for client in links.clients.values():
        client.fail = None
    told = await learning.resume("latest", **WHO)
    assert told["parts"]["node1"]["rejected"] == 1
    assert len(await stored(base, "federated_updates", status="bad")) == 1
    (row,) = (await learning.show(told["run_id"]))["rounds"]
    assert [one["name"] for one in row["rejected"]] == ["node1"]


async def test_a_node_that_is_always_late_is_not_the_first_to_be_asked(learning, links):
    links.clients["id0"].fail = Timeout("slow")
    told = await learning.train(links.nodes, rounds=12, seed=0, sample_ratio=0.5, selection="adaptive", epochs=1, **WHO)
    asked = [[part["name"] for part in row["parts"]] for row in (await learning.show(told["run_id"]))["rounds"]]
    assert sum("node0" in names for names in asked) <= 4


async def test_a_node_that_missed_a_round_gets_another_chance(learning, links):
    """Twice the deadline it counts as at first, 0.8 of that a round later: of those in time again after the fourth."""
    slow = links.clients["id0"]
    slow.fail = Timeout("slow")
    told = await learning.train(links.nodes, rounds=12, seed=0, sample_ratio=0.5, selection="capable", epochs=1, **WHO)
    rounds = (await learning.show(told["run_id"]))["rounds"]
    asked = [row["round"] for row in rounds if any(part["name"] == "node0" for part in row["parts"])]
    assert len(asked) >= 2
    assert min(later - now for now, later in itertools.pairwise(asked)) >= 5


async def test_a_session_that_goes_on_selects_as_one_that_was_never_paused(base, learning, links):
    links.clients["id0"].fail = Timeout("slow")
    first = await learning.train(links.nodes, rounds=4, seed=0, sample_ratio=0.5, selection="adaptive", epochs=1, **WHO)
    (session,) = learning.sessions
    parts = (await learning.show(first["run_id"]))["rounds"]
    lives = [Live(base, strange_course(session, links), Reins(), lambda _session: None) for _ in range(2)]
    await lives[0]._begin()
    for row in parts:
        came = {part["client"]: part for part in row["parts"] if part["state"] == "done"}
        lives[1]._learn(row["round"], {part["client"] for part in row["parts"]}, came)
    seen, again = (live._seen for live in lives)
    assert seen.missed == again.missed == {0}
    for name in ("losses", "examples", "round_s"):
        assert np.array_equal(getattr(seen, name), getattr(again, name), equal_nan=True)


def strange_course(session, links):
    members = tuple(Member(place, key, name, links.client(key)) for place, (key, name) in enumerate(session.nodes))
    return Course(session, strategy_of(session.spec, len(members)), members, "me@here", "", None)


@pytest.mark.parametrize("selection", ["poisson", "random"])
async def test_an_aggregator_has_enough_nodes_in_every_round_whoever_is_drawn(learning, links, selection):
    asked = {"sample_ratio": 0.7, "selection": selection, "aggregator": "trimmed", "attackers": 1, "epochs": 1}
    told = await learning.train(links.nodes, rounds=12, seed=6, **asked, **WHO)
    assert (told["state"], len(told["rounds"])) == ("done", 12)
    with pytest.raises(BadInput, match="among 5 or more; 3 took part"):
        await learning.train(links.nodes, aggregator="krum", attackers=1, sample_ratio=0.5, **WHO)


async def test_a_session_that_cannot_go_on_keeps_its_rounds(base, learning, links):
    with after_round(base, 2, lambda: learning.pause("latest")):
        told = await learning.train(links.nodes, rounds=4, seed=0, epochs=1, **WHO)
    lost = {"id": told["run_id"], "spec": {**learning.sessions.need(told["run_id"]).spec, "dataset": "/nowhere"}}
    await base.store.write(lambda conn: rows.put(conn, "federated_training_sessions", lost, now_us=5, **WHO))
    again = LearningService(base, links)
    await again.start()
    with pytest.raises((BadInput, Missing)):
        await again.resume(told["run_id"], **WHO)
    assert again.find(told["run_id"]).state == "failed"
    assert len((await again.show(told["run_id"]))["rounds"]) == 2
    assert again.sessions.need(told["run_id"]).status == "paused"
    assert [line["state"] for line in again.runs()] == ["paused"]


async def test_a_session_that_could_not_begin_leaves_nothing(base, learning, links, monkeypatch):
    def gone(_dataset):
        raise Missing("the data is gone")

    monkeypatch.setattr("app.engine.learning.live.load", gone)
    with pytest.raises(Missing):
        await learning.train(links.nodes, rounds=1, seed=0, **WHO)
    assert (list(learning.sessions), list(learning.records)) == ([], [])
    assert await stored(base, "federated_training_sessions") == []


async def test_runs_to_compare_must_be_named(learning):
    with pytest.raises(BadInput, match="Name the runs"):
        await learning.compare([])


async def test_a_session_that_another_console_has_under_way_is_left_to_it(base, learning, links):
    with after_round(base, 1, lambda: learning.pause("latest")):
        told = await learning.train(links.nodes, rounds=3, epochs=1, seed=0, **WHO)
    there = {"id": told["run_id"], "job_id": "of-another-console", "state": "running"}
    session = {"id": told["run_id"], "status": "running"}

    def write(conn):
        stamp = {"actor": "you@there", "cause": "", "now_us": base.clock.now_us()}
        rows.put(conn, "learning_runs", there, **stamp)
        rows.put(conn, "federated_training_sessions", session, **stamp)

    await base.store.write(write)
    await learning.refresh()
    with pytest.raises(Conflict, match="another console"):
        await learning.resume("latest", **WHO)
    assert [client.specs[-1]["round"] for client in links.clients.values()] == [1] * 6
    assert learning.find(told["run_id"]).job_id == "of-another-console"
    return told["run_id"]


async def test_a_session_of_a_console_that_is_gone_goes_on_here_where_its_model_is(base, learning, links):
    run_id = await test_a_session_that_another_console_has_under_way_is_left_to_it(base, learning, links)
    path = artifacts.path_of(base.home, learning.sessions.need(run_id).checkpoint["state"])
    kept = path.rename(path.with_name("elsewhere"))
    with pytest.raises(Conflict, match="is not on this machine"):
        await learning.resume("latest", take_over=True, **WHO)
    assert learning.sessions.need(run_id).status == "running"
    kept.rename(path)
    told = await learning.resume("latest", take_over=True, **WHO)
    assert (told["state"], [row["round"] for row in told["rounds"]]) == ("done", [1, 2, 3])
    with pytest.raises(Conflict, match="not under way at another console"):
        await learning.close("latest", **WHO)


async def test_a_session_of_a_console_that_is_gone_is_closed_and_goes_on_no_more_by_itself(base, learning, links):
    run_id = await test_a_session_that_another_console_has_under_way_is_left_to_it(base, learning, links)
    closed = await learning.close("latest", **WHO)
    assert (closed.status, learning.find(run_id).state) == ("stopped", "stopped")
    again = LearningService(base, links)
    await again.start()
    assert (again.sessions.need(run_id).status, again.find(run_id).state, again._resumed) == ("stopped", "stopped", {})


@pytest.mark.parametrize(
    ("bound", "more"),
    [(3.0, {"algorithm": "scaffold"}), (2.7, {"algorithm": "fedavg", "compress": "top-k", "keep_ratio": 0.2})],
    ids=["scaffold", "feedback"],
)
async def test_what_is_over_the_bound_no_node_remembers_and_no_simulated_client(learning, links, same, bound, more):
    asked = {"epochs": 2, "learning_rate": 0.2, "norm_bound": bound, **more}
    told = await learning.train(links.nodes, rounds=6, seed=4, **asked, **WHO)
    shown = (await learning.show(told["run_id"]))["rounds"]
    split = load_digits()
    local = LocalSpec(seed=4, epochs=2, learning_rate=0.2, **more)
    test = (split.test_x, split.test_y)
    course = rounds(nets.initial(local.model, 4), Strategy(local, norm_bound=bound), links.people(), test, lambda: 0.0)
    steps = [(step.rejected.tolist(), step.params) for step in itertools.islice(course, 6)]
    bad = [[part["client"] for part in row["parts"] if part["state"] == "bad"] for row in shown]
    assert [one for one, _ in steps] == bad
    assert any(set(one) - set(other) for one, other in itertools.pairwise(bad))  # refused once, and counted later
    assert same(params_of(learning._base, told), steps[-1][1])
