"""What tells that a disk was copied, and the start that makes a device of its own of the copy."""

import pytest

from app.engine.base.clock import ManualClock
from app.engine.base.errors import Conflict, Missing, Refused
from app.engine.link.identity import own_identity, public_device_id, seal_key
from app.engine.link.secrets import FileSecrets
from app.engine.store.shelf import Shelf
from app.engine.store.store import Store
from app.engine.sync import carry, copied
from app.engine.sync.ownlog import COPIED
from tests.engine.sync import bundles
from tests.engine.sync.places import Place, exchange

pytestmark = pytest.mark.parametrize("hub_database", ["sqlite"], indirect=True)


async def told(place, peer="hub"):
    row = await place.console(lambda one: one.peer, peer)
    return row["state"].get(COPIED)


async def state_of(place):
    return await place.store.read(lambda conn: copied.standing(Shelf(conn)))


async def marked(place, *, asked=True):
    await place.store.write(lambda conn: copied.mark(Shelf(conn), now_us=1, asked=asked))


@pytest.fixture
async def two(places, tmp_path):
    """A hub, a console that has exchanged with it, and the copy of its disk."""
    hub, ann, _ = places
    await ann.save(name="before")
    await exchange(hub, ann, "ann")
    await ann.store.backup(tmp_path / "copy.db")
    copy = Place(await Store.open(tmp_path / "copy.db", ann.clock), ann.clock)
    yield hub, ann, copy
    await copy.store.close()


async def test_a_hub_tells_both_of_two_that_exchange_under_one_devices_keys(two):
    hub, ann, copy = two
    for place in (copy, ann, ann):
        hub.clock.advance(1)
        await place.save(name="more")
        await exchange(hub, place, "ann")
    assert await ann.replica() != await copy.replica()
    for place in (copy, ann, copy):
        hub.clock.advance(1)
        assert await state_of(place) == ""
        await exchange(hub, place, "ann")
        assert await told(place) == "twin"
        assert await state_of(place) == "twin"
        await exchange(hub, place, "ann")  # the other was not there since
        assert await told(place) == ""


async def test_a_hub_tells_of_no_twin_where_a_store_was_set_back_or_devices_are_two(two):
    hub, ann, copy = two
    bob = "bob"
    for device, place in (("ann", ann), ("ann", copy)):  # the copy stands for an older store in the place of ann's
        hub.clock.advance(1)
        await place.save(name=device)
        await exchange(hub, place, device)
    for _ in range(3):
        hub.clock.advance(1)
        await exchange(hub, copy, "ann")
        assert await told(copy) == ""
        assert (await hub.hub(lambda one: one.hello(bob, bob, bob, 1)))["twin"] is False


async def test_a_stick_of_before_and_a_hubs_clock_put_right_are_no_twin(two):
    hub, ann, _ = two
    now_us = ann.clock.now_us()
    await ann.save(name="carried")
    body, files = await ann._quiet(lambda shelf: bundles.from_console(shelf, "hub", "ann", now_us))
    hub.clock.advance(3600)
    await ann.console(lambda one: one.go_by_another_name())
    await exchange(hub, ann, "ann")
    await hub._quiet(lambda shelf: carry.to_hub(shelf, "ann", body, list(files.values()), now_us))
    hub.clock = ann.clock = ManualClock(now_us)
    for _ in range(2):
        await exchange(hub, ann, "ann")
        assert (await told(ann), await state_of(ann)) == ("", "")
    back, parts = await hub._quiet(lambda shelf: bundles.from_hub(shelf, "ann", now_us))
    assert "twin" not in back["hello"]
    await ann.console(lambda one: one.note(state={**one.peer["state"], COPIED: "twin"}))
    await ann._quiet(lambda shelf: carry.to_console(shelf, "hub", back, list(parts.values()), now_us))
    assert await told(ann) == "twin"  # which a stick does not know of


async def test_a_fork_found_elsewhere_is_due_for_keys_of_its_own_and_no_hub_is_asked_until_then(two):
    hub, ann, copy = two
    look = lambda place: place.store.write(lambda conn: copied.look(Shelf(conn), "hub", 1))  # noqa: E731
    assert not await look(copy)
    await ann.save(name="of the first")
    await exchange(hub, ann, "ann")
    await copy.save(name="of the copy")
    replica = await copy.replica()
    hello = await hub.hub(lambda one: one.hello(replica, "ann", "ann", 1))
    await copy.console(lambda one: one.met(hello))
    assert await told(copy) == "fork"
    assert await look(copy)
    assert await state_of(copy) == "due"
    with pytest.raises(Refused, match="looks like a copy"):
        await copy.store.read(lambda conn: copied.need_peer(Shelf(conn), "hub", "hub"))
    with pytest.raises(Missing):
        await copy.store.read(lambda conn: copied.need_peer(Shelf(conn), "other", "other"))
    with pytest.raises(Conflict, match="is a hub"):
        await marked(hub)
    await copy.store.write(lambda conn: copied.unmark(Shelf(conn)))
    assert await copy.store.read(lambda conn: copied.need_peer(Shelf(conn), "hub", "hub"))
    assert not await look(copy)


async def test_a_kill_before_the_store_knows_of_it_and_keys_that_cannot_be_removed_are_made_good(two, tmp_path, monkeypatch):
    _, _, copy = two
    folder = tmp_path / "identity"
    device = own_identity(folder, "laptop", seal_key(folder, FileSecrets(folder))).public.device_id
    replica = await copy.replica()
    for _ in range(2):
        assert not await copied.part_ways(copy.store, folder, 2)
        assert public_device_id(folder) == device
        await marked(copy, asked=False)  # found, but no person has said so
    await marked(copy)

    def locked(_folder):
        raise PermissionError(13, "locked")

    with monkeypatch.context() as patch:
        patch.setattr(copied, "drop_identity", locked)
        assert not await copied.part_ways(copy.store, folder, 2)
    assert (await state_of(copy), await copy.replica()) == ("due", replica)
    (folder / "device.key").unlink()  # as far as a kill had come
    assert await copied.part_ways(copy.store, folder, 2)
    assert public_device_id(folder) == ""
    assert await copy.replica() != replica
    assert await state_of(copy) == ""
    with pytest.raises(Refused, match="does not know the keys"):
        await copy.store.read(lambda conn: copied.need_peer(Shelf(conn), "hub", "hub"))
    assert not await copied.part_ways(copy.store, folder, 3)


async def test_a_home_that_never_met_a_hub_goes_by_another_name_with_all_it_wrote(places, tmp_path):
    hub, ann, _ = places
    await ann.save(name="one")
    replica = await ann.replica()
    await marked(ann)
    assert await copied.part_ways(ann.store, tmp_path / "none", 2)
    assert await ann.replica() != replica
    await exchange(hub, ann, "fresh")
    assert [row["name"] for row in await hub.all()] == ["one"]
