"""A conflict in words: nobody reads a number of microseconds, and what held then is told apart from what holds now."""

from app.engine.sync import told

MET = {
    "id": "c1", "title": "north", "column_name": "filter", "reason": "concurrent", "state": "open", "kept": "site=a",
    "kept_by": "ann@1", "kept_us": 1_700_000_000_000_000, "lost": "site=b", "lost_by": "", "lost_us": 1_699_999_990_000_000,
    "now": "site=a", "now_state": "stands", "changed": False,
}  # fmt: skip
DELETED = {**MET, "column_name": "deleted_us", "reason": "deleted", "kept": 1_700_000_000_000_000, "lost": {"filter": "x"}}


def test_of_a_conflict_it_is_told_what_each_had_seen():
    assert told.seen_text(MET["kept_us"]).startswith("had seen the value of 2023-11-14")
    assert told.seen_text(0) == "had seen no earlier value"


def test_values_of_any_kind_and_every_reason_are_told():
    assert told.value_text(None) == told.value_text({}) == "(nothing)"
    assert told.value_text(0) == "0"
    assert told.value_text({"a": 1}) == '{\n "a": 1\n}'
    assert len(told.value_text("x" * 9000)) < 2100
    sentences = {told.reason_text({**MET, "reason": reason}) for reason in ("concurrent", "deleted", "twin", "guarded")}
    assert len(sentences) == 4
    assert all("north" in sentence for sentence in sentences)


def test_of_whole_rows_it_is_told_that_they_were_deleted_or_the_older_ones():
    assert told.held_text(DELETED) == "(the row was deleted)"
    assert told.held_text({**DELETED, "reason": "twin"}) == "(the older of both rows)"
    assert told.lost_text({**DELETED, "lost": None}) == "(the row, as it was)"
    assert told.now_text({**DELETED, "now_state": "deleted", "now": None}) == "(the row is deleted)"
    assert told.now_text({**DELETED, "now": {}}) == "(the row, as it is)"
    assert told.now_text({**MET, "now_state": "gone", "now": None}) == "(the row is gone for good)"
    assert told.now_text({**MET, "now_state": "unknown", "now": None}) == "(this version does not know the field)"


def test_of_a_row_that_was_deleted_over_changes_they_are_told_column_by_column_without_what_stands_for_them():
    at = [1_700_000_000_000_000, "aa"]
    lost = {
        "name": "pump", "labels": {"add": {"line": "3"}, "seen": {"line": at}, "del": {"old": at}, "list": False},
        "target_nodes": {"add": {'["c"]': "c"}, "seen": {}, "del": {'["a"]': at}, "list": True},
        "status": {"from": "planned", "to": "running"}, "seen_us": at[0],
    }  # fmt: skip
    lines = told.lost_text({**DELETED, "lost": lost}).splitlines()
    assert lines[:4] == ["name: pump", "labels: + line=3, − old", "target_nodes: + c, − a", "status: running"]
    assert lines[4].startswith("seen_us: 2023-11-14")
    assert told.now_text({**DELETED, "now": {"filter": "x"}}) == "filter: x"
    assert (told.column_text("deleted_us"), told.column_text("filter")) == ("(the row)", "filter")
    shown = told.conflicts({"conflicts": [{**DELETED, "now": None, "now_state": "deleted"}], "total_count": 1})
    assert "1700000" not in shown


def test_it_is_said_whether_what_holds_now_is_what_held_then():
    assert told.change_text(MET) == "The same as then."
    assert told.change_text({**MET, "now": "site=c", "changed": True}) == "Changed since the two met."
    assert told.change_text({**MET, "now": "site=b", "changed": True}) == "The value that gave way holds by now."
    assert told.change_text({**DELETED, "changed": True}) == "The row is there again."
    assert told.change_text({**DELETED, "reason": "twin", "changed": None}) == ""


def test_the_lines_of_a_list_set_what_held_then_beside_what_holds_now():
    lines = told.conflicts({"conflicts": [{**MET, "now": "site=c", "changed": True}], "total_count": 7}).splitlines()
    assert (lines[0], lines[2]) == ("7 conflicts", "c1  ▲ open")
    assert [line.split()[:3] for line in lines[4:]] == [
        ["Held", "then", "site=a"],
        ["Gave", "way", "site=b"],
        ["Holds", "now", "site=c"],
    ]
    assert "unknown" in lines[5]
    assert lines[6].endswith("Changed since the two met.")
