"""Signs, brackets and names of LP files; the values are worked out by hand."""

import itertools

import pytest

from app.engine.base.errors import BadInput
from app.engine.qubo.problems import registry
from app.engine.qubo.problems.lp import read_lp

HEAD = "min\n x + y {rest}\nst\n c: x + y <= 2\n{more}binary\n x y\nend\n"


def programme(rest="", more=""):
    return read_lp(HEAD.format(rest=rest, more=more), "f")


@pytest.mark.parametrize(
    "rest, coupling",
    [
        ("- [ 8 x * y ] / 2", -4), ("+ [ - 8 x * y ] / 2", -4), ("- [ - 8 x * y ] / 2", 4), ("+ [ 8 x * y ]", 8),
        ("- [ 3 x * y - 5 x * y ]", 2), ("- - [ 3 x * y ]", 3), ("- [ x * y ] + [ 4 x * y ] / 2", 1),
    ],
)  # fmt: skip
def test_the_sign_before_a_bracket_holds_for_all_in_it(rest, coupling):
    assert programme(rest).quadratic == {("x", "y"): coupling}


def test_a_minus_before_a_bracket_makes_both_worth_setting():
    problem = registry.read(HEAD.format(rest="- [ 8 x * y ] / 2", more=""), "f")
    best = min(itertools.product((0, 1), repeat=2), key=problem.objective)
    assert (best, problem.objective(best)) == ((1, 1), -2)


@pytest.mark.parametrize("rest", ["+ [ x * y", "+ x * y ]", "+ [ [ x * y ] ]", "+ [ x * y ] ]"])
def test_brackets_that_do_not_close_are_refused(rest):
    with pytest.raises(BadInput, match=r"f, line 2: (each \[ is closed by a \]|cannot read)"):
        programme(rest)


@pytest.mark.parametrize(
    "rest, more, told",
    [
        ("+ [ 2 x + x * y ]", "", "line 2: only squares and products"), ("-", "", "line 2: cannot read '-' here"),
        ("", "max\n x\n", "line 5: there is one objective"),
        ("", " c: x >= 0\n", "line 5: c stands already on line 4"),
        ("", "bounds\n zz <= 1\n", "line 6: 'zz' is bounded and stands nowhere else"),
        ("", "bounds\n 0 <= zz <= 1\n", "line 6: 'zz' is bounded and stands nowhere else"),
    ],
)  # fmt: skip
def test_what_would_be_lost_is_refused_by_its_line(rest, more, told):
    with pytest.raises(BadInput, match=told):
        programme(rest, more)
