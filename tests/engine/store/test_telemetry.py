from app.engine.store import rows, telemetry
from app.engine.store.store import Store


async def test_old_telemetry_goes_in_bounded_steps_and_new_telemetry_stays(store: Store) -> None:
    batch = [{"node_id": "n", "epoch": "e", "seq": seq, "collected_at": seq} for seq in range(100)]
    await store.write(lambda conn: rows.put_many(conn, "edge_telemetry", batch))
    gone = [await store.write(lambda conn: telemetry.prune(conn, before_us=50, most_rows=20)) for _ in range(4)]
    assert gone == [20, 20, 10, 0]
    left = await store.read(lambda conn: rows.select(conn, "edge_telemetry", order="seq"))
    assert [row["seq"] for row in left] == list(range(50, 100))
