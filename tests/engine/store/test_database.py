import sqlite3
from pathlib import Path

import pytest

from app.engine.store.database import looking, problems_of, to_json


def test_json_is_compact_keeps_letters_and_refuses_nan() -> None:
    assert to_json({"ä": [1, 2.5]}) == '{"ä":[1,2.5]}'
    with pytest.raises(ValueError, match="JSON"):
        to_json(float("inf"))


def test_a_sound_file_has_no_problems_and_looking_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "with space.db"
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE t (x)")
    raw.close()
    before = path.read_bytes()
    assert problems_of(path) == []
    with looking(path) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("INSERT INTO t VALUES (1)")
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_a_missing_or_foreign_file_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    assert problems_of(tmp_path / "none.db") == ["unable to open database file"]
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_text("hello " * 300)
    assert problems_of(tmp_path / "text.db") == ["file is not a database"]


def test_a_broken_reference_is_a_problem(tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / "a.db")
    raw.executescript("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p); INSERT INTO c VALUES (9);")
    raw.close()
    assert problems_of(tmp_path / "a.db") == ["c: row 1 refers to nothing in p"]
