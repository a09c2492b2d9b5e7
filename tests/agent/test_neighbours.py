"""Neighbours: real TLS between nodes of this process; the word of one reaches the console as health."""

import asyncio

import pytest

from app.agent.neighbours import Neighbours, knock, peers_in
from app.agent.virtual import VirtualNode
from app.engine.base.clock import ManualClock
from app.engine.base.errors import BadInput
from app.wire.identity import DeviceIdentity


@pytest.fixture
async def other():
    made = await VirtualNode("south", DeviceIdentity.generate("console").public).start()
    yield made
    await made.stop()


async def test_who_answers_with_its_own_key_was_there_and_one_who_does_not_was_not(other):
    device = other.identity.public.device_id
    assert await knock(other.address, 5.0) == device
    clock = ManualClock()
    neighbours = Neighbours(clock)
    neighbours.follow({device: other.address, "0" * 32: other.address})
    async with asyncio.timeout(30):
        while not neighbours.told():
            await asyncio.sleep(0.01)
    clock.advance(7.0)
    assert neighbours.told() == {device: 7.0}
    neighbours.follow({})
    assert neighbours.told() == {}
    await neighbours.close()
    other._server.close()
    assert await knock(other.address, 5.0) == ""


@pytest.mark.parametrize(
    "document", [{"x": "h:1"}, {"0" * 32: "h"}, {"0" * 32: "h:0"}, {f"{n:032x}": "h:1" for n in range(17)}]
)
def test_what_is_no_neighbour_is_refused(document):
    with pytest.raises(BadInput):
        peers_in(document)


def test_two_agents_look_after_each_other_and_a_dead_one_grows_old(start, console, kit):
    north, south = start(), start(home="south", name="south-1")
    console.pair(north)
    peers = {"peers": {south.device: south.address}}
    kit.checked(console.change("PATCH", "/v1/twin", peers, {"If-Match": '"0"'}))

    def ages(after):
        page = console.page(after=after, wait=5)
        return page.cursor, [item.metrics["peers"][south.device] for item in page.items if "peers" in item.metrics]

    seen, told = 0, []
    while not told:
        seen, told = ages(seen)
    assert 0 <= told[-1] < 30
    south.kill()
    last = told[-1]
    while last < 3.0:  # a knock every two seconds would have made it young again
        seen, told = ages(seen)
        last = told[-1] if told else last
