"""What waits is numbered while it is handed over, batch by batch, and all of it where no hub is reached."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from app.engine.base.errors import Missing, Offline
from app.engine.store import rows
from app.engine.sync import exchange as exchanging
from app.engine.sync import sealing
from app.engine.sync.batch import decode, pack
from app.engine.sync.exchange import Exchange
from tests.engine.sync.places import BY


class Asked:
    """A hub that is asked directly; what waits without a number is looked at before each answer."""

    def __init__(self, hub, console):
        self.hub, self.console, self.waiting = hub, console, []

    async def __call__(self, method, target, body=b""):
        self.waiting.append((urlsplit(target).path, await self.console.count("outbox")))
        path, told = urlsplit(target).path, {name: found[0] for name, found in parse_qs(urlsplit(target).query).items()}
        if path == "/sync/hello":
            said = json.loads(body)
            answer = await self.hub.hub(lambda hub: hub.hello(said["replica"], "ann", said["name"], said["data_schema"]))
            return json.dumps(answer).encode()
        if path == "/sync/push":
            return json.dumps(await self.hub.hub(lambda hub: hub.receive(decode(body), "ann"))).encode()
        return pack(await self.hub.hub(lambda hub: hub.page(told["replica"], "ann", int(told["after"]), told["epoch"])))


async def views(place, count):
    for at in range(count):
        await place.save(name=f"v{at}")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(exchanging, "PUSH_OPS", 4)
    monkeypatch.setattr(sealing.seal, "__defaults__", (2,))


@pytest.mark.usefixtures("small")
async def test_what_waits_gets_its_numbers_while_the_hub_takes_what_came_before(places):
    hub, ann, _ = places
    await views(ann, 15)
    await ann.console(lambda one: one.peer)
    asked = Asked(hub, ann)
    tally = await Exchange(ann.store, ann.clock, "hub", asked, lambda _size: None).run("ann")
    assert tally.sent_count == len(await hub.all()) == 15
    pushed = [waiting for path, waiting in asked.waiting if path == "/sync/push"]
    assert asked.waiting[0] == ("/sync/hello", 15)
    assert pushed[0] > 0
    assert len(pushed) == 4
    assert asked.waiting[-1] == ("/sync/pull", 0)


@pytest.mark.usefixtures("small")
async def test_without_a_hub_everything_gets_its_number_all_the_same(places):
    _, ann, _ = places
    await views(ann, 5)
    await ann.console(lambda one: one.peer)

    async def nobody(_method, _target, _body=b""):
        raise Offline("{name} cannot be reached", name="hub")

    with pytest.raises(Offline):
        await Exchange(ann.store, ann.clock, "hub", nobody, lambda _size: None).run("ann")
    assert (await ann.count("outbox"), await ann.count("sync_ops")) == (0, 5)


async def test_where_the_log_begins_anew_all_that_waits_stands_in_it_first(places, monkeypatch):
    hub, ann, _ = places
    await views(ann, 3)
    await ann.console(lambda one: one.peer)
    await Exchange(ann.store, ann.clock, "hub", Asked(hub, ann), lambda _size: None).run("ann")
    old = await ann.replica()
    await hub.hub(lambda one: one._shelf.put("sync_replicas", {"id": old, "chain": "f" * 32}))  # another log by our name
    await ann.store.write(lambda conn: rows.put(conn, "saved_views", {"name": "late"}, now_us=ann.clock.now_us(), **BY))
    asked = Asked(hub, ann)
    await Exchange(ann.store, ann.clock, "hub", asked, lambda _size: None).run("ann")
    assert await ann.replica() != old
    assert sorted(row["name"] for row in await hub.all()) == ["late", "v0", "v1", "v2"]
    assert [waiting for path, waiting in asked.waiting if path == "/sync/hello"] == [1, 0]


async def test_what_a_budget_asks_for_is_waited_for_once_the_answer_before_is_applied(places):
    hub, ann, bob = places
    await views(ann, 3)
    for one in (ann, bob):
        await one.console(lambda console: console.peer)
    await Exchange(ann.store, ann.clock, "hub", Asked(hub, ann), lambda _size: None).run("ann")
    told = []

    async def pace(size):
        told.append((size, await bob.count("saved_views"), await bob.count("outbox")))
        if len(told) > 1:
            raise Offline("{name} cannot be reached", name="hub")

    await views(bob, 2)
    with pytest.raises(Offline):
        await Exchange(bob.store, bob.clock, "hub", Asked(hub, bob), pace).run("bob")
    assert told[0][0] == 0 < told[1][0]
    assert (await bob.console(lambda one: one.peer))["epoch"] == await hub.hub(lambda one: one.epoch)


async def test_a_hub_that_is_left_during_an_exchange_stays_left(places):
    hub, ann, _ = places
    await views(ann, 3)
    await ann.console(lambda one: one.peer)
    asked = Asked(hub, ann)

    async def leaving(method, target, body=b""):
        answer = await asked(method, target, body)
        if urlsplit(target).path == "/sync/push":
            await ann.store.write(lambda conn: rows.delete(conn, "sync_peers", "hub", actor="", cause="", now_us=0))
        return answer

    with pytest.raises(Missing):
        await Exchange(ann.store, ann.clock, "hub", leaving, lambda _size: None).run("ann")
    assert await ann.all("sync_peers") == []


async def test_over_a_narrow_link_little_goes_with_one_request(places):
    hub, ann, bob = places
    await views(ann, 120)
    for one in (ann, bob):
        await one.console(lambda console: console.peer)
    sizes = []
    for place, name in ((ann, "ann"), (bob, "bob")):
        asked = Asked(hub, place)

        async def narrow(method, target, body=b"", asked=asked):
            sizes.append((urlsplit(target).path, len(body) and len(decode(body).ops) if target == "/sync/push" else
                          int(parse_qs(urlsplit(target).query).get("limit", ["0"])[0])))  # fmt: skip
            return await asked(method, target, body)

        await Exchange(place.store, place.clock, "hub", narrow, lambda _size: None, part_bytes=16 << 10).run(name)
    assert len(await bob.all()) == 120
    pushed = [size for path, size in sizes if path == "/sync/push"]
    assert sum(pushed) == 120
    assert max(pushed) < 60
    assert {size for path, size in sizes if path == "/sync/pull"} == {50}
