import asyncio
import sqlite3
import threading

import psycopg
import pytest

from app.engine.base.errors import Conflict, Limit
from app.engine.store import rows
from app.engine.store.store import Store

BY = {"actor": "ann@1", "cause": "", "now_us": 1}


def add(title: str):
    return lambda conn: rows.put(conn, "qubo_runs", {"title": title}, **BY)["title"]


async def titles(store: Store) -> list[str]:
    return [row["title"] for row in await store.read(lambda conn: rows.select(conn, "qubo_runs"))]


async def test_writes_happen_in_the_order_they_were_asked_for(store: Store) -> None:
    wanted = [str(number) for number in range(300)]
    assert await asyncio.gather(*(store.write(add(title)) for title in wanted)) == wanted
    assert await titles(store) == wanted


async def test_a_write_is_durable_and_seen_by_others_when_its_await_returns(store: Store) -> None:
    await store.write(add("one"))
    other = sqlite3.connect(store.path)
    assert other.execute("SELECT title FROM qubo_runs").fetchall() == [("one",)]
    other.close()


async def test_a_failing_piece_is_rolled_back_alone_and_its_waiter_hears_why(store: Store) -> None:
    gate = threading.Event()

    def half(conn: rows.Conn) -> None:
        add("half")(conn)
        raise ZeroDivisionError("mine")

    held = asyncio.ensure_future(store.write(lambda _conn: gate.wait(10)))
    first, bad, last = (asyncio.ensure_future(store.write(work)) for work in (add("first"), half, add("last")))
    await asyncio.sleep(0)
    gate.set()
    assert await held
    assert (await first, await last) == ("first", "last")
    with pytest.raises(ZeroDivisionError, match="mine"):
        await bad
    assert await titles(store) == ["first", "last"]
    assert len(await store.read(lambda conn: rows.select(conn, "outbox"))) == 2


async def test_a_cancelled_write_that_has_not_begun_is_not_done(store: Store) -> None:
    gate = threading.Event()
    held = asyncio.ensure_future(store.write(lambda _conn: gate.wait(10)))
    await store.read(lambda _conn: None)
    dropped = asyncio.ensure_future(store.write(add("dropped")))
    await asyncio.sleep(0)
    dropped.cancel()
    await asyncio.sleep(0)
    gate.set()
    await held
    await store.write(add("kept"))
    assert await titles(store) == ["kept"]


async def test_a_full_disk_is_told_and_everything_before_stays_readable(store: Store) -> None:
    told: list[Exception] = []
    store._troubled = told.append
    before = [await store.write(add(f"before {number}")) for number in range(20)]
    await store.write(lambda conn: conn.exec_driver_sql("PRAGMA max_page_count = 1").scalar())
    pages = await store.write(lambda conn: conn.exec_driver_sql("PRAGMA page_count").scalar())

    def big(conn: rows.Conn) -> None:
        rows.put(conn, "qubo_runs", {"title": "x" * 4096 * (pages + 400)}, **BY)

    with pytest.raises(Limit, match="disk is full"):
        await store.write(big)
    assert await titles(store) == before
    assert [type(error) for error in told] == [Limit]
    await store.write(lambda conn: conn.exec_driver_sql("PRAGMA max_page_count = 1000000").scalar())
    await store.write(add("after"))
    assert await titles(store) == [*before, "after"]


async def test_a_write_that_fits_survives_a_neighbour_that_does_not(store: Store) -> None:
    await store.write(lambda conn: conn.exec_driver_sql("PRAGMA max_page_count = 1").scalar())
    gate = threading.Event()
    held = asyncio.ensure_future(store.write(lambda _conn: gate.wait(10)))
    small = asyncio.ensure_future(store.write(add("small")))
    large = asyncio.ensure_future(store.write(add("x" * (8 << 20))))
    await asyncio.sleep(0)
    gate.set()
    await held
    with pytest.raises(Limit):
        await large
    assert await small == "small"
    assert await titles(store) == ["small"]


async def test_a_closed_store_refuses_politely(store: Store) -> None:
    await store.close()
    with pytest.raises(Conflict, match="is closed"):
        await store.write(add("late"))
    with pytest.raises(Conflict, match="is closed"):
        await store.read(lambda _conn: None)


async def test_what_was_asked_before_the_close_is_committed(store: Store) -> None:
    asked = [asyncio.ensure_future(store.write(add(str(number)))) for number in range(50)]
    await asyncio.sleep(0)
    await store.close()
    assert len(await asyncio.gather(*asked)) == 50


async def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(Limit, match="readonly"):
        await store.read(add("sneaky"))


async def test_a_piece_that_failed_in_an_attempt_before_hears_of_the_one_that_stands(store: Store) -> None:
    gate, tries = threading.Event(), {"first": 0, "second": 0}

    def first(conn: rows.Conn) -> str:
        tries["first"] += 1
        if tries["first"] == 1:
            raise ZeroDivisionError("of the state that was given up")
        return str(add("first")(conn))

    def second(conn: rows.Conn) -> str:
        tries["second"] += 1
        if tries["second"] == 1:
            raise psycopg.errors.SerializationFailure
        return str(add("second")(conn))

    held = asyncio.ensure_future(store.write(lambda _conn: gate.wait(10)))
    asked = [asyncio.ensure_future(store.write(work)) for work in (first, second)]
    await asyncio.sleep(0)
    gate.set()
    await held
    assert await asyncio.gather(*asked) == ["first", "second"]
    assert await titles(store) == ["first", "second"]
