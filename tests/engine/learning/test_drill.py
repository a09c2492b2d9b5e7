import asyncio
import itertools

import pytest

from app.engine.base.errors import BadInput, Conflict
from app.engine.base.events import RoundFinished
from app.engine.learning import nets
from app.engine.learning.data import load_digits
from app.engine.learning.drill import ATTACKS, LiveDrill, planned
from app.engine.learning.records import LocalSpec
from app.engine.learning.simulate import Drill, Field, rounds
from app.engine.learning.strategy import Strategy
from app.engine.store import artifacts, rows
from app.wire import tensors

WHO = {"actor": "me@here", "cause": "c1"}
FIRST = {"id0", "id1"}


@pytest.fixture
def drilled(base, learning, links):
    """Return what trains, with a drill that begins after round `since`."""

    async def train(since, attack, *, nodes=FIRST, lasts=2, **asked):
        def begin(event):
            if event.round == since:
                learning.drill("latest", attack, nodes, lasts)

        base.bus.subscribe(begin, RoundFinished)
        told = await learning.train(links.nodes, seed=4, epochs=1, learning_rate=0.2, **asked, **WHO)
        return told, (await learning.show(told["run_id"]))["rounds"]

    return train


def simulated(links, count, place, **more):
    split = load_digits()
    local = LocalSpec(seed=4, epochs=1, learning_rate=0.2)
    course = rounds(nets.initial(local.model, 4), Strategy(local, **more), links.people(), (split.test_x, split.test_y), lambda: 0.0,
                    place=place)  # fmt: skip
    return [step.params for step in itertools.islice(course, count)]


@pytest.mark.parametrize("attack", [name for name in ATTACKS if name != "dropout"])
async def test_a_drilled_session_comes_to_the_model_of_a_simulation_with_that_attack(base, links, drilled, same, attack):
    told, shown = await drilled(1, attack, rounds=3)
    expected = simulated(links, 3, Field(Drill(attack, 2, begins=2)))[-1]
    params, _ = tensors.unpack(artifacts.load(base.home, told["model"]), most_bytes=1 << 22)
    assert same(params, expected)
    assert [row["drill"] and row["drill"]["rounds"] for row in shown] == [None, 2, 1]
    assert [row.get("drill") for row in told["rounds"]] == [row["drill"] for row in shown]
    assert shown[1]["drill"]["nodes"] == ["node0", "node1"]
    reasons = [[part["reason"] for part in row["parts"]] for row in shown]
    assert reasons[0] == [""] * 6
    assert reasons[1] == [f"attacked in a drill: {attack}"] * 2 + [""] * 4


async def test_nodes_lost_in_a_drill_are_not_asked_and_come_back_after_it(links, drilled):
    _, shown = await drilled(1, "dropout", lasts=1, rounds=3)
    states = [[part["state"] for part in row["parts"][:3]] for row in shown]
    assert states == [["done"] * 3, ["offline", "offline", "done"], ["done"] * 3]
    assert shown[1]["parts"][0]["reason"] == "lost in a drill"
    asked = [[spec["round"] for spec in links.clients[name].specs] for name in ("id0", "id5")]
    assert asked == [[1, 3], [1, 2, 3]]


async def test_an_attack_over_the_norm_bound_is_refused_and_counts_against_nobody(base, drilled):
    told, shown = await drilled(1, "sign-flip", rounds=2, norm_bound=3.5)
    assert [[part["state"] for part in row["parts"]] for row in shown] == [["done"] * 6, ["failed"] * 2 + ["done"] * 4]
    assert "over the bound 3.5" in shown[1]["parts"][0]["reason"]
    assert [row["rejected"] for row in shown] == [[], []]
    assert {node["rejected"] for node in told["parts"].values()} == {0}
    stored = await base.store.read(lambda conn: rows.select(conn, "federated_updates", where={"session_id": told["run_id"]}))
    assert sorted({row["status"] for row in stored}) == ["done", "failed"]


async def test_a_drill_that_keeps_a_round_from_its_quorum_is_ended_at_once(learning, links, drilled):
    waiting = []

    def end(change):
        for session in change.changed:
            if session.status == "waiting":
                waiting.append(session.reason)
                learning.drill(session.id, "none", (), 1)

    learning.sessions.watch(end)
    async with asyncio.timeout(20):
        told, shown = await drilled(1, "dropout", nodes=set(links.clients), lasts=50, rounds=3)
    assert "node0: lost in a drill" in waiting[0]
    assert (len(waiting), told["state"]) == (1, "done")
    assert [row["drill"] for row in shown] == [None] * 3
    assert [part["state"] for part in shown[1]["parts"]] == ["done"] * 6


async def test_models_from_a_drill_on_say_so_also_when_the_session_went_on_later(base, learning, links, drilled):
    told, _ = await drilled(1, "sign-flip", lasts=1, rounds=3)
    session = learning.sessions.need(told["run_id"])
    assert session.checkpoint["drilled"] == 2
    lineage = [(await learning.export(told["run_id"], number=number, **WHO))["lineage"] for number in (1, 2, 3)]
    assert [one.get("drilled") for one in lineage] == [None, 2, 2]


async def test_only_a_session_under_way_is_drilled_and_only_by_its_nodes(learning, links):
    told = await learning.train(links.nodes, rounds=1, seed=0, **WHO)
    with pytest.raises(Conflict, match="not under way"):
        learning.drill(told["run_id"], "sign-flip", FIRST, 1)
    with pytest.raises(BadInput, match="1 of the chosen nodes"):
        planned(links.nodes, "sign-flip", ["id1", "strange"], 1)


def test_a_fifth_of_the_nodes_is_drilled_where_none_is_chosen():
    nodes = [(f"id{at}", f"node{at}") for at in range(11)]
    assert planned(nodes, "ipm", (), 3) == LiveDrill("ipm", frozenset({0, 1}), ("node0", "node1"), 3)
    assert planned(nodes[:3], "ipm", (), 3).names == ("node0",)
    assert planned(nodes, "ipm", ["id7", "id3"], 3).names == ("node3", "node7")
