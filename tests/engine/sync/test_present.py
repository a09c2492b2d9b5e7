"""What holds now where a conflict arose: of a field, of a member of a set, of a row that was deleted, came back or is gone."""

from dataclasses import replace

import pytest

from app.engine.store import rows
from app.engine.store.shelf import Shelf
from app.engine.sync.present import present, presents
from app.engine.sync.records import Met, conflict_of
from tests.engine.sync.places import BY
from tests.engine.sync.test_resolve import an_edit_meets_a_deletion, meet_all, take_the_lost

pytestmark = pytest.mark.parametrize("hub_database", [""])
FIELD = Met(
    "c", "saved_views", "v", "filter", "north", "concurrent", {"value": "a"}, 2, "ann@1", {"value": "b"}, 1, "bob@2",
    "open", "", "", 0,
)  # fmt: skip


async def now_of(place, met):
    return await place.store.read(lambda conn: present(Shelf(conn), met))


async def test_of_a_field_its_value_is_told_and_whether_it_is_another(places):
    ann = places[1]
    await ann.save(id="v", name="north", filter="a")
    held = await now_of(ann, FIELD)
    assert (held.state, held.value, held.by, held.changed) == ("stands", "a", "ann@1", False)
    await ann.save(id="v", filter="c")
    later = await now_of(ann, FIELD)
    assert (later.state, later.value, later.changed) == ("stands", "c", True)
    await ann.store.write(lambda conn: rows.delete(conn, "saved_views", "v", now_us=9, **BY))
    deleted = await now_of(ann, FIELD)
    assert (deleted.state, deleted.changed) == ("deleted", True)
    await ann.store.write(lambda conn: Shelf(conn).remove("saved_views", "v"))
    assert (await now_of(ann, FIELD)).state == "gone"
    assert len({one.mark for one in (held, later, deleted)}) == 3


async def test_of_a_value_told_by_its_beginning_it_is_not_said_that_it_is_the_same(places):
    ann = places[1]
    await ann.save(id="v", name="north", filter="a" * 2000)
    begun = replace(FIELD, kept={"value": "a" * 1000 + "…"})
    assert (await now_of(ann, begun)).changed is None
    await ann.save(id="v", filter="b")
    assert (await now_of(ann, begun)).changed is True


async def test_of_what_a_newer_version_knows_it_is_said_that_this_one_does_not(places):
    for strange in (replace(FIELD, table_name="moons"), replace(FIELD, column_name="phase")):
        assert (await now_of(places[1], strange)).state == "unknown"


async def test_of_a_set_the_members_that_met_are_told_and_no_others(places):
    ann = places[1]
    await ann.save("edge_nodes", id="n", node_identifier="d", labels={"line": "2", "site": "x"})
    met = replace(FIELD, table_name="edge_nodes", row_id="n", column_name="labels", kept={"value": {"line": "2"}},
                  lost={"value": {"line": "3"}})  # fmt: skip
    held = await now_of(ann, met)
    assert (held.value, held.changed) == ({"line": "2"}, False)
    await ann.save("edge_nodes", id="n", labels={"site": "x"})
    gone = await now_of(ann, met)
    assert (gone.value, gone.changed) == ({}, True)


async def test_of_a_row_that_was_deleted_over_an_edit_it_is_told_whether_it_is_there_again(places):
    ann = places[1]
    await an_edit_meets_a_deletion(places, "saved_views", {"name": "north"}, {"name": "south"})
    (met,) = map(conflict_of, await ann.all("sync_conflicts"))
    deleted = await now_of(ann, met)
    assert (deleted.state, deleted.changed) == ("deleted", False)
    await take_the_lost(ann)
    back = await now_of(ann, met)
    assert (back.state, back.value, back.changed) == ("stands", {"name": "south"}, True)


async def test_of_two_rows_for_one_thing_the_values_of_the_one_that_lives_are_told(places):
    hub, ann, bob = places
    await ann.save("edge_nodes", name="pump", node_identifier="d1")
    hub.clock.advance(1.0)
    await bob.save("edge_nodes", name="pump 2", node_identifier="d1")
    await meet_all(places)
    (met,) = map(conflict_of, await ann.all("sync_conflicts"))
    (living,) = await ann.all("edge_nodes")
    held = await now_of(ann, met)
    assert (met.reason, held.state, held.row, held.changed) == ("twin", "stands", living["id"], None)
    assert held.value["name"] == living["name"] != met.lost["value"]["name"]
    assert not {"id", "author", "updated_us"} & held.value.keys()


async def test_more_than_are_read_together_are_told_in_their_order(places):
    ann = places[1]
    for at in range(450):
        await ann.save(id=f"v{at}", name=f"n{at}", filter=str(at))
    many = [replace(FIELD, id=str(at), row_id=f"v{at}") for at in reversed(range(450))]
    told = await ann.store.read(lambda conn: presents(Shelf(conn), many))
    assert [one.value for one in told] == [str(at) for at in reversed(range(450))]
