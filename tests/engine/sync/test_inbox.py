"""The inbox of a home: what is shown first, what a name means, and that nothing is written over which was not shown."""

import pytest

from app.engine.base.errors import BadInput, Conflict, Missing
from app.engine.store import rows
from app.engine.sync import inbox
from tests.meeting import opened


@pytest.fixture
async def engine(tmp_path):
    async with opened(tmp_path / "home") as engine:
        yield engine


async def put(engine, table, *given):
    def work(conn):
        for at, row in enumerate(given):
            rows.put(conn, table, row, actor="ann", cause="", now_us=at + 1)

    await engine.store.write(work)
    await engine.sync.inbox.load()


def met(id_, state="open", **more):
    return {
        "id": id_,
        "table_name": "saved_views",
        "row_id": "r",
        "column_name": "name",
        "title": "north",
        "state": state,
        **more,
    }


async def test_open_conflicts_come_first_and_are_counted_where_they_are_kept(engine, monkeypatch):
    monkeypatch.setattr(inbox, "_MOST_SHOWN", 2)
    made = [met(f"{at}-aaaa", state) for at, state in enumerate(["open", "open", "open", "resolved", "resolved"])]
    await put(engine, "sync_conflicts", *made)
    assert [one["id"] for one in (await engine.run("sync.conflicts"))["conflicts"]] == ["2-aaaa", "1-aaaa"]
    assert (await engine.run("sync.status"))["conflicts_count"] == 3
    assert (await engine.run("sync.conflicts"))["total_count"] == 3
    assert (await engine.run("sync.conflicts", resolved=True))["total_count"] == 5
    told = await engine.run("sync.resolve", conflict="0-aaaa", choice="kept")  # which is not among those shown
    assert (told["id"], told["state"]) == ("0-aaaa", "resolved")
    (shown,) = (await engine.run("sync.conflicts", conflict="0-"))["conflicts"]
    assert (shown["id"], shown["state"]) == ("0-aaaa", "resolved")


async def test_a_name_that_fits_two_is_taken_for_neither(engine):
    await put(engine, "sync_conflicts", met("1-aaaa"), met("2-aaaa"))
    for asked in ("sync.resolve", {"choice": "kept"}), ("sync.conflicts", {}):
        with pytest.raises(BadInput, match="names 2"):
            await engine.run(asked[0], conflict="aaaa", **asked[1])
    with pytest.raises(Missing):
        await engine.run("sync.conflicts", conflict="3-aaaa")
    assert (await engine.run("sync.resolve", conflict="1-aaaa", choice="kept"))["state"] == "resolved"


async def test_what_was_written_since_it_was_shown_is_neither_written_over_nor_left_unseen(engine):
    await put(engine, "saved_views", {"id": "r", "name": "held"})
    await put(engine, "sync_conflicts", met("1-aaaa", kept={"value": "held"}, lost={"value": "lost"}))
    (shown,) = (await engine.run("sync.conflicts"))["conflicts"]
    assert (shown["kept"], shown["now"], shown["changed"]) == ("held", "held", False)
    await put(engine, "saved_views", {"id": "r", "name": "later"})
    for choice in ("lost", "kept"):
        with pytest.raises(Conflict, match="another value by now"):
            await engine.run("sync.resolve", conflict="1-aaaa", choice=choice, shown=shown["now_mark"])
    (again,) = (await engine.run("sync.conflicts", conflict="1-aaaa"))["conflicts"]
    assert (again["state"], again["kept"], again["now"], again["changed"]) == ("open", "held", "later", True)
    await engine.run("sync.resolve", conflict="1-aaaa", choice="lost", shown=again["now_mark"])
    (settled,) = (await engine.run("sync.conflicts", conflict="1-aaaa"))["conflicts"]
    assert (settled["state"], settled["now"]) == ("resolved", "lost")


async def views(engine):
    return {view.name: view.filter for view in engine.fleet.views.records}


async def collided(engine, *names):
    """Save views, and tell of each filter that another one gave way to it."""
    for name in names:
        await engine.run("view.save", name=name, query="site == 'here'")
    rows_of = {view.name: view.id for view in engine.fleet.views.records}
    told = {"column_name": "filter", "reason": "concurrent", "kept": {"value": "site == 'here'"}, "kept_us": 1, "lost_us": 1}
    made = [met(f"{name}-aaaa", row_id=rows_of[name], title=name, lost={"value": "site == 'there'"}) for name in names]
    await put(engine, "sync_conflicts", *[one | told for one in made])


async def test_several_are_resolved_alike_and_of_those_refused_none(engine):
    await collided(engine, "a", "b", "c")
    shown = (await engine.run("sync.conflicts", conflict="a-,b-"))["conflicts"]
    assert [one["id"] for one in shown] == ["a-aaaa", "b-aaaa"]
    marks = [one["now_mark"] for one in shown]
    await engine.run("view.save", name="b", query="site == 'elsewhere'")
    before = await views(engine)
    for bad, error in ((",".join(marks), Conflict), (marks[0], BadInput)):
        with pytest.raises(error):
            await engine.run("sync.resolve", conflict="a-,b-", choice="lost", shown=bad)
        assert (await views(engine), (await engine.run("status"))["conflicts_count"]) == (before, 3)
    with pytest.raises(Missing):
        await engine.run("sync.resolve", conflict="a-,nobody", choice="lost")
    told = await engine.run("sync.resolve", conflict="a-, b-,a-aaaa", choice="lost")
    assert [one["state"] for one in told["conflicts"]] == ["resolved", "resolved"]
    assert await views(engine) == {"a": "site == 'there'", "b": "site == 'there'", "c": "site == 'here'"}
    assert (await engine.run("status"))["conflicts_count"] == 1


async def test_two_about_one_value_are_resolved_at_once_by_the_marks_that_were_shown(engine):
    await collided(engine, "a")
    row = engine.fleet.views.records
    twin = met("z-aaaa", row_id=next(iter(row)).id, title="a", column_name="filter", reason="concurrent",
               kept={"value": "site == 'here'"}, lost={"value": "site == 'third'"}, kept_us=1, lost_us=2)  # fmt: skip
    await put(engine, "sync_conflicts", twin)
    marks = ",".join(one["now_mark"] for one in (await engine.run("sync.conflicts", conflict="a-,z-"))["conflicts"])
    await engine.run("sync.resolve", conflict="a-,z-", choice="lost", shown=marks)
    assert await views(engine) == {"a": "site == 'third'"}
