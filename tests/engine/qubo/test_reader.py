from pathlib import Path

import pytest

from app.engine.base.errors import BadInput, Limit, Missing
from app.engine.qubo.reader import check_file, format_of, parse, read_problem, read_text


@pytest.mark.parametrize(
    "text, expected",
    [
        ("4 3\n1 2 1\n", "gset"),
        ("# made by us\n\n4 3\n", "gset"),
        ("c words\np qubo 0 1 1 0\n", "qbsolv"),
        ("p qubo 0 1 1 0\n", "qbsolv"),
        ("-4 3\n", "gset"),
    ],
)
def test_the_format_is_told_by_content(text: str, expected: str) -> None:
    assert format_of(text, "f") == expected


@pytest.mark.parametrize("text", ["OPENQASM 2.0;\n", "1 2 3\n", "{}\n", "p cnf 3 2\n", "\n\n", ""])
def test_another_format_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(BadInput, match="line 1: "):
        parse(text, "f")


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    for read in (read_problem, check_file):
        with pytest.raises(Missing, match="nowhere"):
            read(tmp_path / "nowhere")


def test_a_folder_or_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        check_file(tmp_path)
    (tmp_path / "b").write_bytes(b"4 3\n1 2 \xff\xfe\n")
    with pytest.raises(BadInput, match="line 2: this is not text"):
        read_problem(tmp_path / "b")


def test_a_file_beyond_the_size_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "large").write_text("4 3\n")
    with pytest.raises(Limit, match="4 bytes"):
        read_text(tmp_path / "large", most_bytes=3)


def test_a_byte_order_mark_and_other_line_ends_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"\xef\xbb\xbf2 1\r\n1 2 3\r\n")
    assert read_problem(tmp_path / "w").objective([0, 1]) == 3


def test_a_file_is_checked_by_its_head_alone(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"90000 90000\n" + b"1 2 1\n" * 20_000 + b"\xff")
    assert check_file(tmp_path / "long") == "gset"
