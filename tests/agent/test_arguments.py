from pathlib import Path

import pytest

from app.agent.arguments import ARGS, options_from, options_of
from app.agent.options import Options
from app.engine.base.errors import BadInput


def test_only_the_home_must_be_said():
    told = options_of(["run", "--home", "x"])
    assert told == Options(Path("x"), told.name)
    assert told.name


def test_every_argument_reaches_its_option():
    words = [
        "run",
        "--home",
        "x",
        "--name",
        "n",
        "--host",
        "0.0.0.0",
        "--port",
        "7",
        "--cadence-s",
        "2",
        "--no-mdns",
        "--spool-bytes",
        "100000",
        "--pair",
    ]
    assert options_of(words) == Options(Path("x"), "n", "0.0.0.0", 7, 2.0, mdns=False, spool_bytes=100_000, pair=True)


@pytest.mark.parametrize("words", [["--port", "70000"], ["--port", "x"], ["--cadence-s", "0"], ["--spool-bytes", "1"]])
def test_a_value_out_of_range_names_its_flag(words):
    with pytest.raises(BadInput, match=words[0]):
        options_of(["run", "--home", "x", *words])


def test_the_command_table_gives_the_same_options():
    assert options_from(Path("x"), {arg.name: arg.default for arg in ARGS}) == options_of(["run", "--home", "x"])
