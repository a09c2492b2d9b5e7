"""A link that never holds for long: what it carried counts, and the first exchange ends all the same."""

import random

import pytest

from app.engine.base.errors import OutpostError
from app.engine.store import rows
from app.engine.sync import exchange
from tests.faults import FaultProxy
from tests.meeting import join, now, opened, served

pytestmark = pytest.mark.usefixtures("only_when_told")
COUNT, PAGE, CARRIED = 600, 50, 24_000


def _save(conn, name, text, now_us):
    rows.put(conn, "saved_views", {"name": name, "page": "fleet", "filter": text}, actor="a", cause="", now_us=now_us)


def _views(conn):
    return rows.count(conn, "saved_views")


@pytest.fixture
def asked(monkeypatch):
    """Have pages be small; gives after which rows they were asked for."""
    monkeypatch.setattr(exchange, "PAGE", PAGE)
    told, real = [], exchange.Exchange._rows

    async def rows_of(self, after):
        told.append(tuple(after))
        return await real(self, after)

    monkeypatch.setattr(exchange.Exchange, "_rows", rows_of)
    return told


async def _filled(hub, ann):
    """Have the hub have rows that its log tells of no more."""
    await join(hub, ann)
    now_us, draw = ann.clock.now_us(), random.Random(1)

    def fill(conn):
        for at in range(COUNT):
            _save(conn, f"v{at:04d}", draw.randbytes(200).hex(), now_us)

    await ann.store.write(fill)
    await now(ann)
    await now(ann)
    told = await hub.sync.host._api.at_hub(lambda one: one.compact(keep_us=-(10**12), expire_us=10**15, tombstone_us=10**15))
    assert told["floor"] >= COUNT


async def _tried(console, proxy, most):
    """Exchange over a link that ends after `CARRIED` bytes each time; return how often it was cut."""
    for turn in range(most):
        proxy.cut_after = CARRIED
        try:
            await now(console)
        except OutpostError:
            continue
        return turn
    raise AssertionError(f"{most} exchanges were cut, and none came to an end")


@pytest.mark.parametrize("compared", [False, True])
async def test_rows_of_a_hub_that_came_before_a_cut_are_not_asked_for_again(tmp_path, asked, compared):
    async with opened(tmp_path / "hub") as hub, opened(tmp_path / "ann") as ann, opened(tmp_path / "bob") as bob, served(hub):
        await _filled(hub, ann)
        if compared:  # bob was with another hub before
            async with opened(tmp_path / "first") as first, served(first):
                await join(first, bob)
                await bob.store.write(lambda conn: _save(conn, "of bob", "", bob.clock.now_us()))
                await now(bob)
                await bob.run("sync.leave", peer=(await bob.sync.look())[0]["id"])
        code = await hub.run("hub.token")
        async with FaultProxy(code["address"]) as proxy:
            await bob.run("sync.join", address=proxy.address, code=code["code"])
            cuts = await _tried(bob, proxy, 40)
            proxy.cut_after, before = 0, len(asked)
            await now(bob, ann)
        assert len(asked) == before
        assert cuts > 3
        assert len(asked) <= len(set(asked)) + 3 * cuts  # the page that the cut was in, and the next, which was on its way
        assert await bob.store.read(_views) == COUNT + compared
        assert await ann.store.read(_views) == await hub.store.read(_views) == COUNT + compared
