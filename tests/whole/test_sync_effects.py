"""Commands are never merged: rows that arrive are shown, and start nothing at a console that did not begin it.

The eager ones of every table that travels are written at one console as it would write them in the midst of its work, carried to
another by a bundle, and taken over there, at once and at its next start.
"""

import asyncio

import pytest

from app.engine.base.clock import SystemClock
from app.engine.fleet.rollout.records import Rollout, Spec, to_json
from app.engine.fleet.rollouts import RolloutService
from app.engine.jobs.service import Jobs
from app.engine.learning.service import LearningService
from app.engine.link.client import NodeClient
from app.engine.store import capture, rows
from app.engine.store.shelf import Shelf
from app.engine.store.store import Store
from app.engine.sync import carry
from app.wire.identity import DeviceIdentity
from tests.engine.sync import bundles
from tests.meeting import opened

pytestmark = pytest.mark.usefixtures("only_when_told")

ROLLOUT = Rollout("", "digits:2", "m1", "digits", 2, "running", Spec(dynamic=True))
RUN = {"job_id": "there", "title": "a run", "source": "s", "spec": {"seed": 0}, "state": "running"}
SESSION = {
    "session_name": "a session", "model_architecture": "mlp-64-32-10", "participating_nodes": [{"id": "n1", "name": "node"}],
    "status": "running", "spec": {"seed": 0, "rounds": 3, "name": ""},
}  # fmt: skip
# Desired state is not a command: it merges like all else, and what is asked of a node for it is asked by whoever reaches the
# node, signed with an expiry, on the version it builds on. What else is here tells what was, or how something is shown.
STATE = {"edge_twins", "edge_layers", "saved_views", "sync_conflicts", "learning_rounds", "federated_updates"}


def eager(node):
    """The rows of every table that might have something begun, by table."""
    identity = node.public
    states = ("starting", "running", "paused", "stopping", "finished")
    return {
        "edge_nodes": [{
            "id": "n1", "node_identifier": identity.device_id, "name": "node", "address": "127.0.0.1:9",
            "identity": identity.to_json(), "certificate": identity.certificate_pem,
        }],
        "model_versions": [{"id": "m1", "name": "digits", "version": 2, "artifact": "sha256:" + "0" * 64, "state": "active"}],
        "edge_deployments": [
            {"deployment_name": state, "model_id": "m1", "rollout_strategy": "groups", "status": state, "target_nodes": ["n1"],
             "deployment_config": {"rollout": {**to_json(ROLLOUT), "state": state}}}
            for state in states
        ],
        "federated_training_sessions": [{"id": "s1", **SESSION}, {"id": "s2", **SESSION}],
        "learning_runs": [{"id": "s1", **RUN}, {"id": "s2", **RUN, "job_id": ""}],
        **{name: [{**RUN}, {**RUN, "state": "queued"}] for name in ("qubo_runs", "circuit_runs", "task_runs", "control_runs")},
        "qubo_comparisons": [dict(RUN)],
        "quantum_tasks": [{"run_id": "r", "task_type": "qubo", "status": "running"}],
        "quantum_executions": [{"task_id": "t", "provider": "p"}],
        "quantum_optimizations": [{"task_id": "t"}],
    }  # fmt: skip


@pytest.fixture
def begun(monkeypatch):
    """What was begun: rollouts run, sessions driven, jobs, and requests that change something at a node."""
    found = []

    def spied(owner, name):
        real = getattr(owner, name)

        def spy(self, *args, **told):
            found.append((name, args))
            return real(self, *args, **told)

        monkeypatch.setattr(owner, name, spy)

    for owner, name in (
        (RolloutService, "_run"), (LearningService, "_drive"), (Jobs, "submit"), (Jobs, "submit_local"), (NodeClient, "_change"),
    ):  # fmt: skip
        spied(owner, name)
    return found


async def test_nothing_that_arrives_starts_anything_where_it_was_not_begun(tmp_path, begun):
    clock, node = SystemClock(), DeviceIdentity.generate("node")
    there = await Store.open(tmp_path / "there" / "outpost.db", clock)
    arriving = eager(node)
    assert arriving.keys() | STATE == set(
        await there.read(lambda conn: Shelf(conn).tables())
    )  # a new table is to be thought of
    by = {"actor": "ann@there", "cause": "", "now_us": clock.now_us()}
    for table, some in arriving.items():
        await there.write(lambda conn, table=table, some=some: [rows.put(conn, table, row, **by) for row in some] and None)
    body, files = await there.write(lambda conn: bundles.from_peer(Shelf(conn), "here", "ann", by["now_us"]))
    await there.close()

    def take(conn):
        with capture.quiet(conn):
            return carry.to_peer(Shelf(conn), "there", body, list(files.values()), clock.now_us())

    async with opened(tmp_path / "here") as here:
        _, tables = await here.store.write(take)
        assert tables == set(arriving)
        here.sync.followers.changed(tables)
        await here.sync.followers.settled()
        assert len(list(here.rollouts.records)) == 5
        assert [session.status for session in here.learning.sessions] == ["running", "running"]
        assert [run.state for run in here.qubo.records] == ["running", "queued"]
        await asyncio.sleep(0)
    async with opened(tmp_path / "here") as here:
        assert len(list(here.rollouts.records)) == 5
        assert len(list(here.fleet.records)) == 1
        await asyncio.sleep(0)
    assert begun == []
