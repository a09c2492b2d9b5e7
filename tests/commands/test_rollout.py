from types import SimpleNamespace

import pytest

from app.commands.rollout import ROWS
from app.engine.base.command import CommandTable, Role
from app.engine.base.errors import BadInput
from app.engine.base.records import Records
from app.engine.fleet.health import Health
from app.engine.fleet.records import Node
from app.engine.fleet.rollout.records import Gate, Group, Rate, Rollout, Spec, Task, Window

ROLLOUT = Rollout(
    "r1", "digits:2", "m2", "digits", 2, "ready", Spec(groups=("1", "rest")), (Group("1", "ready"), Group("rest", "ready"))
)
TASKS = [Task("a", "a", 0, bytes_planned=100), Task("b", "b", 1, bytes_planned=100)]


class Rollouts:
    """Notes what it was asked."""

    def __init__(self):
        self.records, self.asked = Records(lambda rollout: rollout.id, "rollout"), []
        self.records.put(ROLLOUT)

    def find(self, key):
        return ROLLOUT

    def tasks(self, key):
        return TASKS

    async def plan(self, model, nodes, spec, *, keep, actor, cause):
        self.asked.append((model, nodes, keep))
        self.spec = spec
        return {"rollout": "r1"}

    async def settled(self, key, wait_s):
        self.asked.append(("settled", key, wait_s))

    async def undo(self, key, **_by):
        return [{"rollout": "r2"}]

    async def confirm(self, key, nodes, **_by):
        self.asked.append((key, nodes))
        return 1

    def __getattr__(self, verb):
        async def do(key, **how):
            self.asked.append((verb, key, {name: value for name, value in how.items() if name not in ("actor", "cause")}))
            return ROLLOUT

        return do


@pytest.fixture
def call():
    return SimpleNamespace(engine=SimpleNamespace(rollouts=Rollouts()), actor="me@here", cause="c1")


async def ask(call, command, /, **given):
    row = CommandTable(ROWS).need(command)
    return await row.run(call, **row.take(given))


async def test_rollout_plan_hands_on_how_it_is_to_go(call):
    await ask(
        call, "rollout.plan", model="digits", nodes='site == "north"', groups="1, 10%,rest", p99_ratio_most=1.5, rate="exponential",
        per_minute=5, windows="22:00-04:00; sat 01:00-02:00", memory_bytes=1000, offline="skip", retries=2, keep=False,
    )  # fmt: skip
    spec = call.engine.rollouts.spec
    assert call.engine.rollouts.asked == [("digits", 'site == "north"', False)]
    assert (spec.groups, spec.gate, spec.rate) == (
        ("1", "10%", "rest"),
        Gate(p99_ratio_most=1.5),
        Rate("exponential", 5.0, 2.0),
    )
    assert spec.windows == (Window(79200, 14400), Window(3600, 7200, (5,)))
    assert (spec.limits, spec.offline, spec.retries, spec.approve_above) == ({"memory_bytes": 1000}, "skip", 2, 100)
    with pytest.raises(BadInput):
        await ask(call, "rollout.plan", model="digits", groups="some")


async def test_rollout_simulate_rehearses_the_plan(call):
    told = await ask(call, "rollout.simulate", rollout="r1", seed=3)
    assert (told["kind"], told["state"], told["good"], told["seed"]) == ("simulated", "finished", 2, 3)
    many = await ask(call, "rollout.simulate", rollout="r1", nodes=300)
    assert (many["state"], many["good"]) == ("finished", 300)


async def test_rollout_simulate_can_begin_with_the_fleet_as_it_is(call):
    nodes = call.engine.fleet = SimpleNamespace(records=Records(lambda node: node.id, "node"))
    nodes.records.put(
        Node("a", "d", "a", "x:1", state=Health.OFFLINE), Node("b", "e", "b", "x:1", state=Health.ONLINE, link_bytes_s=1)
    )  # fmt: skip
    told = await ask(call, "rollout.simulate", rollout="r1", as_is=True, away_s=4000.0)
    assert told["seconds"] > 4000


async def test_rollout_list_and_rollout_show_tell_counts_groups_and_nodes(call):
    (row,) = (await ask(call, "rollout.list"))["rollouts"]
    assert (row["id"], row["nodes"], row["open"]) == ("r1", 2, 2)
    told = await ask(call, "rollout.show", rollout="r1")
    assert [(group["name"], group["counted"], group["good"]) for group in told["groups"]] == [("1", 1, 0), ("rest", 1, 0)]
    assert [task["name"] for task in told["tasks"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("command", "given", "asked"),
    [
        ("rollout.approve", {"deny": True}, ("approve", "r1", {"accept": False, "paper": None})),
        ("rollout.pause", {}, ("pause", "r1", {})),
        ("rollout.stop", {"emergency": True}, ("halt", "r1", {"emergency": True})),
        ("rollout.start", {"wait_s": 3}, ("begin", "r1", {})),
        ("rollout.resume", {}, ("resume", "r1", {})),
        ("rollout.retry", {}, ("retry", "r1", {})),
        ("rollout.delete", {}, ("remove", "r1", {})),
    ],
)
async def test_each_verb_goes_to_the_service(call, command, given, asked):
    await ask(call, command, rollout="r1", **given)
    assert call.engine.rollouts.asked[0] == asked
    if command == "rollout.start":
        assert call.engine.rollouts.asked[1] == ("settled", "r1", 3.0)


async def test_rollout_confirm_tells_how_many_were_let_go(call):
    told = await ask(call, "rollout.confirm", rollout="r1", nodes="a")
    assert (told["confirmed"], told["id"]) == (1, "r1")
    assert call.engine.rollouts.asked == [("r1", "a")]


async def test_rollout_undo_returns_its_plans(call):
    assert await ask(call, "rollout.undo", rollout="r1") == {"plans": [{"rollout": "r2"}]}


def test_only_looking_and_rehearsing_is_free_for_observers():
    assert {row.id for row in ROWS if row.role is Role.OBSERVER} == {"rollout.list", "rollout.show", "rollout.simulate"}


async def test_rollout_ask_and_rollout_vouch_hand_their_files_on(call, tmp_path):
    papers = call.engine.rollouts.approvals = Papers()
    assert await ask(call, "rollout.ask", rollout="r1", file=tmp_path / "plan.json") == {"title": "digits:2", "nodes": 2}
    assert await ask(call, "rollout.vouch", file=tmp_path / "plan.json", out=tmp_path / "out.json") == {"sealed": True}
    assert papers.asked == [tmp_path / "plan.json", (tmp_path / "plan.json", tmp_path / "out.json")]


class Papers:
    def __init__(self):
        self.asked = []

    async def ask(self, rollout, tasks, file):
        self.asked.append(file)
        return {"title": rollout.title, "nodes": len(tasks)}

    async def vouch(self, file, out):
        self.asked.append((file, out))
        return {"sealed": True}
