"""A hub's time never goes back behind what its own clock once showed, and others cannot move it."""

import json

import pytest

from app.engine.base.clock import ManualClock
from app.engine.sync.hlc import DRIFT_US
from app.engine.sync.hub import Hub
from app.engine.sync.hubtime import HOUR_US, time_at
from tests.engine.sync.memory import MemoryShelf
from tests.engine.sync.places import exchange

DAY_US = 86_400_000_000


def test_it_is_the_clocks_where_that_goes_on_and_half_as_fast_until_a_clock_put_back_has_caught_up():
    assert time_at((0, 0), 500) == 500
    assert time_at((500, 500), 900) == 900
    kept, wall_us = [10 * HOUR_US, 10 * HOUR_US], HOUR_US
    assert time_at(kept, wall_us) == 10 * HOUR_US
    kept = [10 * HOUR_US, wall_us]
    assert time_at(kept, wall_us + 1000) == 10 * HOUR_US + 500
    assert time_at(kept, wall_us + 8 * HOUR_US) == 10 * HOUR_US + HOUR_US // 2  # a jump of the clock is no passing of time
    assert time_at(kept, 11 * HOUR_US) == 11 * HOUR_US
    assert time_at(kept, 0) == 10 * HOUR_US


def test_a_clock_that_jumps_to_and_fro_moves_it_by_an_hour_at_most():
    shelf = MemoryShelf()
    for wall_us in (DAY_US, 0, DAY_US - 1, 0, DAY_US - 1):
        last = Hub(shelf, wall_us)._now_us
    assert DAY_US < last <= DAY_US + HOUR_US


@pytest.mark.parametrize("days", [1, 365])
@pytest.mark.parametrize("hub_database", [""])
async def test_what_is_written_after_a_hubs_clock_was_put_right_arrives_and_wins(places, days):
    hub, ann, bob = places
    right, hub.clock = hub.clock, ManualClock(hub.clock.now_us() + days * DAY_US)
    for place, device in ((ann, "ann"), (bob, "bob")):
        await exchange(hub, place, device)
    row = await ann.save(name="by a clock ahead")
    await exchange(hub, ann, "ann")
    await exchange(hub, bob, "bob")
    hub.clock = right
    for turn in range(3):
        for (place, device), other in (((ann, "ann"), bob), ((bob, "bob"), ann)):
            right.advance(3600)
            await place.save(id=row["id"], name=f"{device} {turn}")
            await exchange(hub, place, device)
            await exchange(hub, other, "bob" if other is bob else "ann")
            assert [each["name"] for each in (*await hub.all(), *await other.all())] == [f"{device} {turn}"] * 2
    assert await hub.count("sync_conflicts") == 0


@pytest.mark.parametrize("hub_database", [""])
async def test_stamps_of_consoles_do_not_move_it(places):
    hub, ann, _ = places
    clock = ann.clock
    for turn in range(3):  # each a little ahead of what the hub took last
        ann.clock = ManualClock(clock.now_us() + DRIFT_US - 1000 + turn)
        await ann.save(name=f"view {turn}")
        await exchange(hub, ann, "ann")
    assert await hub.hub(lambda one: one.ahead_us) == 0
    log = await hub.all("sync_log")
    assert max(json.loads(entry["op"])["hlc"] for entry in log) <= clock.now_us() + DRIFT_US
