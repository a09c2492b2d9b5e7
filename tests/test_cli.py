import json

import pytest

from app import cli
from app.commands.table import command_table
from app.engine.base.errors import Missing


def test_every_row_is_a_command_with_its_arguments_as_options():
    parser = cli.build_parser(command_table())
    for row in command_table():
        words = row.id.split(".")
        for arg in row.args:
            if arg.required:
                words += ["x"] if arg.positional else [f"--{arg.name.replace('_', '-')}", "x"]
        assert vars(parser.parse_args(words))[cli.ROW_ID] == row.id


def test_a_parser_of_one_command_reads_it_as_that_of_all_does():
    table, whole = command_table(), cli.build_parser(command_table())
    words = ["--home", "model", "learning", "train", "--rounds", "3", "--seed=1", "--json"]
    named = cli.nouns_in(words)
    assert {"model", "learning"} <= named
    assert "fleet" not in named
    assert vars(cli.build_parser(table, named).parse_args(words)) == vars(whole.parse_args(words))
    assert cli.build_parser(table, frozenset()).format_help() == whole.format_help()


@pytest.mark.parametrize(
    "words", [["--json", "--home", "h", "status"], ["status", "--json", "--home", "h"], ["--home", "h", "status", "--json"]]
)
def test_global_options_may_stand_before_or_after(words):
    asked = cli.build_parser(command_table()).parse_args(words)
    assert (vars(asked)[cli.ROW_ID], asked.json, str(asked.home)) == ("status", True, "h")


def test_nothing_is_given_that_was_not_typed():
    parser, table = cli.build_parser(command_table()), command_table()
    for row in table:
        if not any(arg.required for arg in row.args):
            asked = vars(parser.parse_args(row.id.split(".")))
            assert [arg.name for arg in row.args if arg.name in asked] == [], row.id


def test_a_bad_argument_is_told_before_the_home_is_made(tmp_path, capsys):
    home = tmp_path / "home"
    status = cli.run(["qubo", "solve", "--file", "x", "--seconds", "soon", "--home", str(home), "--json"])
    told = capsys.readouterr()
    assert (status, home.exists()) == (2, False)
    assert json.loads(told.out)["error"]["field"] == "seconds"
    assert told.err.startswith("outpost: seconds must be a number, not 'soon'")


@pytest.mark.parametrize("words", [["qubo", "dream"], ["qubo", "solve"], ["status", "--speed", "3"]])
def test_words_that_are_no_command_are_told_as_every_error_is(words, capsys):
    assert cli.run([*words, "--json"]) == 2
    told = capsys.readouterr()
    assert json.loads(told.out)["error"]["type"] == "bad-input"
    assert told.err.startswith("outpost: ")


def test_a_cancel_is_one_object_too_and_silent_otherwise(capsys):
    assert cli._tell(KeyboardInterrupt(), as_json=True, verbose=False) == 130
    told = capsys.readouterr()
    assert (json.loads(told.out)["error"]["type"], told.err) == ("cancelled", "")


async def test_a_command_ends_after_those_that_were_handed_to_it():
    ended = []

    async def own():
        ended.append("own")
        raise Missing("No")

    async def others():
        ended.append("others")

    with pytest.raises(Missing):
        await cli._last_out(own(), others)
    assert ended == ["own", "others"]


def test_tables_and_dictionaries_are_readable_without_json(capsys):
    cli._print({"nodes": [{"name": "node-01", "age_s": 1.23456789}, {"name": "n2", "age_s": None}], "count": 2}, as_json=False)
    cli._print({"a": [1, 2], "long_key": "x" * 200}, as_json=False)
    cli._print({"nodes": []}, as_json=False)
    cli._print({"n": 3, "conflicts": []}, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "name     age_s", "node-01  1.23457", "n2       –", "a         [1, 2]", "long_key  " + "x" * 99 + "…", "Nothing yet.",
        "n  3", "conflicts:", "none",
    ]  # fmt: skip


def test_a_command_may_say_its_result_in_words_of_its_own(capsys):
    cli._print({"rows": [1, 2]}, as_json=False, words=lambda result: f"{len(result['rows'])} rows")
    cli._print({"rows": [1, 2]}, as_json=True, words=lambda result: f"{len(result['rows'])} rows")
    assert capsys.readouterr().out.splitlines() == ["2 rows", '{"rows": [1, 2]}']
