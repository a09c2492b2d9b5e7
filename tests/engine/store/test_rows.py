from typing import Any

import pytest

from app.engine.base.errors import Bug, Conflict, Missing
from app.engine.base.ids import is_id
from app.engine.store import capture, rows
from app.engine.store.store import Store

BY = {"actor": "ann@1", "cause": "c1", "now_us": 100}


async def put(store: Store, table: str, row: dict[str, Any], **by: Any) -> dict[str, Any]:
    return await store.write(lambda conn: rows.put(conn, table, row, **{**BY, **by}))


async def outbox(store: Store) -> list[dict[str, Any]]:
    return await store.read(lambda conn: rows.select(conn, "outbox"))


async def test_a_new_row_is_stamped_and_filled_with_defaults(store: Store) -> None:
    row = await put(store, "edge_nodes", {"name": "pump", "labels": {"line": "2"}})
    assert is_id(row["id"])
    assert (row["created_us"], row["updated_us"], row["author"], row["base_version"]) == (100, 100, "ann@1", 0)
    assert row["hardware_profile"] == {}
    assert await store.read(lambda conn: rows.get(conn, "edge_nodes", row["id"])) == row


async def test_an_update_changes_only_what_is_given_and_announces_only_that(store: Store) -> None:
    row = await put(store, "edge_nodes", {"name": "pump", "site": "north"})
    after = await put(store, "edge_nodes", {"id": row["id"], "name": "valve", "site": "north"}, actor="bob@2", now_us=200)
    assert after == {**row, "name": "valve", "updated_us": 200, "author": "bob@2"}
    first, second = await outbox(store)
    assert first["action"] == "put"
    assert first["fields"]["site"] == "north"
    assert second["fields"] == {"name": "valve", "updated_us": 200, "author": "bob@2"}
    assert (second["table_name"], second["row_id"], second["actor"], second["at_us"]) == ("edge_nodes", row["id"], "bob@2", 200)


async def test_putting_what_stands_there_already_writes_nothing(store: Store) -> None:
    row = await put(store, "edge_nodes", {"name": "pump"})
    assert await put(store, "edge_nodes", {"id": row["id"], "name": "pump"}, now_us=900) == row
    assert len(await outbox(store)) == 1


async def test_a_change_of_local_columns_alone_is_never_announced(store: Store) -> None:
    row = await put(store, "edge_nodes", {"name": "pump"})
    after = await put(store, "edge_nodes", {"id": row["id"], "last_heartbeat": 7, "status": "online"}, now_us=900)
    assert after == {**row, "last_heartbeat": 7, "status": "online"}
    assert len(await outbox(store)) == 1


async def test_operations_of_one_transaction_share_its_mark_and_no_other(store: Store) -> None:
    def two(conn: rows.Conn) -> None:
        rows.put(conn, "qubo_runs", {"title": "a"}, **BY)
        rows.put(conn, "qubo_runs", {"title": "b"}, **BY)

    await store.write(two)
    await put(store, "qubo_runs", {"title": "c"})
    first, second, third = [op["txn"] for op in await outbox(store)]
    assert first == second != third


async def test_a_deleted_row_leaves_a_tombstone_that_nobody_sees(store: Store) -> None:
    row = await put(store, "edge_nodes", {"name": "pump", "node_identifier": "ab"})
    await store.write(lambda conn: rows.delete(conn, "edge_nodes", row["id"], **{**BY, "now_us": 300}))
    assert await store.read(lambda conn: rows.get(conn, "edge_nodes", row["id"])) is None
    assert await store.read(lambda conn: rows.select(conn, "edge_nodes")) == []
    assert await store.read(lambda conn: rows.count(conn, "edge_nodes")) == 0
    assert (await outbox(store))[-1]["action"] == "delete"
    again = await put(store, "edge_nodes", {"node_identifier": "ab"})
    assert again["id"] != row["id"]


async def test_a_row_put_after_its_deletion_lives_again(store: Store) -> None:
    row = await put(store, "edge_nodes", {"name": "pump"})
    await store.write(lambda conn: rows.delete(conn, "edge_nodes", row["id"], **BY))
    await put(store, "edge_nodes", {"id": row["id"], "name": "pump"})
    assert await store.read(lambda conn: rows.need(conn, "edge_nodes", row["id"])) == row


async def test_deleting_an_unknown_row_or_twice_is_no_news(store: Store) -> None:
    row = await put(store, "edge_nodes", {"name": "pump"})
    for id_ in (row["id"], row["id"], "unknown"):
        await store.write(lambda conn, id_=id_: rows.delete(conn, "edge_nodes", id_, **BY))
    assert len(await outbox(store)) == 2


async def test_a_local_row_is_deleted_for_good_and_never_announced(store: Store) -> None:
    await put(store, "meta", {"id": "device", "value": {"a": 1}})
    await store.write(lambda conn: rows.delete(conn, "meta", "device", **BY))
    assert await store.read(lambda conn: rows.select(conn, "meta")) == []
    assert await outbox(store) == []


async def test_two_living_rows_with_one_identifier_are_a_conflict(store: Store) -> None:
    await put(store, "edge_nodes", {"node_identifier": "ab"})
    with pytest.raises(Conflict, match="node_identifier"):
        await put(store, "edge_nodes", {"node_identifier": "ab"})
    assert len(await outbox(store)) == 1


async def test_select_filters_orders_and_limits(store: Store) -> None:
    for number in range(5):
        await put(store, "model_versions", {"name": "digits", "version": number, "state": "draft" if number % 2 else "active"})

    async def versions(**how: Any) -> list[int]:
        return [row["version"] for row in await store.read(lambda conn: rows.select(conn, "model_versions", **how))]

    assert await versions(order="version", descending=True, limit=2) == [4, 3]
    assert await versions(where={"state": "draft"}, order="version") == [1, 3]
    assert await versions(where={"version": [0, 4]}, order="version") == [0, 4]
    assert await versions(where={"version >=": 2, "version <": 4}, order="version") == [2, 3]
    assert await versions(where={"version !=": [0, 1, 2]}, order="version") == [3, 4]
    assert await versions(where={"deleted_us !=": None}) == []


async def test_rows_of_equal_order_come_in_the_order_of_their_keys(store: Store) -> None:
    made = [(await put(store, "qubo_runs", {"title": "same"}))["id"] for _ in range(20)]
    found = await store.read(lambda conn: rows.select(conn, "qubo_runs", order="title"))
    assert [row["id"] for row in found] == sorted(made)


async def test_bulk_rows_are_taken_once_per_key(store: Store) -> None:
    batch = [
        {"node_id": "n", "epoch": "e", "seq": seq, "metrics_snapshot": {"cpu": seq}, "collected_at": seq} for seq in range(9)
    ]
    assert await store.write(lambda conn: rows.put_many(conn, "edge_telemetry", batch[:6])) == 6
    assert await store.write(lambda conn: rows.put_many(conn, "edge_telemetry", batch[3:])) == 3
    assert await store.write(lambda conn: rows.put_many(conn, "edge_telemetry", [])) == 0
    kept = await store.read(lambda conn: rows.select(conn, "edge_telemetry", order="seq"))
    assert [row["metrics_snapshot"]["cpu"] for row in kept] == list(range(9))
    assert await store.write(lambda conn: rows.drop_many(conn, "edge_telemetry", where={"seq <": 4})) == 4


async def test_mistakes_of_a_caller_are_named(store: Store) -> None:
    with pytest.raises(Bug, match="no table nodes"):
        await put(store, "nodes", {})
    with pytest.raises(Bug, match="no column colour"):
        await put(store, "edge_nodes", {"colour": "red"})
    with pytest.raises(Bug, match="no column size ~"):
        await store.read(lambda conn: rows.select(conn, "edge_nodes", where={"size ~": 1}))
    with pytest.raises(Bug, match="synced"):
        await store.write(lambda conn: rows.put_many(conn, "edge_nodes", [{}]))
    with pytest.raises(Bug, match="emptied"):
        await store.write(lambda conn: rows.drop_many(conn, "edge_telemetry", where={}))
    with pytest.raises(Missing):
        await store.read(lambda conn: rows.need(conn, "edge_nodes", "x"))


async def test_a_json_column_refuses_what_is_not_a_number(store: Store) -> None:
    with pytest.raises(Exception, match="not JSON compliant"):
        await put(store, "qubo_runs", {"spec": {"x": float("nan")}})
    assert await outbox(store) == []


async def test_a_text_is_found_inside_a_column_and_signs_mean_themselves(store: Store) -> None:
    for name, labels in (("100%", {"line": "A"}), ("1000", {"line": "B"})):
        await put(store, "edge_nodes", {"name": name, "node_identifier": name, "labels": labels})

    async def found(where: dict[str, Any]) -> list[str]:
        return [row["name"] for row in await store.read(lambda conn: rows.select(conn, "edge_nodes", where=where))]

    assert await found({"name ~": "0%"}) == ["100%"]
    assert await found({"labels ~": '"b"'}) == ["1000"]


async def test_any_of_several_conditions_is_one_question_to_the_store(store: Store) -> None:
    for name, site in (("pump", "north"), ("valve", "north"), ("fan", "south")):
        await put(store, "edge_nodes", {"name": name, "site": site, "node_identifier": name})
    either = [[{"name ~": "PU"}, {"site": "south"}], [{"name ~": "p"}, {"name ~": "fa"}]]
    found = await store.read(lambda conn: rows.select(conn, "edge_nodes", where={"any": either}, order="name"))
    assert [row["name"] for row in found] == ["fan", "pump"]
    found = await store.read(lambda conn: rows.select(conn, "edge_nodes", where={"any": either, "site": "north"}))
    assert [row["name"] for row in found] == ["pump"]


async def test_marks_change_local_columns_of_the_living_and_are_no_news(store: Store) -> None:
    made = [(await put(store, "edge_nodes", {"name": name, "node_identifier": name}))["id"] for name in "abc"]
    await store.write(lambda conn: rows.delete(conn, "edge_nodes", made[2], actor="a", cause="", now_us=9))
    before = await outbox(store)
    marks: dict[str, dict[str, Any]] = {
        made[0]: {"cursor_seq": 7, "status": "online"}, made[1]: {"status": "offline"}, made[2]: {"status": "online"},
        "nobody": {"status": "online"},
    }  # fmt: skip
    await store.write(lambda conn: rows.mark_many(conn, "edge_nodes", marks))
    found = {row["name"]: row for row in await store.read(lambda conn: rows.select(conn, "edge_nodes"))}
    assert [(found[name]["cursor_seq"], found[name]["status"]) for name in "ab"] == [(7, "online"), (0, "offline")]
    assert list(found) == ["a", "b"]
    assert await outbox(store) == before
    with pytest.raises(Bug, match="not local"):
        await store.write(lambda conn: rows.mark_many(conn, "edge_nodes", {made[0]: {"name": "z"}}))


@pytest.mark.parametrize(("left", "shown"), [("5", 5), ('"words"', "words"), ("null", None), ("{half", "{half")])
async def test_what_another_program_left_in_a_document_is_shown_as_such_and_takes_no_other_row_with_it(
    store: Store, left: str, shown: Any
) -> None:
    await put(store, "circuit_runs", {"id": "a", "title": "sound", "spec": {"shots": 1}})
    await put(store, "circuit_runs", {"id": "b", "title": "spoiled", "spec": {"shots": 2}})

    def spoil(conn: rows.Conn) -> None:
        with capture.quiet(conn):
            conn.exec_driver_sql("UPDATE circuit_runs SET spec = ? WHERE id = 'b'", (left,))

    await store.write(spoil)
    found = await store.read(lambda conn: rows.select(conn, "circuit_runs", order="title"))
    assert [row["spec"] for row in found] == [{"shots": 1}, {"unreadable": shown}]
    assert await store.read(lambda conn: rows.get(conn, "circuit_runs", "b")) == found[1]
    await put(store, "circuit_runs", {"id": "b", "title": "spoiled still"})
    raw = await store.read(
        lambda conn: conn.exec_driver_sql("SELECT CAST(spec AS TEXT) FROM circuit_runs WHERE id = 'b'").scalar()
    )
    assert raw == left


async def test_what_another_program_left_in_a_list_is_shown_as_one(store: Store) -> None:
    await put(store, "edge_deployments", {"id": "a", "deployment_name": "r", "target_nodes": ["n"]})
    await store.write(lambda conn: conn.exec_driver_sql("UPDATE edge_deployments SET target_nodes = '7'"))
    assert [row["target_nodes"] for row in await store.read(lambda conn: rows.select(conn, "edge_deployments"))] == [["7"]]
