"""A store in a PostgreSQL database: the same verbs, capture and backups as in a file, and passwords that nobody is told."""

import sqlite3

import psycopg
import pytest

from app.engine.base.clock import ManualClock
from app.engine.base.errors import BadInput, Conflict, Offline, OutpostError
from app.engine.store import capture, rows
from app.engine.store.postgres import told, url_of
from app.engine.store.shelf import Shelf
from app.engine.store.store import Store

BY = {"actor": "ann@1", "cause": "c1", "now_us": 1_700_000_000_000_000}


@pytest.fixture
async def store(tmp_path, database):
    opened = await Store.open(tmp_path / "outpost.db", ManualClock(), database=database)
    yield opened
    await opened.close()


async def outbox(store):
    return await store.read(lambda conn: rows.select(conn, "outbox", order="seq"))


async def test_a_write_tells_the_outbox_what_changed_who_did_it_and_what_stood_there(store):
    row = await store.write(
        lambda conn: rows.put(conn, "edge_nodes", {"name": "ü", "labels": {"line": "2"}, "location_lat": 0.1 + 0.2}, **BY)
    )
    await store.write(lambda conn: rows.put(conn, "edge_nodes", {"id": row["id"], "labels": {"line": "3"}}, **BY))
    first, second = await outbox(store)
    assert (first["is_new"], first["actor"], first["fields"]["location_lat"]) == (1, "ann@1", 0.1 + 0.2)
    assert (first["fields"]["name"], first["fields"]["hardware_profile"], first["fields"]["deleted_us"]) == ("ü", {}, None)
    assert second["fields"]["labels"] == {"line": "3"}
    assert (second["before"], second["action"]) == ({"labels": {"line": "2"}}, "put")
    assert [first["hlc"] - BY["now_us"], second["hlc"] - first["hlc"]] == [0, 1]
    assert "status" not in first["fields"]  # what is local is no news to anybody


async def test_raw_sql_of_another_program_is_caught_whole_and_what_is_applied_is_not(store, database):
    row = await store.write(lambda conn: rows.put(conn, "saved_views", {"name": "north"}, **BY))
    with psycopg.connect(database) as raw:
        raw.execute("UPDATE saved_views SET name = 'south' WHERE id = %s", (row["id"],))
        raw.execute("DELETE FROM saved_views")
    found = (await outbox(store))[1:]
    assert [(op["action"], op["fields"].get("name")) for op in found] == [("put", "south"), ("delete", None)]
    assert found[0]["txn"] == found[1]["txn"]
    assert found[0]["txn"].startswith("raw-")

    def applied(conn):
        with capture.quiet(conn):
            rows.put(conn, "saved_views", {"name": "west"}, **BY)

    await store.write(applied)
    assert len(await outbox(store)) == 3


async def test_a_piece_of_work_that_fails_leaves_nothing_and_takes_nobody_with_it(store):
    row = {"id": "n1", "node_identifier": "d1"}
    await store.write(lambda conn: rows.put(conn, "edge_nodes", row, **BY))
    with pytest.raises(Conflict, match="breaks a rule"):
        await store.write(lambda conn: rows.put(conn, "edge_nodes", {**row, "id": "n2"}, **BY))
    with pytest.raises(BadInput, match="does not fit"):
        await store.write(lambda conn: rows.put(conn, "edge_nodes", {"id": "n3", "registered_at": "late"}, **BY))
    assert [one["id"] for one in await store.read(lambda conn: rows.select(conn, "edge_nodes"))] == ["n1"]
    with pytest.raises(OutpostError):
        await store.read(lambda conn: rows.put(conn, "saved_views", {"name": "x"}, **BY))


async def test_what_is_copied_in_by_the_thousand_stands_there_sign_for_sign(store):
    odd = ["", "\\", "\\N", "\\.", "a\tb", "a\nb\r", "\\t", 'ü "q" \b\v\f\x1f\u2028', "N\x00L"]
    made = [{"id": f"v{at}", "name": name, "filter": name * 2, "created_us": at} for at, name in enumerate(odd)]

    def work(conn):
        shelf = Shelf(conn)
        with capture.quiet(conn):
            for row in made:
                shelf.keep({("saved_views", row["id"]): ({**shelf.fresh("saved_views"), **row}, {})},
                           {("saved_views", row["id"]): (None, {})})  # fmt: skip

    await store.write(work)
    found = await store.read(lambda conn: rows.select(conn, "saved_views", order="created_us"))
    assert [(row["name"], row["filter"], row["deleted_us"]) for row in found] == [
        (name.replace("\x00", "\ufffd"), name.replace("\x00", "\ufffd") * 2, None) for name in odd
    ]


async def test_texts_are_found_in_any_case_and_known_telemetry_is_left_out(store):
    await store.write(lambda conn: rows.put(conn, "saved_views", {"name": "North 100%"}, **BY))
    assert await store.read(lambda conn: rows.count(conn, "saved_views", where={"name ~": "north 100%"})) == 1
    assert await store.read(lambda conn: rows.count(conn, "saved_views", where={"name ~": "1_0"})) == 0
    told = [{"node_id": "n", "epoch": "e", "seq": seq} for seq in (1, 2)]
    counts = [
        await store.write(lambda conn, some=some: rows.put_many(conn, "edge_telemetry", some)) for some in (told, told[:1])
    ]
    assert counts == [2, 0]


async def test_a_backup_is_a_state_file_and_a_restore_puts_it_back_with_numbers_that_go_on(store, database, tmp_path):
    for name in ("north", "south"):
        await store.write(
            lambda conn, name=name: rows.put(conn, "saved_views", {"name": name, "columns": [1, {"a": None}]}, **BY)
        )
    before = await store.read(lambda conn: rows.select(conn, "saved_views"))
    size = await store.backup(tmp_path / "copy.db")
    assert size == (tmp_path / "copy.db").stat().st_size > 0
    await store.write(lambda conn: rows.put(conn, "saved_views", {"name": "late"}, **BY))
    await store.close()
    kept = await Store.swap(tmp_path / "outpost.db", tmp_path / "copy.db", 7, database=database)
    with sqlite3.connect(kept) as raw:
        assert raw.execute("SELECT count(*) FROM saved_views").fetchone() == (3,)
    raw.close()
    again = await Store.open(tmp_path / "outpost.db", ManualClock(), database=database)
    assert await again.read(lambda conn: rows.select(conn, "saved_views")) == before
    await again.write(lambda conn: rows.put(conn, "saved_views", {"name": "west"}, **BY))
    assert [op["seq"] for op in await outbox(again)] == [1, 2, 3]
    assert await again.check() == []
    assert await again.size_bytes() > 0
    await again.close()


async def test_numbers_of_a_log_that_was_compacted_away_are_never_given_again(store, tmp_path, database):
    def fill(conn):
        Shelf(conn).put("meta", {"id": "sync.hub", "value": {"floor": 41}})

    await store.write(fill)
    await store.backup(tmp_path / "copy.db")
    await store.close()
    await Store.swap(tmp_path / "outpost.db", tmp_path / "copy.db", 7, database=database)
    entry = {
        "replica": "r",
        "seq": 1,
        "left_count": 0,
        "table_name": "t",
        "row_id": "i",
        "at_us": 1,
        "op": "{}",
        "verdicts": "",
    }
    for kept in (await Store.open(tmp_path / "copy.db", ManualClock()),
                 await Store.open(tmp_path / "outpost.db", ManualClock(), database=database)):  # fmt: skip
        await kept.write(lambda conn: Shelf(conn).append([entry]))
        assert await kept.read(lambda conn: Shelf(conn).head()) == 42
        await kept.close()


def test_a_password_is_told_nowhere():
    address = "postgresql://ann:correct-horse@db.site:5433/hub?sslmode=verify-full&sslpassword=battery"
    assert told(address) == "postgresql://ann@db.site:5433/hub?sslmode=verify-full"
    assert url_of(address).password == "correct-horse"
    for wrong in ("mysql://ann:correct-horse@db/hub", "correct-horse", "postgresql://ann:correct-horse@db:port/hub"):
        with pytest.raises(BadInput) as caught:
            url_of(wrong)
        assert "correct-horse" not in str(caught.value) + caught.value.hint


async def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path, cluster):
    address = f"postgresql://ann:correct-horse@/none?host={tmp_path}"
    with pytest.raises(Offline) as caught:
        await Store.open(tmp_path / "outpost.db", ManualClock(), database=address)
    assert "correct-horse" not in str(caught.value)
    with pytest.raises(OutpostError, match="none"):
        await Store.open(tmp_path / "outpost.db", ManualClock(), database=cluster.address("none"))


async def test_a_database_of_a_newer_outpost_is_refused_untouched(cluster, tmp_path, database):
    with psycopg.connect(database, autocommit=True) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999_future'")
        with pytest.raises(Conflict, match="newer"):
            await Store.open(tmp_path / "outpost.db", ManualClock(), database=database)
        from app.engine.store.migrate import revisions

        raw.execute("UPDATE alembic_version SET version_num = %s", (revisions()[-1],))


async def test_a_connection_cut_by_the_server_is_told_and_the_next_write_has_a_new_one(store, database):
    pid = await store.write(lambda conn: conn.exec_driver_sql("SELECT pg_backend_pid()").scalar())
    with psycopg.connect(database, autocommit=True) as raw:
        raw.execute("SELECT pg_terminate_backend(%s)", (pid,))
    with pytest.raises(Offline):
        await store.write(lambda conn: rows.put(conn, "saved_views", {"name": "lost"}, **BY))
    await store.write(lambda conn: rows.put(conn, "saved_views", {"name": "kept"}, **BY))
    assert [row["name"] for row in await store.read(lambda conn: rows.select(conn, "saved_views"))] == ["kept"]
