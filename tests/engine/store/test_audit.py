from pathlib import Path
from typing import Any

from app.engine.store import audit
from app.engine.store.store import Store


async def record(store: Store, **how: Any) -> str:
    entry = {"at_us": 1, "actor": "ann@1", "command": "fleet.demo", "args": {}, "cause": "c", "outcome": "ok", **how}
    return await store.write(lambda conn: audit.record(conn, **entry))


async def find(store: Store, **how: Any) -> list[dict[str, Any]]:
    return await store.read(lambda conn: audit.find(conn, **how))


async def test_an_entry_holds_who_what_and_how_it_ended(store: Store) -> None:
    id_ = await record(store, at_us=5, args={"nodes": 6}, outcome="limit", detail="disk", duration_s=0.5)
    assert await find(store) == [
        {
            "id": id_, "at_us": 5, "actor": "ann@1", "command": "fleet.demo", "args": {"nodes": 6}, "cause": "c",
            "outcome": "limit", "detail": "disk", "duration_s": 0.5,
        }
    ]  # fmt: skip


async def test_many_entries_are_written_at_once_as_one_by_one(store: Store) -> None:
    entry = {"actor": "ann@1", "command": "control.action", "cause": "j", "outcome": "ok"}
    many = [{"at_us": k, "args": {"before": float("nan"), "n": k}, "detail": "law" * 1000, **entry} for k in (1, 2)]
    await store.write(lambda conn: audit.record_many(conn, many))
    newest, oldest = await find(store)
    assert (newest["at_us"], oldest["args"], newest["duration_s"]) == (2, {"before": "nan", "n": 1}, 0.0)
    assert len(newest["detail"]) == 2000
    assert newest["id"] != oldest["id"]


async def test_a_secret_never_reaches_the_file(store: Store, tmp_path: Path) -> None:
    await record(store, args={"code": "correct-horse", "address": "a:1"}, secret={"code"})
    assert (await find(store))[0]["args"] == {"code": audit.HIDDEN, "address": "a:1"}
    await store.close()
    assert b"correct-horse" not in store.path.read_bytes()


async def test_arguments_are_kept_as_json_can_hold_them(store: Store) -> None:
    args = {"file": Path("a/b"), "long": "x" * 5000, "nan": float("nan"), "none": None, "flag": True, "half": 0.5}
    await record(store, args=args)
    kept = (await find(store))[0]["args"]
    assert (kept["file"], len(kept["long"]), kept["nan"], kept["none"]) == (str(Path("a/b")), 2000, "nan", None)
    assert (kept["flag"], kept["half"]) == (True, 0.5)


async def test_filters_are_by_actor_command_noun_and_time(store: Store) -> None:
    for at_us, (actor, command) in enumerate(
        [("ann@1", "fleet.demo"), ("bob@2", "fleet.remove"), ("ann@1", "fleetish.thing"), ("ann@1", "qubo.solve")]
    ):
        await record(store, at_us=at_us, actor=actor, command=command)

    async def times(**how: Any) -> list[int]:
        return [entry["at_us"] for entry in await find(store, **how)]

    assert await times() == [3, 2, 1, 0]
    assert await times(actor="ann@1") == [3, 2, 0]
    assert await times(command="fleet") == [1, 0]
    assert await times(command="fleet.remove") == [1]
    assert await times(since_us=2) == [3, 2]
    assert await times(limit=1) == [3]
