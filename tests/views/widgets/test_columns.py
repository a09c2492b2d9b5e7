"""Sorting and matching, apart from any widget."""

import pytest

from app.views.widgets.columns import Column, matches


@pytest.mark.parametrize(
    ("needle", "found"),
    [("north 7", True), ("north 8", False), ("site==north", True), ("site==nor", False), ("x==north", False)],
)
def test_every_word_must_match(needle, found):
    assert matches(needle, "node 7\nnorth", {"site": "North"}.get) is found


def test_a_column_writes_unknown_as_a_dash_and_may_say_the_whole_record():
    assert Column("a", "A", lambda row: row.get("a"), lambda value: f"{value} s").write({"a": 3}) == "3 s"
    assert Column("a", "A", lambda row: row.get("a")).write({}) == "–"
    assert Column("a", "A", lambda row: row.get("a"), say=lambda row: f"{len(row)} fields").write({"b": 1}) == "1 fields"
