import asyncio

import pytest

from app.engine.base.errors import TREE, BadInput, Bug, Cancelled, Missing, OutpostError, from_problem
from app.engine.base.funnel import Fate, Funnel, as_outpost_error, exit_code_of, fate_of


def test_statuses_are_the_ones_the_house_promises():
    told = {kind.__name__: (kind.status, kind.exit_code) for kind in TREE}
    assert told == {
        "BadInput": (400, 2), "Infeasible": (400, 2), "Refused": (403, 3), "Offline": (503, 4), "Timeout": (504, 4), "Missing": (404, 5),
        "Conflict": (409, 6), "Limit": (429, 7), "Cancelled": (499, 130), "Bug": (500, 70),
    }  # fmt: skip


@pytest.mark.parametrize("kind", TREE)
def test_an_error_survives_the_wire(kind: type[OutpostError]):
    sent = kind("{file}, line {line}: odd", hint="Look at {file}", field="file", file="a{b}.txt", line=3)
    got = from_problem(sent.problem())
    assert type(got) is kind
    assert (str(got), got.hint, got.field) == ("a{b}.txt, line 3: odd", "Look at a{b}.txt", "file")


def test_an_unknown_problem_is_a_bug():
    assert isinstance(from_problem({"type": "new-thing", "detail": "x"}), Bug)


@pytest.mark.parametrize(
    ("error", "fate", "status"),
    [
        (BadInput("x"), Fate.TELL, 2), (Missing("x"), Fate.TELL, 5), (Cancelled("x"), Fate.SILENT, 130),
        (asyncio.CancelledError(), Fate.SILENT, 130), (KeyError("x"), Fate.BUG, 70), (Bug("x"), Fate.BUG, 70),
    ],
)  # fmt: skip
def test_each_exception_has_one_of_three_fates(error: BaseException, fate: Fate, status: int):
    assert (fate_of(error), exit_code_of(error)) == (fate, status)


def test_the_funnel_shows_the_report_of_a_bug_and_nothing_of_a_cancel():
    shown = []
    funnel = Funnel(shown.append)
    funnel.take(asyncio.CancelledError())
    funnel.take(BadInput("line {n} is odd", n=4, hint="mend it"))
    funnel.take(ZeroDivisionError("by zero"), "job 7")
    assert [(n.fate, n.hint, n.cause) for n in shown] == [
        (Fate.TELL, "mend it", ""),
        (Fate.BUG, "Copy the report and send it to us.", "job 7"),
    ]
    assert "ZeroDivisionError: by zero" in shown[1].report


def test_a_foreign_error_becomes_a_bug_that_names_it():
    assert str(as_outpost_error(ValueError("odd {braces}"))) == "ValueError: odd {braces}"


def test_the_field_is_a_value_of_the_message_too():
    assert str(BadInput("{field} must be {kind}", field="seconds", kind="a number")) == "seconds must be a number"
