"""What a person chooses is written as a value, whatever form it was kept in, and into a row that may have it."""

import pytest

from app.engine.base.errors import Conflict
from app.engine.store import rows
from app.engine.store.shelf import Shelf
from app.engine.sync import rules
from app.engine.sync.records import conflict_of
from app.engine.sync.resolve import choose
from tests.engine.sync.places import exchange

pytestmark = pytest.mark.parametrize("hub_database", [""])
DAY_S = 86_400.0


async def meet_all(places, *, bob_first=False):
    hub, *both = places
    names = list(zip(both, ("ann", "bob"), strict=True))
    for console, name in (names[::-1] if bob_first else names) * 2:
        await exchange(hub, console, name)


async def an_edit_meets_a_deletion(places, table, made, edit, *, edit_first=False):
    """Have ann delete a row that bob edits; return it."""
    hub, ann, bob = places
    row = await ann.save(table, **made)
    await meet_all(places)
    hub.clock.advance(1.0)
    await bob.save(table, id=row["id"], **edit)
    hub.clock.advance(1.0)
    now_us = hub.clock.now_us()
    await ann.store.write(lambda conn: rows.delete(conn, table, row["id"], actor="ann", cause="", now_us=now_us))
    await meet_all(places, bob_first=edit_first)
    hub.clock.advance(1.0)
    return row


async def take_the_lost(place):
    now_us = place.clock.now_us()
    for row in await place.all("sync_conflicts", state="open"):
        met = conflict_of(row)
        await place.store.write(lambda conn, met=met: choose(conn, met, "lost", actor="ann", cause="", now_us=now_us))


@pytest.mark.parametrize("edit_first", [True, False])
@pytest.mark.parametrize(
    ("table", "made", "edit"),
    [
        ("edge_nodes", {"node_identifier": "d1", "labels": {"line": "2", "old": "1"}}, {"labels": {"line": "3", "x": "y"}}),
        ("edge_deployments", {"deployment_name": "r", "target_nodes": ["a", "b"]}, {"target_nodes": ["b", "c"]}),
        ("edge_deployments", {"deployment_name": "r", "status": "planned"}, {"status": "running"}),
    ],
    ids=["map", "list", "guarded"],
)
async def test_an_edit_that_met_a_deletion_comes_back_as_its_writer_wrote_it(places, table, made, edit, edit_first):
    row = await an_edit_meets_a_deletion(places, table, made, edit, edit_first=edit_first)
    assert await places[1].all(table) == []
    (met,) = await places[2].all("sync_conflicts")
    assert set(met["lost"]["value"]) == set(edit)
    assert met["lost"]["seen_us"] > 0
    await take_the_lost(places[1])
    await meet_all(places)
    for place in places:
        (found,) = await place.all(table)
        assert (found["id"], {name: found[name] for name in edit}) == (row["id"], edit)


async def test_the_values_of_a_twin_go_into_the_one_that_lives(places):
    hub, ann, bob = places
    await ann.save("edge_nodes", name="pump", node_identifier="d1", labels={"line": "2"})
    hub.clock.advance(1.0)
    await bob.save("edge_nodes", name="pump 2", node_identifier="d1", labels={"site": "x"})
    await meet_all(places)
    hub.clock.advance(1.0)
    (before,) = await ann.all("edge_nodes")
    await take_the_lost(ann)
    await meet_all(places)
    for place in places:
        (found,) = await place.all("edge_nodes")
        assert found["id"] == before["id"]
        assert {found["name"], before["name"]} == {"pump", "pump 2"}
        assert found["labels"] == {"line": "2", "site": "x"}


async def test_of_a_row_that_is_gone_for_good_it_is_said_that_nothing_comes_back(places):
    ann = places[1]
    row = await an_edit_meets_a_deletion(places, "saved_views", {"name": "north"}, {"name": "south"})
    await ann.store.write(lambda conn: Shelf(conn).remove("saved_views", row["id"]))
    with pytest.raises(Conflict):
        await take_the_lost(ann)
    assert [one["state"] for one in await ann.all("sync_conflicts")] == ["open"]


@pytest.mark.parametrize("edited_later", [True, False])
@pytest.mark.parametrize("edit_first", [True, False])
async def test_what_retention_deletes_comes_back_where_somebody_had_changed_it(places, edit_first, edited_later):
    hub, ann, bob = places
    row = await ann.save("saved_views", name="north")
    other = await ann.save("saved_views", name="old")
    await meet_all(places)
    hub.clock.advance(31 * DAY_S)
    now_us = hub.clock.now_us()
    await ann.store.write(lambda conn: rules.ask(conn, "saved_views", stays=None, keep_days=30, now_us=now_us))

    async def retain():
        hub.clock.advance(1.0)
        at_us = hub.clock.now_us()
        assert await ann.store.write(lambda conn: rules.retain(conn, at_us)) == {"saved_views": 2}

    if edited_later:
        await retain()
    hub.clock.advance(1.0)
    await bob.save("saved_views", id=row["id"], name="south")
    if not edited_later:
        await retain()
    await meet_all(places, bob_first=edit_first)
    await meet_all(places)
    for place in places:
        assert {one["id"]: one["name"] for one in await place.all("saved_views", deleted_us=None)} == {row["id"]: "south"}
        assert await place.all("sync_conflicts") == []
    assert other["id"] != row["id"]


async def test_what_a_person_deleted_as_well_does_not_come_back_and_its_changes_are_told(places):
    hub, ann, bob = places
    row = await ann.save("saved_views", name="north")
    await meet_all(places)
    hub.clock.advance(31 * DAY_S)
    now_us = hub.clock.now_us()
    await ann.store.write(lambda conn: rules.ask(conn, "saved_views", stays=None, keep_days=30, now_us=now_us))
    await ann.store.write(lambda conn: rules.retain(conn, now_us))
    hub.clock.advance(1.0)
    await bob.save("saved_views", id=row["id"], name="south")
    later_us = hub.clock.now_us()
    await hub.store.write(lambda conn: rows.delete(conn, "saved_views", row["id"], actor="hub", cause="", now_us=later_us))
    await meet_all(places)
    assert await ann.all("saved_views", deleted_us=None) == []
    (met,) = await ann.all("sync_conflicts")
    assert met["lost"]["value"] == {"name": "south"}
