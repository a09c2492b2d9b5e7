"""Which states may follow which: a step that was begun from another state than stands is refused, and told."""

import pytest

from app.engine.sync.guards import GUARDED, refusal
from tests.engine.sync.places import exchange

ROLLOUT = ("edge_deployments", "status")


@pytest.mark.parametrize(("column", "states", "told"), [
    (ROLLOUT, ("ready", "ready", "finished"), ""),  # who knew the state that stands takes any
    (ROLLOUT, ("deleting", "ready", "deleting"), ""),  # both went there
    (ROLLOUT, ("running", "ready", "paused"), ""),  # a step of the machine's from where it stands
    (ROLLOUT, ("deleted", "ready", "starting"), GUARDED),
    (ROLLOUT, ("starting", "ready", "deleted"), GUARDED),
    (("model_versions", "state"), ("retired", "draft", "active"), ""),
    (("model_versions", "state"), ("active", "retired", "draft"), GUARDED),
    (("edge_nodes", "status"), ("online", "offline", "suspect"), GUARDED),  # no machine is known: nobody's step is one
])  # fmt: skip
def test_a_state_that_another_came_before_is_taken_where_it_is_a_step_from_there(column, states, told):
    assert refusal(*column, *states) == told


async def test_a_hub_refuses_a_step_from_a_state_that_was_left_and_tells_it_in_the_inbox(places):
    hub, ann, bob = places
    row = await ann.save("edge_deployments", deployment_name="r", target_nodes=["a"], status="ready")
    for console, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub, console, device)
    await ann.save("edge_deployments", id=row["id"], status="deleting")
    await bob.save("edge_deployments", id=row["id"], status="starting")
    for console, device in ((ann, "ann"), (bob, "bob"), (ann, "ann")):
        await exchange(hub, console, device)
    for place in places:
        assert [one["status"] for one in await place.all("edge_deployments")] == ["deleting"]
        [met] = await place.all("sync_conflicts")
        assert (met["reason"], met["column_name"], met["lost"]["value"]) == (GUARDED, "status", "starting")
