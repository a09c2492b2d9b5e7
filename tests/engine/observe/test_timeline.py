"""The time line: three tables as one, newest first, filtered in the store."""

import pytest

from app.engine.base.events import NodeStateChanged
from app.engine.observe.journal import row_of
from app.engine.observe.timeline import Filter, find
from app.engine.store import audit, rows

AT = 1_700_000_000_000_000
S = 1_000_000


@pytest.fixture
async def filled(store):
    def fill(conn):
        for at, actor, command, args, cause, outcome in [
            (0, "ada@1", "fleet.demo", {"nodes": 2}, "c1", "started"),
            (3, "ada@1", "fleet.demo", {"nodes": 2}, "c1", "ok"),
            (5, "bob@2", "fleet.remove", {"node": "pump"}, "c2", "missing"),
            (9, "ada@1", "qubo.solve", {"file": "G1"}, "c3", "started"),
        ]:
            audit.record(conn, at_us=AT + at * S, actor=actor, command=command, args=args, cause=cause, outcome=outcome)
        job = {"id": "j1", "kind": "qubo", "title": "Solve G1", "state": "failed", "created_us": AT + 4 * S, "cause": "c9",
               "actor": "ada@1", "started_us": AT + 4 * S, "ended_us": AT + 6 * S, "error": {"detail": "it broke"}}  # fmt: skip
        rows.put(conn, "jobs", job, actor="ada@1", cause="", now_us=AT)
        event = NodeStateChanged(
            at_us=AT + 7 * S, actor="engine", node_id="n1", name="pump", before="online", after="offline", as_of_us=AT
        )
        rows.put_many(conn, "events", [row_of(event)])

    await store.write(fill)
    return store


async def found(store, limit=100, **asked):
    entries = await store.read(lambda conn: find(conn, Filter(**asked), limit))
    return [(entry["kind"], entry["what"], entry["state"]) for entry in entries]


async def test_everything_newest_first_and_a_command_once(filled):
    assert await found(filled) == [
        ("command", "qubo.solve", "running"), ("event", "node.state_changed", "offline"), ("command", "fleet.remove", "failed"),
        ("job", "qubo", "failed"), ("command", "fleet.demo", "done"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"actor": "bob"}, 1), ({"actor": "ada@1"}, 3), ({"kind": "event"}, 1), ({"kind": "command"}, 3), ({"object": "pump"}, 2),
        ({"object": "n1"}, 1), ({"object": "j1"}, 1), ({"object": "no such"}, 0), ({"since_us": AT + 6 * S}, 2),
        ({"until_us": AT + 4 * S}, 1), ({"text": "SOLVE g1"}, 2), ({"text": "fleet"}, 2), ({"actor": "ada", "kind": "job"}, 1),
        ({"object": "%"}, 0),
    ],
)  # fmt: skip
async def test_the_filter_is_one_over_all_three(filled, asked, count):
    assert len(await found(filled, **asked)) == count


async def test_a_limit_keeps_the_newest(filled):
    assert await found(filled, limit=2) == (await found(filled))[:2]


async def test_an_entry_says_what_can_be_opened(filled):
    entries = await filled.read(lambda conn: find(conn, Filter()))
    objects = {entry["what"]: (entry["object_kind"], entry["object"], entry["detail"]) for entry in entries}
    assert objects["qubo"] == ("job", "j1", "it broke")
    assert objects["node.state_changed"][:2] == ("node", "n1")
    assert objects["fleet.remove"][:2] == ("node", "pump")


async def test_words_are_looked_for_in_the_store_and_not_only_among_the_newest(filled):
    def more(conn):
        for at in range(60):
            audit.record(
                conn, at_us=AT + (20 + at) * S, actor="ada@1", command="fleet.label", args={}, cause=f"m{at}", outcome="ok"
            )

    await filled.write(more)
    assert await found(filled, limit=2, text="FLEET.demo") == [("command", "fleet.demo", "done")]
