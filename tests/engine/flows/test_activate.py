from contextlib import suppress

import numpy as np
import pytest

from app.engine.base.clock import SystemClock
from app.engine.base.errors import BadInput, Conflict, Limit, Missing, Offline, Refused
from app.engine.fleet.budget import Budgets
from app.engine.fleet.health import Health
from app.engine.fleet.records import Node
from app.engine.flows.activate import Parts, activate, check_predictions, rows_for
from app.engine.jobs.service import Jobs
from app.engine.link.transfer import Parcel, no_delta
from app.engine.models.records import ModelVersion
from tests.engine.fleet.ground import ground

MODEL = ModelVersion(
    "m1", "digits", 3, "sha256:" + "0" * 64, 10,
    inputs={"inputs": [{"name": "x", "dtype": "tensor(float)", "shape": [None, 64]}], "self_test": {}},
)  # fmt: skip


class Client:
    """Stands where the client of a node stands: notes each verb, and fails where told."""

    def __init__(self, fails=None, rollback=None, bias=0.0):
        self.fails, self.rollback_error, self.bias, self.did = fails or {}, rollback, bias, []

    def _do(self, verb):
        self.did.append(verb)
        if verb in self.fails:
            raise self.fails[verb]

    async def announce(self, slot, sealed):
        self._do("upload")
        return {"complete": True}

    async def status(self):
        self._do("status")

    async def prepare(self, slot, manifest):
        self._do("prepare")

    async def activate(self, slot, version):
        assert (slot, version) == ("digits", 3)
        self._do("activate")

    async def commit(self, slot):
        self._do("commit")

    async def rollback(self, slot):
        self.did.append("rollback")
        if self.rollback_error is not None:
            raise self.rollback_error

    async def infer(self, model, x):
        self._do("infer")
        return np.eye(10, dtype=np.float32)[np.arange(len(x)) % 10] + self.bias


class Rooms:
    """Stands where link, models and fleet stand."""

    def __init__(self, clients, states=()):
        self.clients = dict(zip("abcdef", clients, strict=False))
        given = {name: Node(name, name * 32, name, "x:1", state=Health.ONLINE) for name in self.clients}
        self.records = {**given, **{name: Node(name, name * 32, name, "x:1", state=state) for name, state in states}}
        self.ended, self.told, self.active = None, [], None

    def find(self, key):
        return MODEL

    async def identity(self):
        return "us"

    async def seal(self, model, identity, *, downgrade):
        return {"manifest": {}}

    def parcel(self, model, sealed):
        return Parcel(model.name, sealed, model.artifact, "model", 10)

    def deltas(self, model):
        return no_delta

    async def predict(self, model, rows, *, actor, cause):
        return np.eye(10)[np.arange(len(rows)) % 10].tolist()

    async def make_active(self, model, *, actor, cause):
        self.active = model

    @property
    def budgets(self):
        return Budgets(SystemClock())

    def select(self, nodes):
        return [] if nodes == "nobody" else list(self.records.values())

    def client(self, node_id):
        return self.clients[node_id]

    async def begin(self, *args, **given):
        return "d1"

    async def end(self, key, status, outcome, **given):
        self.ended = status

    @property
    def deployments(self):
        return self

    def activated(self, node_id, model_id, slot, **given):
        self.told.append(node_id)


@pytest.fixture
async def jobs(tmp_path):
    async with ground(tmp_path) as base:
        yield base.jobs


async def bring(jobs: Jobs, rooms):
    told = await activate(Parts(jobs, rooms, rooms, rooms), "digits", "all", actor="me@here")
    return {row["name"]: row["state"] for row in told["nodes"]}, told


async def test_every_node_goes_through_the_steps_in_order(jobs):
    rooms = Rooms([Client(), Client()])
    states, _ = await bring(jobs, rooms)
    assert states == {"a": "succeeded", "b": "succeeded"}
    assert rooms.clients["a"].did == ["upload", "prepare", "activate", "commit"]
    assert (rooms.ended, sorted(rooms.told), rooms.active) == ("finished", ["a", "b"], MODEL)
    (job,) = jobs.records
    assert (job.state, job.done, job.total, job.unit) == ("done", 2.0, 2.0, "nodes")


@pytest.mark.parametrize(
    ("client", "state", "rolled_back"),
    [
        (Client({"upload": Limit("The disk is full")}), "failed", False),
        (Client({"prepare": BadInput("The self-test fails")}, rollback=Conflict("Nothing is prepared")), "failed", True),
        (Client({"activate": Offline("Away")}), "rolled_back", True),
        (Client({"commit": Offline("Away")}), "rolled_back", True),
        (Client({"commit": Offline("Away")}, rollback=Offline("Still away")), "rollback_failed", True),
    ],
)
async def test_a_failure_before_the_commit_goes_back_and_harms_no_other_node(jobs, client, state, rolled_back):
    rooms = Rooms([client, Client()])
    states, told = await bring(jobs, rooms)
    assert states == {"a": state, "b": "succeeded"}
    assert ("rollback" in client.did) is rolled_back
    assert told["nodes"][0]["error"]
    assert (rooms.ended, rooms.told) == ("error", ["b"])


async def test_an_offline_node_is_skipped_and_without_any_success_no_version_becomes_active(jobs):
    rooms = Rooms([Client({"upload": Refused("No")}), Client({"status": Offline("away")})], [("b", Health.OFFLINE)])
    states, _ = await bring(jobs, rooms)
    assert states == {"a": "failed", "b": "skipped"}
    assert rooms.active is None


async def test_a_node_held_to_be_away_that_answers_is_not_skipped(jobs):
    rooms = Rooms([Client(), Client()], [("b", Health.OFFLINE)])
    states, _ = await bring(jobs, rooms)
    assert states == {"a": "succeeded", "b": "succeeded"}


async def test_without_nodes_nothing_is_begun(jobs):
    rooms = Rooms([])
    with pytest.raises(Missing, match="no node"):
        await activate(Parts(jobs, rooms, rooms, rooms), "digits", "nobody", actor="me@here")
    assert len(jobs.records) == 0


async def test_predictions_are_compared_row_by_row(jobs):
    away = Client({"infer": Offline("Away")})
    rooms = Rooms([Client(), Client(bias=0.25), away])
    told = await check_predictions(Parts(jobs, rooms, rooms, rooms), "digits", rows_for(MODEL, 20), actor="me@here")
    same, off, gone = told["nodes"]
    assert (told["rows"], same["agreement_ratio"], same["largest_difference"]) == (20, 1.0, 0.0)
    assert (off["agreement_ratio"], off["largest_difference"]) == (1.0, 0.25)
    assert (gone["agreement_ratio"], gone["largest_difference"], gone["error"]) == (0.0, None, "Away")


def test_rows_are_images_for_the_digits_and_draws_for_others():
    from dataclasses import replace

    with suppress(Missing):
        images = rows_for(replace(MODEL, lineage={"spec": {"data": "digits"}}), 400)
        assert (len(images), len(images[0])) == (400, 64)
        assert {round(16 * value, 6) % 1 for value in images[0]} == {0.0}
    draws = rows_for(MODEL, 7)
    assert draws == rows_for(MODEL, 7)
    assert (len(draws), len(draws[0])) == (7, 64)
