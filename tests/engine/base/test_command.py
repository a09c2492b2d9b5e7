from pathlib import Path

import pytest

from app.engine.base.command import Arg, Command, CommandTable
from app.engine.base.errors import BadInput, Missing


async def nothing(call):
    return {}


ROW = Command(
    "qubo.solve", "Solve", "Solves.", nothing,
    args=(
        Arg("file", Path, "The file."), Arg("seconds", float, "Budget.", 5.0, unit="s", low=0.1, high=60),
        Arg("threads", int, "Threads.", 1, low=1), Arg("solver", str, "Which.", "auto", choices=("auto", "exact")),
        Arg("loud", bool, "Loud.", False),
    ),
)  # fmt: skip


def test_defaults_fill_what_was_not_given_and_text_becomes_the_type():
    assert ROW.take({"file": "a.txt", "threads": "2", "loud": "yes"}) == {
        "file": Path("a.txt"), "seconds": 5.0, "threads": 2, "solver": "auto", "loud": True,
    }  # fmt: skip


def test_a_path_means_the_same_in_any_folder_but_words_that_name_no_file_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = Arg("dataset", Path, "Data.", None, words=("digits",))
    assert [place.whole(place.take(given)) for given in ("a.csv", "digits", None)] == [tmp_path / "a.csv", Path("digits"), None]
    assert Arg("rounds", int, "Rounds.", 2).whole(3) == 3


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({}, "file", "needs file"), ({"file": "a", "speed": 1}, "speed", "no argument speed"),
        ({"file": "a", "seconds": "soon"}, "seconds", "a number"), ({"file": "a", "seconds": "nan"}, "seconds", "a number"),
        ({"file": "a", "seconds": 0}, "seconds", "between 0.1 and 60"), ({"file": "a", "threads": 1.5}, "threads", "whole number"),
        ({"file": "a", "threads": True}, "threads", "whole number"), ({"file": "a", "solver": "magic"}, "solver", "auto, exact"),
        ({"file": "a", "loud": "perhaps"}, "loud", "true or false"), ({"file": "a", "threads": 0}, "threads", "between 1 and any"),
    ],
)  # fmt: skip
def test_a_bad_argument_is_named_with_its_range(given, field, words):
    with pytest.raises(BadInput, match=words) as caught:
        ROW.take(given)
    assert caught.value.field == field


def test_an_id_declared_twice_fails_at_start_up():
    with pytest.raises(ValueError, match=r"qubo\.solve"):
        CommandTable([ROW, ROW])


def test_an_unknown_command_is_missing():
    with pytest.raises(Missing, match=r"qubo\.dream"):
        CommandTable([ROW]).need("qubo.dream")
