"""Texts are read the same with and without the quick way, and whatever a grammar can make is read or told."""

import subprocess
import sys

import openqasm3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qiskit import qasm3

from app.engine.base.errors import BadInput, Limit, OutpostError
from app.engine.circuits.adapters import qasm3_fold, qasm3_quick
from app.engine.circuits.adapters.qiskit_read import describe, read
from app.engine.circuits.samples import FOLDER

SAMPLES = sorted(FOLDER.glob("*.qasm"))
HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


def same(text):
    """Assert that the quick way makes the tree that the parser makes, places of statements included; return its plain ones."""
    quick, plain = qasm3_quick.parse(text, "f")
    slow = openqasm3.parse(text)
    assert openqasm3.dumps(quick) == openqasm3.dumps(slow)
    places = [[(one.span.start_line, one.span.start_column) for one in tree.statements] for tree in (quick, slow)]
    assert places[0] == places[1]
    return plain


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_bundled_circuits_written_as_version_three_are_read_as_the_parser_reads_them(path):
    assert same(qasm3.dumps(read(path.read_text(), "f")))


@pytest.mark.parametrize("body, plain", [
    ("h q[0];cx q[0],q[1];", 2),
    ("rx(0.5) q[0]; rx(-1.5e-3) q[1];u3(1,2.,.5)q[0];", 3),
    ("rx(pi/2) q[0]; rx(2*3*pi) q[0]; rx(-pi) q[1]; rx(sin(pi)) q[0];", 2),
    ("c[0] = measure q[0];\nmeasure q[1] -> c[1];\nbarrier q[0], q[1];\nreset q[1];", 4),
    ("if (c[0]) { x q[1]; } else { z q[0]; }\nh q[0];", 1),
    ("if (c[0]) x q[1];\nh q[0];", 1),
    ("for int i in {0, 1} h q[i];\nh q[0];", 1),
    ("for int i in {0, 1} h q[0];\nh q[0];", 1),
    ("for int i in {0, 1} { h q[i]; } h q[0];", 1),
    ("gate m(t) a { rx(t) a; }\nm(0.5) q[0];", 1),
    ("ctrl @ x q[0], q[1];\nh q;\nh q[{0, 1}];\nh q[1];", 0),
    ("const float pi2 = 2; rx(pi2) q[0]; rx(pi) q[0];", 0),
    ("// h q[0];\n/* x q[0]; */ y q[0];", 1),
    ("h\nq[0];\n@note\nx q[0];", 0),
    ("end;\nh q[0];\nend;", 1),
    ("let a = q[0:1]; while (c[0]) { h q[0]; } h q[1];", 1),
])  # fmt: skip
def test_what_is_taken_out_and_what_is_left_make_the_same_tree(body, plain):
    assert len(same(f"{HEAD}qubit[2] q;\nbit[2] c;\n{body}")) == plain


@pytest.mark.parametrize("body, line, part", [
    ("h q[0];\nh q[0]\nh q[1];", 6, "unexpected 'h'"),
    ("if (c[0]) { x q[0]; }\nh q[0];\nelse { x q[0]; }", 6, "unexpected 'else'"),
    ("h q[0];\nrx(1,) q[0];\n;", 6, "unexpected"),
    ("h q[0];\nint q[0];", 5, "unexpected '['"),
    ("h q[0];\nh q[9];", 5, "out of range"),
    ("h q[0];\nrx(1/0) q[0];", 5, "division by zero"),
    ("h q[0];\ncx q[0],q[0];", 5, "duplicate"),
    ("h q[0];\nfoo q[0];", 5, "'foo' is not defined"),
])  # fmt: skip
def test_what_is_wrong_is_told_at_its_line(body, line, part):
    with pytest.raises(BadInput) as caught:
        read(f"{HEAD}qubit[2] q; bit[2] c;\n{body}", "f.qasm")
    assert str(caught.value).startswith(f"f.qasm, line {line}, column ")
    assert part in str(caught.value)


def test_a_text_that_the_parser_would_be_at_for_long_is_refused_with_a_way_out():
    text = HEAD + "qubit[2] q;\nbit[2] c;\n" + "if (c[1]) { x q[1]; }\n" * 2500
    with pytest.raises(Limit, match=r"f\.qasm: more than 30,?000 letters of it are conditions, loops or definitions") as caught:
        read(text, "f.qasm")
    assert "OpenQASM 2" in caught.value.hint


NAMES = st.sampled_from(["q", "c", "a", "x", "h", "h", "cx", "cx", "rx", "rx", "g0", "measure", "pi", "in", "é"])
NUMBERS = st.one_of(
    st.integers(-3, 12), st.sampled_from([9_999, 10**6, 10**12, 10**40]), st.floats(-4, 4), st.sampled_from(["pi", "n", "1/0"])
).map(str)
SUMS = st.recursive(
    NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "**", "%", "<<"]), inner).map(" ".join), inner.map("({})".format),
        inner.map("sin({})".format), inner.map("-{}".format),
    ),
    max_leaves=5,
)  # fmt: skip
BITS = st.one_of(
    st.integers(0, 4).map("q[{}]".format),
    st.integers(0, 4).map("q[{}]".format),
    NAMES,
    SUMS.map("q[{}]".format),
    st.tuples(NUMBERS, NUMBERS).map(lambda ends: f"q[{ends[0]}:{ends[1]}]"),
)
CALLS = st.builds(
    lambda how, name, args, bits: f"{how}{name}{'(' + ', '.join(args) + ')' if args else ''} {', '.join(bits)};",
    st.sampled_from(["", "", "", "ctrl @ ", "inv @ ", "pow(3) @ ", "pow(100000) @ ", "negctrl(2) @ "]),
    NAMES, st.lists(SUMS, max_size=2), st.lists(BITS, min_size=1, max_size=3),
)  # fmt: skip
WORDS = st.one_of(
    CALLS, CALLS, CALLS, BITS.map("reset {};".format), BITS.map("barrier {};".format),
    st.tuples(BITS, BITS).map(lambda two: f"measure {two[0]} -> {two[1]};"), st.sampled_from(["end;", "break;", ";", "}"]),
)  # fmt: skip
WORDS_V3 = st.one_of(
    WORDS, WORDS, BITS.map("c[0] = measure {};".format), SUMS.map("const int n = {};".format), st.just("let b = q;"),
    st.tuples(NUMBERS, NAMES).map(lambda two: f"qubit[{two[0]}] {two[1]};"),
)  # fmt: skip
WORDS_V2 = st.one_of(
    WORDS, WORDS, CALLS.map("if (c == 1) {}".format), NAMES.map("opaque {} a;".format),
    st.tuples(NUMBERS, NAMES).map(lambda two: f"qreg {two[1]}[{two[0]}];"),
    st.tuples(NAMES, CALLS).map(lambda two: f"gate {two[0]} a {{ {two[1]} }}"),
)  # fmt: skip
BLOCKS_V3 = st.recursive(
    WORDS_V3,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda lines: f"if (c[0]) {{ {' '.join(lines)} }}"),
        st.tuples(NUMBERS, NUMBERS, inner).map(lambda three: f"for int i in [{three[0]}:{three[1]}] {{ h q[i]; {three[2]} }}"),
        st.tuples(NAMES, inner).map(lambda two: f"gate {two[0]} a {{ {two[1]} }}"),
        inner.map("while (c[0]) {{ {} }}".format), inner.map("for int i in {{0, 1}} {}".format),
    ),
    max_leaves=6,
)  # fmt: skip
SIZES = st.sampled_from([1, 3, 5, 5, 50])
GAPS = st.sampled_from(["\n", " ", "\r\n"])
PROGRAMS_V3 = st.builds(
    lambda size, lines, gap: f"{HEAD}qubit[{size}] q;\nbit[{size}] c;\n{gap.join(lines)}",
    SIZES, st.lists(BLOCKS_V3, max_size=5), GAPS,
)  # fmt: skip
PROGRAMS_V2 = st.builds(
    lambda size, lines, gap: f'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[{size}];\ncreg c[{size}];\n{gap.join(lines)}',
    SIZES, st.lists(WORDS_V2, max_size=5), GAPS,
)  # fmt: skip
PROGRAMS = st.one_of(PROGRAMS_V2, PROGRAMS_V3)


_LONG = """
from app.engine.base.errors import OutpostError
from app.engine.circuits.adapters import qasm3_quick
program, plain = qasm3_quick.parse("OPENQASM 3; qubit[2] q; " + "x q[0]; " * 20_000 + "h q;", "f")
print(len(program.statements), len(plain))
try:
    qasm3_quick.parse("OPENQASM 3; x " + "in {} " * 100_000, "f")
except OutpostError as error:
    print(error)
"""


def test_a_long_line_and_sets_without_end_are_looked_through_once():
    done = subprocess.run([sys.executable, "-c", _LONG], capture_output=True, text=True, timeout=90, check=True)
    first, second = done.stdout.splitlines()
    assert first == "20002 20000"
    assert "OpenQASM 3 takes long to read" in second


@pytest.fixture(autouse=True, scope="module")
def _few_statements():
    """Refuse what grows early: that the real limits hold is told elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        for what in ("MOST_STATEMENTS", "MOST_OPENED", "MOST_SPREAD"):
            patch.setattr(qasm3_fold, what, 200)
        yield


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(PROGRAMS)
def test_whatever_a_grammar_makes_is_read_or_told_in_one_line_that_names_the_file(text):
    try:
        told = describe(read(text, "f.qasm")).name
    except OutpostError as error:
        told = str(error)
    assert told.startswith("f.qasm")
    assert "\n" not in told


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(PROGRAMS_V3)
def test_whatever_the_parser_takes_the_quick_way_takes_the_same(text):
    try:
        openqasm3.parse(text)
    except Exception as error:  # noqa: BLE001 - the parser's own, of many kinds
        with pytest.raises(type(error)):
            qasm3_quick.parse(text, "f")
        return
    same(text)
