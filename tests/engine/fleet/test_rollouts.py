"""Rollouts over nodes that only remember, and one over real agents."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

from app.engine.base.clock import ManualClock
from app.engine.base.errors import BadInput, Conflict, Missing, Offline, Refused
from app.engine.base.records import Records
from app.engine.fleet.budget import Budgets
from app.engine.fleet.health import Health
from app.engine.fleet.records import Node
from app.engine.fleet.rollout.papers import document_of
from app.engine.fleet.rollout.records import Gate, Spec, to_json
from app.engine.fleet.rollouts import RolloutService
from app.engine.fleet.targets import Targets
from app.engine.link.transfer import Parcel, no_delta
from app.engine.models.records import ModelVersion
from app.engine.store import rows
from app.wire.identity import DeviceIdentity
from tests.engine.fleet.ground import PATIENCE_S, until

VERSIONS = {n: ModelVersion(f"m{n}", "digits", n, f"sha256:{n:064x}", 1000 * n) for n in (1, 2, 3)}


class FakeNode:
    """A node that follows the verbs, and fails where it is told to."""

    def __init__(self):
        self.version, self.waiting, self.pending, self.fails, self.did = 1, None, None, {}, []
        self.shadowed = {"has_old": True, "source": "recorded", "agreement_ratio": 0.99, "old_p99_s": 1e-3, "new_p99_s": 1e-3}
        self.gate = asyncio.Event()
        self.gate.set()

    async def _do(self, verb):
        self.did.append(verb)
        await asyncio.sleep(0)
        if verb in self.fails:
            raise self.fails.pop(verb)

    async def status(self):
        await self._do("status")
        version = self.pending or self.version
        if not version:
            return SimpleNamespace(models=())
        model = SimpleNamespace(
            name="digits", version=version, artifact=VERSIONS[version].artifact, committed=self.pending is None
        )
        return SimpleNamespace(models=(model,))

    async def announce(self, slot, sealed, delta=None, *, fresh=False):
        await self._do("announce")
        await self.gate.wait()
        if sealed["version"] < self.version and not sealed["downgrade"]:
            raise Refused("older")
        return {"complete": True}

    async def prepare(self, slot, sealed):
        await self._do("prepare")
        self.waiting = sealed["version"]

    async def shadow(self, slot):
        await self._do("shadow")
        return self.shadowed

    async def activate(self, slot, version):
        await self._do("activate")
        self.pending = version

    async def commit(self, slot):
        await self._do("commit")
        self.version, self.pending = self.pending, None

    async def rollback(self, slot):
        await self._do("rollback")
        self.waiting = self.pending = None


class Rooms:
    """Stands where link, models and fleet stand."""

    def __init__(self, names):
        self.nodes = {name: FakeNode() for name in names}
        self.records = Records(lambda node: node.id, "node")
        for name in names:
            node = Node(
                name,
                name * 32,
                name,
                "x:1",
                state=Health.ONLINE,
                models=("digits:1",),
                site="north",
                labels={"ring": "canary"} if name == "c" else {},
            )
            self.records.put(node)
        self.held = set()
        self.told, self.active, self.budgets, self.keys = [], [], Budgets(ManualClock()), "us"

    def set(self, name, **changed):
        self.records.put(replace(self.records.need(name), **changed))

    # the fleet
    def select(self, words, *, held=False):
        return Targets(self.records, None, ManualClock()).select(words, held=held)

    def activated(self, node_id, model_id, slot, **_given):
        self.told.append((node_id, model_id))
        self.set(node_id, models=(f"digits:{model_id[1:]}",))

    # the link
    def client(self, node_id):
        return self.nodes[node_id]

    async def identity(self):
        return self.keys

    # the models
    def find(self, key):
        found = [model for model in VERSIONS.values() if key in (model.id, model.title)]
        if not found:
            raise Missing("There is no model {key}", key=key)
        return found[0]

    @property
    def keeping(self):
        return self

    async def hold(self, model, **_given):
        self.held.add(model.id)

    def manifest(self, model):
        return {}

    async def seal(self, model, identity, *, downgrade, limits):
        return {"version": model.version, "downgrade": downgrade}

    def parcel(self, model, sealed):
        return Parcel(model.name, sealed, model.artifact, "file", model.size_bytes)

    def deltas(self, model):
        return no_delta

    async def transfer_bytes(self, model, version):
        return 10 if version else model.size_bytes

    async def make_active(self, model, *, actor, cause):
        self.active.append(model.id)


@pytest.fixture
def rooms():
    return Rooms("abcde")


@pytest.fixture
def opened(base, rooms):
    @asynccontextmanager
    async def open_rollouts():
        service = RolloutService(base, rooms, rooms, rooms)
        await service.start()
        try:
            yield service
        finally:
            await service.stop()

    return open_rollouts


@pytest.fixture
async def rollouts(opened):
    async with opened() as service:
        yield service


BY = {"actor": "me@here"}


async def run(rollouts, spec=Spec(), model="digits:2", nodes="all"):  # noqa: B008
    told = await rollouts.plan(model, nodes, spec, **BY)
    await rollouts.begin(told["rollout"], **BY)
    await rollouts.settled(told["rollout"], PATIENCE_S)
    return rollouts.find(told["rollout"])


def states(rollouts, rollout):
    return {task.name: task.state for task in rollouts.tasks(rollout.id)}


async def test_a_plan_says_who_who_not_and_why_bytes_time_and_what_undoing_means(rollouts, rooms):
    rooms.set("b", models=("digits:2",))
    rooms.set("d", state=Health.DECOMMISSIONED)
    rooms.set("e", models=(), link_bytes_s=100)
    rooms.set("a", link_bytes_s=1)
    rooms.set("c", link_bytes_s=5)
    told = await rollouts.plan("digits:2", "all", Spec(groups=("label.ring=canary", "rest")), **BY)
    assert [(group["name"], group["nodes"]) for group in told["groups"]] == [("label.ring=canary", ["c"]), ("rest", ["a", "e"])]
    assert told["excluded"] == [{"name": "b", "reason": "it has this version"}, {"name": "d", "reason": "out of service"}]
    assert (told["bytes"], told["links"]) == (2020, [{"site": "north", "nodes": 3, "bytes": 2020, "seconds": 20.0}])
    assert told["undo"] == [{"version": None, "nodes": 1, "possible": False}, {"version": 1, "nodes": 2, "possible": True}]
    assert (told["state"], told["needs_approval"]) == ("ready", False)
    assert rooms.held == {"m2"}
    unkept = await rollouts.plan("digits:2", "a", Spec(), keep=False, **BY)
    assert (unkept["rollout"], len(rollouts.records)) == ("", 1)
    with pytest.raises(Missing, match="it has this version"):
        await rollouts.plan("digits:2", "b", Spec(), **BY)
    with pytest.raises(BadInput):
        await rollouts.plan("digits:2", "a", Spec(groups=("some",)), **BY)
    by_query = await rollouts.plan("digits:2", 'label.ring == "canary"', Spec(), **BY)
    assert [group["nodes"] for group in by_query["groups"]] == [["c"]]


async def test_every_node_is_brought_there_group_by_group_and_the_model_becomes_active(rollouts, rooms):
    rollout = await run(rollouts, Spec(groups=("1", "50%", "rest")))
    assert (rollout.state, set(states(rollouts, rollout).values())) == ("finished", {"succeeded"})
    assert [node.version for node in rooms.nodes.values()] == [2] * 5
    assert rooms.nodes["a"].did == ["status", "announce", "prepare", "shadow", "activate", "commit"]
    assert (rooms.told[0][0], rooms.active) == ("a", ["m2"])
    assert rollouts.tasks(rollout.id).need("a").agreement_ratio == 0.99


async def test_a_failure_goes_back_pauses_and_only_the_failed_are_tried_again(rollouts, rooms):
    rooms.nodes["b"].fails["activate"] = BadInput("The self-test fails")
    rollout = await run(rollouts, Spec(groups=("2", "rest")))
    assert rollout.state == "paused"
    assert states(rollouts, rollout) == {"a": "succeeded", "b": "rolled_back", "c": "queued", "d": "queued", "e": "queued"}
    assert rollouts.tasks(rollout.id).need("b").reason == "The self-test fails"
    assert "Paused: 1 of 2 nodes failed" in rollout.waiting
    rooms.nodes["b"].fails.clear()
    did = len(rooms.nodes["a"].did)
    await rollouts.retry(rollout.id, **BY)
    await rollouts.settled(rollout.id, PATIENCE_S)
    assert rollouts.find(rollout.id).state == "finished"
    assert len(rooms.nodes["a"].did) == did
    with pytest.raises(Conflict, match="No node"):
        await rollouts.retry(rollout.id, **BY)


async def test_a_resumed_rollout_takes_the_failure_as_it_is(rollouts, rooms):
    rooms.nodes["a"].fails["prepare"] = BadInput("No")
    rooms.nodes["a"].fails["rollback"] = Offline("Away")
    rollout = await run(rollouts, Spec(groups=("1", "rest")))
    assert states(rollouts, rollout)["a"] == "rollback_failed"
    await rollouts.resume("", **BY)
    await rollouts.settled(rollout.id, PATIENCE_S)
    assert rollouts.find("").state == "finished"
    assert states(rollouts, rollout)["e"] == "succeeded"


@pytest.mark.parametrize(("gate", "word"), [(Gate(agreement_least=0.995), "agree"), (Gate(p99_ratio_most=0.5), "p99 latency")])
async def test_shadow_traffic_below_its_gate_goes_back_before_any_traffic(rollouts, rooms, gate, word):
    rollout = await run(rollouts, Spec(gate=gate))
    task = rollouts.tasks(rollout.id).need("a")
    assert (rollout.state, task.state) == ("paused", "rolled_back")
    assert word in task.reason
    assert "activate" not in rooms.nodes["a"].did


async def test_a_silent_node_is_unknown_and_asked_when_it_is_back(rollouts, rooms):
    node = rooms.nodes["c"]
    node.fails["commit"] = Offline("Away")
    told = await rollouts.plan("digits:2", "c", Spec(groups=("rest",), backoff_s=0.0), **BY)
    await rollouts.begin(told["rollout"], **BY)
    tasks = rollouts.tasks(told["rollout"])
    await rollouts.settled(told["rollout"], PATIENCE_S)
    assert tasks.need("c").state == "succeeded"
    assert node.did.count("prepare") == 2  # it was put back first, then all of it again
    assert node.version == 2


async def test_a_stop_cancels_the_queue_and_an_emergency_puts_back_who_is_on_the_way(rollouts, rooms):
    for name in "ab":
        rooms.nodes[name].gate.clear()
    told = await rollouts.plan("digits:2", "all", Spec(groups=("rest",), at_once=2), **BY)
    await rollouts.begin(told["rollout"], **BY)
    await until(lambda: "announce" in rooms.nodes["b"].did)
    await rollouts.halt(told["rollout"], emergency=True, **BY)
    await rollouts.settled(told["rollout"], PATIENCE_S)
    rollout = rollouts.find(told["rollout"])
    assert (rollout.state, set(states(rollouts, rollout).values())) == ("stopped", {"canceled"})
    assert {node.version for node in rooms.nodes.values()} == {1}
    gone = await rollouts.remove(rollout.id, **BY)
    assert gone.state == "deleted"
    with pytest.raises(Missing):
        rollouts.find(rollout.id)


async def test_above_the_limit_nothing_starts_before_somebody_approves(rollouts):
    told = await rollouts.plan("digits:2", "all", Spec(approve_above=3), **BY)
    assert told["state"] == "waiting_for_approval"
    with pytest.raises(Refused, match="waits for approval"):
        await rollouts.begin(told["rollout"], **BY)
    assert (await rollouts.approve(told["rollout"], accept=True, actor="you@there")).approver == "you@there"
    assert (await rollouts.begin(told["rollout"], **BY)).state == "starting"
    with pytest.raises(Conflict, match="cannot approve"):
        await rollouts.approve(told["rollout"], accept=True, actor="you@there")
    other = await rollouts.plan("digits:3", "all", Spec(approve_above=3), **BY)
    with pytest.raises(Refused, match="me planned digits:3 and cannot approve it too"):
        await rollouts.approve(other["rollout"], accept=True, actor="me@another-device")
    assert (await rollouts.approve(other["rollout"], accept=False, **BY)).state == "approval_denied"


async def test_another_name_on_the_same_console_approves_nothing_and_an_approvers_paper_does(rollouts, rooms, base, tmp_path):
    told = await rollouts.plan("digits:2", "all", Spec(approve_above=3), **BY)
    with pytest.raises(Refused, match="this user of the system"):
        await rollouts.approve(told["rollout"], accept=True, actor="you@here")
    asked, paper, second = tmp_path / "plan.json", tmp_path / "approval.json", DeviceIdentity.generate("desk")
    found = rollouts.find(told["rollout"])
    await rollouts.approvals.ask(found, list(rollouts.tasks(found.id)), asked)
    rooms.keys = second
    assert (await rollouts.approvals.vouch(asked, paper))["nodes"] == 5
    with pytest.raises(Refused, match="no approver here"):
        await rollouts.approve(found.id, accept=True, paper=paper, **BY)
    base.settings.set("fleet.approvers", f"{'0' * 32}, {second.public.device_id}")
    moved = await rollouts.approve(found.id, accept=True, paper=paper, **BY)
    assert (moved.state, moved.approver) == ("ready", f"desk@{second.public.device_id[:8]}")
    assert moved.paper["sealed"]["signer"] == second.public.device_id


async def test_a_paper_that_cannot_be_read_is_told_with_its_file(rollouts, tmp_path):
    told = await rollouts.plan("digits:2", "all", Spec(approve_above=3), **BY)
    with pytest.raises(Missing, match=r"nowhere\.json"):
        await rollouts.approve(told["rollout"], accept=True, paper=tmp_path / "nowhere.json", **BY)
    found = rollouts.find(told["rollout"])
    with pytest.raises(Conflict, match="cannot be written"):
        await rollouts.approvals.ask(found, [], tmp_path)


async def test_the_plan_can_be_seen_again_after_a_restart(opened, rooms):
    rooms.set("a", link_bytes_s=1)
    async with opened() as rollouts:
        told = await rollouts.plan("digits:2", "all", Spec(site_bytes_s=5), **BY)
    async with opened() as rollouts:
        found = rollouts.find(told["rollout"])
        again = document_of(found, rollouts.tasks(found.id))["plan"]
    assert again == told
    assert again["links"][0]["seconds"] == 10.0


async def test_what_a_node_really_had_is_what_it_goes_back_to_whatever_the_plan_knew(rollouts, rooms):
    rooms.set("a", models=())
    told = await rollouts.plan("digits:2", "a,b", Spec(), **BY)
    assert {task.node_id: task.before for task in rollouts.tasks(told["rollout"])} == {"a": 0, "b": 1}
    await rollouts.begin(told["rollout"], **BY)
    await until(lambda: rollouts.find("").state == "finished")
    assert {task.node_id: task.before for task in rollouts.tasks(told["rollout"])} == {"a": 1, "b": 1}
    (back,) = await rollouts.undo(told["rollout"], **BY)
    assert (back["title"], back["nodes"]) == ("digits:1", 2)


async def test_where_a_person_is_asked_nothing_installs_before_one_said_so(rollouts, rooms):
    told = await rollouts.plan("digits:2", "a,b", Spec(confirm=True), **BY)
    await rollouts.begin(told["rollout"], **BY)
    tasks = rollouts.tasks(told["rollout"])
    await until(lambda: all(task.state == "wait_confirmation" for task in tasks))
    await until(lambda: "a waits for a person" in rollouts.find("").waiting)
    assert await rollouts.confirm("", "a", actor="you@there") == 1
    await until(lambda: tasks.need("a").state == "succeeded")
    assert (tasks.need("a").confirmed, tasks.need("b").state) == ("you@there", "wait_confirmation")
    assert "prepare" not in rooms.nodes["b"].did
    with pytest.raises(Conflict, match="waits for a person"):
        await rollouts.confirm("", "a", actor="you@there")
    assert await rollouts.confirm("", "all", actor="you@there") == 1
    await rollouts.settled(told["rollout"], PATIENCE_S)
    assert rollouts.find("").state == "finished"


async def test_a_link_that_carried_its_day_goes_on_the_next_day_where_it_stopped(base, rooms, clock, tmp_path):
    file = tmp_path / "model"
    file.write_bytes(bytes(2000))
    sent = []

    async def announce(slot, sealed, delta=None, *, fresh=False):
        return {"complete": False, "missing": [[1000 * len(sent), 2000]]}

    async def put_pieces(artifact, path, told, pace, progress):
        for _ in range(2 - len(sent)):
            await pace(1000)
            sent.append(1000)
        return 1000 * len(sent)

    node = rooms.nodes["a"]
    node.announce, node.put_pieces = announce, put_pieces
    rooms.set("a", models=(), link_bytes_day=2000)
    rooms.budgets = Budgets(clock)
    await rooms.budgets.for_node(rooms.records.need("a"))(500)
    service = RolloutService(base, rooms, rooms, rooms)
    await service.start()
    told = await service.plan("digits:2", "a", Spec(), **BY)
    await service.begin(told["rollout"], **BY)
    task = service.tasks(told["rollout"])
    await until(lambda: task.need("a").state == "download_paused")
    assert (len(sent), rooms.budgets.sent_today("a")) == (1, 1500)
    await until(lambda: "its link has carried its bytes of today" in service.find("").waiting)
    clock.advance(86400)
    await until(lambda: task.need("a").state == "succeeded")
    assert (len(sent), rooms.budgets.sent_today("a")) == (2, 1000)
    await service.stop()


async def test_undoing_is_a_plan_of_its_own_that_takes_each_node_back(rollouts, rooms):
    rooms.set("e", models=())
    rooms.nodes["e"].version = 0
    rollout = await run(rollouts)
    (back,) = await rollouts.undo(rollout.id, **BY)
    assert (back["title"], back["nodes"], back["undoes"], back["state"]) == ("digits:1", 4, rollout.id, "ready")
    await rollouts.begin(back["rollout"], **BY)
    await rollouts.settled(back["rollout"], PATIENCE_S)
    assert [rooms.nodes[name].version for name in "abcde"] == [1, 1, 1, 1, 2]
    assert rooms.active == ["m2", "m1"]


async def test_after_a_restart_it_goes_on_and_what_was_on_its_way_is_asked_first(opened, rooms):
    async with opened() as first:
        rooms.nodes["b"].gate.clear()
        told = await first.plan("digits:2", "a,b", Spec(groups=("1", "rest"), backoff_s=0.0), **BY)
        await first.begin(told["rollout"], **BY)
        await until(lambda: "announce" in rooms.nodes["b"].did)
    rooms.nodes["b"].gate.set()
    async with opened() as again:
        await again.settled(told["rollout"], PATIENCE_S)
        rollout = again.find(told["rollout"])
        assert (rollout.state, states(again, rollout)) == ("finished", {"a": "succeeded", "b": "succeeded"})
    assert rooms.nodes["a"].did.count("commit") == 1


async def test_a_dynamic_rollout_takes_in_who_comes_later(rollouts, rooms):
    rooms.records.discard("e")
    told = await rollouts.plan("digits:2", "all", Spec(groups=("rest",), dynamic=True), **BY)
    await rollouts.begin(told["rollout"], **BY)
    tasks = rollouts.tasks(told["rollout"])
    await until(lambda: all(task.state == "succeeded" for task in tasks))
    rooms.records.put(Node("e", "e" * 32, "e", "x:1", state=Health.ONLINE, models=("digits:1",)))
    await until(lambda: "e" in tasks and tasks.need("e").state == "succeeded")
    assert rollouts.find("").state == "running"
    await rollouts.pause("", **BY)
    assert rollouts.find("").state == "paused"


async def test_a_dynamic_rollout_does_not_grow_past_the_limit_that_nobody_approved(rollouts, rooms):
    for name in "de":
        rooms.records.discard(name)
    told = await rollouts.plan("digits:2", "all", Spec(groups=("rest",), dynamic=True, approve_above=4), **BY)
    await rollouts.begin(told["rollout"], **BY)
    tasks = rollouts.tasks(told["rollout"])
    for name in "de":
        rooms.records.put(Node(name, name * 32, name, "x:1", state=Health.ONLINE, models=("digits:1",)))
    await until(lambda: len(tasks) == 4 and all(task.state == "succeeded" for task in tasks))
    await until(lambda: rollouts.find("").excluded)
    ((name, reason),) = rollouts.find("").excluded
    assert (name, "approval" in reason) == ("e", True)
    assert "activate" not in rooms.nodes["e"].did


async def test_ten_thousand_nodes_are_planned_in_few_transactions(base, rooms):
    rooms.records = Records(lambda node: node.id, "node")
    rooms.records.put(
        *(Node(f"n{n}", f"{n:032x}", f"n{n:05}", "x:1", state=Health.ONLINE, site=f"s{n % 50}") for n in range(10_000))
    )
    service, writes, write = RolloutService(base, rooms, rooms, rooms), [], base.store.write

    async def counted(fn):
        writes.append(fn)
        return await write(fn)

    base.store.write = counted
    told = await service.plan("digits:2", "all", Spec(groups=("1%", "rest")), **BY)
    assert (told["nodes"], told["groups"][0]["count"], len(told["links"])) == (10_000, 100, 50)
    assert len(writes) <= 10
    del base.store.write


async def test_a_rollout_of_another_console_is_seen_here_but_run_there(opened, rooms, base):
    async with opened() as there:
        told = await there.plan("digits:2", "all", Spec(approve_above=1), **BY)
        await base.store.write(lambda conn: rows.drop_many(conn, "rollout_tasks", where={"rollout_id": told["rollout"]}))
        async with opened() as here:  # the same rows without the tasks, which stay with the console that runs it
            assert here.find(told["rollout"]).state == "waiting_for_approval"
            for verb in (here.begin, here.pause, here.resume, here.retry, here.undo):
                with pytest.raises(Refused, match="run by another console"):
                    await verb(told["rollout"], **BY)
            with pytest.raises(Refused, match="run by another console"):
                await here.approve(told["rollout"], accept=True, actor="other@2")
            await there.approve(told["rollout"], accept=False, actor="other@2")
            await here.refresh()
            assert here.find(told["rollout"]).state == "approval_denied"


async def test_a_running_rollout_of_another_console_is_not_taken_up_at_start(opened, rooms, base):
    async with opened() as there:
        told = await there.plan("digits:2", "all", Spec(), **BY)
        await there.begin(told["rollout"], **BY)
        await there.settled(told["rollout"], PATIENCE_S)
    where = {"rollout_id": told["rollout"]}
    await base.store.write(lambda conn: rows.drop_many(conn, "rollout_tasks", where=where))
    async with opened() as here:
        rollout = replace(here.find(told["rollout"]), state="running")
        await here._store.save(rollout, rollout.id, [], actor="bob@2", cause="")
    async with opened() as here:
        assert here._live[told["rollout"]].runner is None
        assert here.find(told["rollout"]).state == "running"


async def test_what_arrives_about_a_rollout_that_this_console_runs_neither_starts_nor_changes_it(opened, base):
    async with opened() as here:
        told = await here.plan("digits:2", "all", Spec(approve_above=1), **BY)
        mine = here.find(told["rollout"])
    merged = {**to_json(mine), "state": "running", "approver": "other@2", "version": 3, "model_id": "m3"}
    row = {"id": mine.id, "status": "running", "deployment_config": {"rollout": merged}, "target_nodes": []}
    await base.store.write(lambda conn: rows.put(conn, "edge_deployments", row, actor="ann@2", cause="", now_us=1))
    async with opened() as here:
        await here.refresh()
        assert here.find(mine.id) == mine
        assert here._live[mine.id].runner is None
        with pytest.raises(Refused, match="waits for approval"):
            await here.begin(mine.id, **BY)
        denied = await here.approve(mine.id, accept=False, actor="other@2")
    stored = await base.store.read(lambda conn: rows.get(conn, "edge_deployments", mine.id))
    assert (stored["status"], stored["deployment_config"]["rollout"]["version"]) == ("approval_denied", 2)
    async with opened() as here:
        assert here.find(mine.id) == denied
