import subprocess
import sys

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


@pytest.mark.parametrize("text", ["OPENQASM 3;\nqubit q; /* never", "OPENQASM 2.0;\nqreg q[1]; /*/"])
def test_a_comment_that_is_never_closed_is_told_at_its_start(text):
    with pytest.raises(BadInput, match=r"f, line 2, column 1\d: the comment is never closed"):
        guard.check(text, "f")


def test_whole_registers_within_a_definition_do_not_count_and_those_after_half_of_one_do():
    many = "h q; " * 30
    assert guard.check(HEAD + "qreg q[9999]; gate g q { " + many + "} gate g2 q { h q; }", "a") == 2
    with pytest.raises(Limit, match="on whole registers"):
        guard.check(HEAD + "qreg q[9999]; gate g; " + many, "a")


_LONG = """
from app.engine.base.errors import OutpostError
from app.engine.circuits import guard
told = []
for piece in ("/* ", "gate ", "opaque a "):
    try:
        told.append(str(guard.check("OPENQASM 2.0;" + piece * (1_000_000 // len(piece)), "f")))
    except OutpostError as error:
        told.append(str(error))
print("; ".join(told))
"""


def test_what_opens_again_and_again_and_never_closes_is_looked_through_once():
    # A megabyte of each: a second at most where it is looked through once, an hour where from every opening anew.
    done = subprocess.run([sys.executable, "-c", _LONG], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "f, line 1, column 14: the comment is never closed; 2; 2"
