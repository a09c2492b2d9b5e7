import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.clock import ManualClock
from app.engine.fleet.budget import Bucket, Budgets, DaySpent
from app.engine.fleet.records import Node


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 5000)), min_size=1, max_size=50), st.integers(1, 2000))
def test_no_more_passes_than_the_budget_and_one_seconds_worth(pieces, bytes_s):
    bucket, now_s, sent = Bucket(bytes_s), 0.0, 0
    for gap_s, count in pieces:
        now_s += gap_s
        now_s += bucket.take(count, now_s)
        sent += count
        assert sent <= bytes_s * (now_s + 1.0) + 1e-6


async def test_a_day_is_kept_over_a_restart_and_the_next_one_is_new(base, clock):
    budgets, node = Budgets(clock), Node("n", "d", "n", "x:1", link_bytes_day=1000)
    await budgets.for_node(node)(900)
    await budgets.save(base.store)
    again = Budgets(clock)
    await again.load(base.store)
    with pytest.raises(DaySpent, match="1000 bytes") as told:
        await again.for_node(node)(101)
    assert again.sent_today("n") == 900
    clock.advance(told.value.due_s - clock.now_us() / 1e6)
    await again.for_node(node)(1000)
    assert again.sent_today("n") == 1000


async def test_nodes_of_a_site_share_its_bucket_and_a_link_without_limit_waits_for_nothing():
    clock, waits = ManualClock(), []

    async def sleep(seconds):
        waits.append(seconds)

    budgets = Budgets(clock)
    real, asyncio.sleep = asyncio.sleep, sleep
    try:
        one, two = (budgets.pace((("node", name, 0), ("site", "north", 100))) for name in "ab")
        await budgets.pace((("node", "c", 0),))(10**9)
        await one(100)
        await two(50)
        await one(50)
    finally:
        asyncio.sleep = real
    assert waits == [0.5, 1.0]


async def test_a_summary_tells_what_was_sent_and_which_allowances_end(base, clock):
    budgets = Budgets(clock)
    nodes = [
        Node("a", "d", "a", "x:1", link_bytes_day=1000),
        Node("b", "e", "b", "x:2", link_bytes_day=1000),
        Node("c", "f", "c", "x:3"),
    ]
    for node, count in zip(nodes, (800, 799, 50), strict=True):
        await budgets.for_node(node)(count)
    budgets.hear("c", 7)
    told = {"sent_today_bytes": 1649, "heard_today_bytes": 7, "links_limited": 2, "links_near": 1}
    assert budgets.summary(nodes) == told
    budgets.hear("b", 1)
    assert budgets.summary(nodes)["links_near"] == 2


async def test_telemetry_counts_against_the_day_and_is_kept_over_a_restart(base, clock):
    budgets, node = Budgets(clock), Node("n", "d", "n", "x:1", link_bytes_day=1000)
    budgets.hear("n", 300)
    await budgets.for_node(node)(700)
    with pytest.raises(DaySpent):
        await budgets.for_node(node)(1)
    await budgets.save(base.store)
    again = Budgets(clock)
    await again.load(base.store)
    assert (again.heard_today("n"), again.carried_today("n")) == (300, 1000)
