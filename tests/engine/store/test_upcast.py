import json

import pytest

from app.engine.store import migrate, rows, upcast
from app.engine.store.database import open_engine
from app.engine.store.shelf import Shelf
from app.engine.store.upcast import Step

LAST = migrate.revisions()[-1]
NOW = int(LAST[:4])


@pytest.fixture
def stepped(monkeypatch):
    def today(values, _new):
        return {name: value.upper() if name == "sort" and isinstance(value, str) else value for name, value in values.items()}

    monkeypatch.setitem(upcast.STEPS, (NOW, "saved_views"), Step({"heading": "name"}, today))


def test_a_row_is_lifted_by_the_steps_after_its_version_alone(stepped):
    told = ({"heading": "n", "sort": "up"}, {"": [1, "a"], "heading": [2, "b"], "stays": {"heading": None}})
    lifted = ({"name": "n", "sort": "UP"}, {"": [1, "a"], "name": [2, "b"], "stays": {"name": None}})
    assert upcast.row_of("saved_views", NOW - 1, *told) == lifted
    assert upcast.row_of("saved_views", NOW, *told) == told
    assert upcast.row_of("edge_nodes", 0, *told) == told
    assert upcast.row_of("saved_views", 0, None, told[1]) == (None, lifted[1])


def test_parts_of_a_change_that_are_no_values_are_only_renamed(monkeypatch):
    def no_set(values, _new):
        assert "labels" not in values
        return {name: f"{value}!" for name, value in values.items()}

    monkeypatch.setitem(upcast.STEPS, (NOW, "edge_nodes"), Step({"tags": "labels"}, no_set))
    change = {"add": {"a": "b"}, "seen": {}, "del": {}, "list": False}
    _, fields, seen = upcast.fields_of("edge_nodes", 0, {"tags": change, "name": "n"}, {"tags": (1, "a")}, new=False)
    assert (fields, seen) == ({"labels": change, "name": "n!"}, {"labels": (1, "a")})


def test_a_guarded_column_is_lifted_on_both_sides_of_its_step(monkeypatch):
    step = Step({}, lambda values, _new: {name: {"on": "active"}.get(value, value) for name, value in values.items()})
    monkeypatch.setitem(upcast.STEPS, (NOW, "model_versions"), step)
    told = {"state": {"from": "draft", "to": "on"}}
    assert upcast.fields_of("model_versions", 0, told, {}, new=False)[1] == {"state": {"from": "draft", "to": "active"}}
    verdict = {"at": 5, "ok": True, "value": "on", "reason": ""}
    assert upcast.verdicts_of("model_versions", 0, {"state": verdict, "gone": [1, "a"]}) == {
        "state": {**verdict, "value": "active"}, "gone": [1, "a"],
    }  # fmt: skip


def test_a_migrated_file_has_what_it_keeps_beside_its_rows_lifted_once(tmp_path, stepped):
    engine = open_engine(tmp_path / "outpost.db", writer=True)
    with engine.connect() as conn, conn.begin():
        migrate.upgrade(conn)
        rows.put(conn, "saved_views", {"name": "n", "sort": "up"}, actor="a", cause="", now_us=1)
        shelf = Shelf(conn)
        row = {**shelf.outbox(9)[0]}
        fields = {name: value for name, value in row["fields"].items() if name != "name"} | {"heading": "n"}
        change = {**row, "fields": fields, "seq": row["seq"] + 1}
        shelf.number([], row["seq"])
        rows.put_plain(conn, "outbox", change)
        cells = {"table_name": "saved_views", "cells": json.dumps({"": [1, "a"], "heading": [2, "a"]})}
        for row_id, said in (("one", cells["cells"]), ("two", '{"":[1,"a"]}')):
            rows.put_plain(conn, "sync_cells", {**cells, "row_id": row_id, "cells": said})
        entry = {
            "replica": "a",
            "seq": 1,
            "left_count": 0,
            "table_name": "saved_views",
            "row_id": "one",
            "at_us": 1,
            "op": "{}",
        }
        for seq, said in ((1, '{"heading":{"at":1,"value":"x"}}'), (2, "")):
            rows.put_plain(conn, "sync_log", {**entry, "seq": seq, "verdicts": said})
        met = {"table_name": "saved_views", "column_name": "sort", "kept": {"value": "up", "seen_us": 1}, "lost": {"value": 1}}
        rows.put(conn, "sync_conflicts", met, actor="a", cause="", now_us=1)
        migrate.downgrade(conn, migrate.revisions()[-2])
    with engine.connect() as conn, conn.begin():
        migrate.upgrade(conn)
        migrate.upgrade(conn)
        shelf = Shelf(conn)
        told = shelf.outbox(9)
        assert (told[0]["fields"]["name"], told[0]["fields"]["sort"]) == ("n", "UP")
        assert "heading" not in told[0]["fields"]
        kept = {row["row_id"]: json.loads(row["cells"]) for row in rows.select(conn, "sync_cells")}
        assert kept == {"one": {"": [1, "a"], "name": [2, "a"]}, "two": {"": [1, "a"]}}
        assert [row["verdicts"] for row in shelf.all("sync_log")] == ['{"name":{"at":1,"value":"x"}}', ""]
        met = rows.select(conn, "sync_conflicts")[0]
        assert (met["column_name"], met["kept"], met["lost"]) == ("sort", {"value": "UP", "seen_us": 1}, {"value": 1})
        assert [row["table_name"] for row in told] == ["saved_views", "sync_conflicts"]  # lifting is no change of anybody's
    engine.dispose()
