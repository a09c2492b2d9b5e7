import asyncio
import json
import math
import sqlite3
from typing import Any

import pytest

from app.engine.base.clock import ManualClock
from app.engine.base.intent import INTENT, meaning
from app.engine.store import capture, rows
from app.engine.store.schema import metadata
from app.engine.store.store import Store

BY = {"actor": "ann@1", "cause": "c1", "now_us": 1_700_000_000_000_000}
SYNCED = sorted(name for name, table in metadata.tables.items() if table.info["synced"])


async def outbox(store: Store) -> list[dict[str, Any]]:
    return await store.read(lambda conn: rows.select(conn, "outbox", order="seq"))


async def test_raw_sql_of_another_program_is_caught_with_its_old_values(store: Store) -> None:
    row = await store.write(lambda conn: rows.put(conn, "edge_nodes", {"name": "pump", "labels": {"line": "2"}}, **BY))
    with sqlite3.connect(store.path) as raw:
        raw.execute("UPDATE edge_nodes SET name = 'valve', labels = '{\"line\": \"3\"}' WHERE id = ?", (row["id"],))
    raw.close()
    op = (await outbox(store))[-1]
    assert op["fields"] == {"name": "valve", "labels": {"line": "3"}}
    assert op["before"] == {"labels": {"line": "2"}}
    assert (op["actor"], op["is_new"], op["txn"][:4]) == ("", 0, "raw-")
    assert op["hlc"] > BY["now_us"]


async def test_a_row_removed_by_raw_sql_is_told_as_deleted(store: Store) -> None:
    row = await store.write(lambda conn: rows.put(conn, "saved_views", {"name": "north"}, **BY))
    await store.write(lambda conn: conn.exec_driver_sql("DELETE FROM saved_views"))
    op = (await outbox(store))[-1]
    assert (op["action"], op["row_id"], op["fields"]["deleted_us"]) == ("delete", row["id"], op["hlc"])


async def test_a_change_says_what_command_it_was_meant_for(store: Store) -> None:
    with meaning("view.save"):
        await store.write(lambda conn: rows.put(conn, "saved_views", {"name": "north"}, **BY))
    await store.write(lambda conn: rows.put(conn, "saved_views", {"name": "south"}, **BY))
    assert [op["intent"] for op in await outbox(store)] == ["view.save", ""]
    assert INTENT.get() == ""


async def test_the_clock_never_stands_still_and_follows_the_time_handed_in(store: Store) -> None:
    for now_us in (BY["now_us"], BY["now_us"], BY["now_us"] - 5_000_000, BY["now_us"] + 9):
        await store.write(lambda conn, now_us=now_us: rows.put(conn, "qubo_runs", {"title": "x"}, **{**BY, "now_us": now_us}))
    hlcs = [op["hlc"] - BY["now_us"] for op in await outbox(store)]
    assert hlcs == [0, 1, 2, 9]


@pytest.mark.parametrize("value", [0.1 + 0.2, 1e300, -5e-324, 3.0, None, 1 / 3])
async def test_every_digit_of_a_float_is_kept(store: Store, value: float | None) -> None:
    await store.write(lambda conn: rows.put(conn, "edge_nodes", {"name": "n", "location_lat": value}, **BY))
    assert (await outbox(store))[0]["fields"]["location_lat"] == value


async def test_texts_and_numbers_come_as_they_are(store: Store) -> None:
    values = {"name": 'a "quote" \\ \n ü 𝄞 \x01', "registered_at": 2**62, "identity": {"k": [1, {"x": None}], "s": "ü"}}
    await store.write(lambda conn: rows.put(conn, "edge_nodes", values, **BY))
    told = (await outbox(store))[0]["fields"]
    assert {name: told[name] for name in values} == values


async def test_a_failed_piece_leaves_neither_operation_nor_context_behind(store: Store) -> None:
    def fail(conn: rows.Conn) -> None:
        rows.put(conn, "saved_views", {"name": "north"}, **BY)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.write(fail)
    assert await outbox(store) == []
    here = await store.read(lambda conn: rows.select(conn, "sync_here"))
    assert (here[0]["actor"], here[0]["txn"], here[0]["now_us"]) == ("", "", 0)


async def test_while_remote_changes_are_applied_nothing_is_told(store: Store) -> None:
    def apply(conn: rows.Conn) -> None:
        with capture.quiet(conn):
            rows.put(conn, "saved_views", {"name": "north"}, **BY)

    await store.write(apply)
    assert await outbox(store) == []
    await store.write(lambda conn: rows.put(conn, "saved_views", {"name": "south"}, **BY))
    assert len(await outbox(store)) == 1


async def test_an_error_while_applying_leaves_the_triggers_loud(store: Store) -> None:
    def half(conn: rows.Conn) -> None:
        with capture.quiet(conn):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.write(half)
    await store.write(lambda conn: rows.put(conn, "saved_views", {"name": "south"}, **BY))
    assert len(await outbox(store)) == 1


@pytest.mark.parametrize("table", SYNCED)
async def test_every_column_that_travels_is_told_when_it_changes(store: Store, table: str) -> None:
    row = await store.write(lambda conn: rows.put(conn, table, {}, **BY))
    made = metadata.tables[table]
    for column in made.columns:
        if column.info["merge"] == "local" or column.name in ("id", "updated_us", "author"):
            continue
        sample = {"TEXT": "x", "BIGINT": 7, "FLOAT": 0.5, "JSON": json.dumps({"k": 1})}[str(column.type)]
        await store.write(
            lambda conn, column=column, sample=sample: conn.exec_driver_sql(f"UPDATE {table} SET {column.name} = ?", (sample,))
        )
        told = (await outbox(store))[-1]
        assert list(told["fields"]) == [column.name], (table, column.name)
        assert told["row_id"] == row["id"]


async def test_an_old_set_of_triggers_is_replaced_when_the_store_is_opened(tmp_path: Any) -> None:
    path = tmp_path / "outpost.db"
    await (await Store.open(path, ManualClock())).close()
    with sqlite3.connect(path) as raw:
        raw.execute("DROP TRIGGER capture_put_saved_views")
        raw.execute("CREATE TRIGGER capture_old AFTER INSERT ON meta BEGIN DELETE FROM outbox; END")
    raw.close()
    store = await Store.open(path, ManualClock())
    found = await store.read(
        lambda conn: dict(conn.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all())
    )
    await store.close()
    assert found == capture.wanted()


async def test_infinity_is_told_as_nothing_instead_of_breaking_the_write(store: Store) -> None:
    await store.write(lambda conn: rows.put(conn, "edge_nodes", {"name": "n", "location_lat": math.inf}, **BY))
    assert (await outbox(store))[0]["fields"]["location_lat"] is None


async def test_writes_of_many_tasks_keep_their_own_actors(store: Store) -> None:
    async def one(name: str) -> None:
        with meaning(f"cmd.{name}"):
            await store.write(lambda conn: rows.put(conn, "qubo_runs", {"title": name}, **{**BY, "actor": name}))

    await asyncio.gather(*(one(str(n)) for n in range(20)))
    assert all(op["fields"]["title"] == op["actor"] and op["intent"] == f"cmd.{op['actor']}" for op in await outbox(store))
