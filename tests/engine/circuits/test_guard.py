import pytest

from app.engine.base.errors import BadInput, Limit
from app.engine.circuits import guard

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'


@pytest.mark.parametrize(
    "text, line, part",
    [
        ("", 1, "expected"),
        ("hello", 1, "expected"),
        ("\n\nqreg q[2];", 3, "expected"),
        ("OPENQASM 4.0;\nqreg q[1];", 1, "version 4"),
        ('OPENQASM 2.0;\ninclude "/etc/passwd";', 2, "only qelib1.inc"),
        ('OPENQASM 3;\n// fine\ninclude "../secret.inc";', 3, "only qelib1.inc"),
        ("OPENQASM 2.0;\ninclude 'qelib1.inc/../x';", 2, "only qelib1.inc"),
        (HEAD + "qreg q[99999999999];", 3, "larger than"),
        ("OPENQASM 3;\nqubit[10001] q;", 2, "larger than"),
        ("OPENQASM 3;\nqubit q;\n" + "(" * 1000, 3, "nested deeper"),
    ],
)
def test_what_no_parser_should_see_is_refused_with_file_line_and_reason(text, line, part):
    with pytest.raises(BadInput) as caught:
        guard.check(text, "some.qasm")
    assert str(caught.value).startswith(f"some.qasm, line {line}, column ")
    assert part in str(caught.value)


def test_versions_are_told_by_the_header_whatever_stands_in_comments():
    assert guard.check("/* OPENQASM 3; */ // x\nOPENQASM 2.0;\nqreg q[1];", "a") == 2
    assert guard.check('OPENQASM 3.1;\ninclude "stdgates.inc";', "a") == 3


def test_a_commented_include_is_no_include():
    assert guard.check('OPENQASM 2.0;\n// include "other.inc";\nqreg q[1];', "a") == 2


def test_bytes_that_are_no_text_name_the_line():
    with pytest.raises(BadInput, match=r"a.qasm, line 2, column 1: not a text file"):
        guard.decode(b"OPENQASM 2.0;\n\xff\xfe", "a.qasm")


def test_files_past_the_size_limits_are_refused():
    with pytest.raises(Limit, match="bytes are more than"):
        guard.decode(b" " * (guard.MOST_BYTES + 1), "a")
    with pytest.raises(Limit, match="characters are more than"):
        guard.check("OPENQASM 3;" + " " * guard.MOST_BYTES_V3, "a")


def test_a_byte_order_mark_is_dropped():
    assert guard.decode("\ufeffOPENQASM 2.0;".encode(), "a") == "OPENQASM 2.0;"
