"""The three fates of an exception: told, silent, or a bug with a report that holds no secret."""

import asyncio
from pathlib import Path

import pytest

from app.engine.base.errors import BadInput, Bug, Cancelled
from app.engine.base.funnel import Fate, Funnel, exit_code_of, fate_of


@pytest.mark.parametrize(
    ("error", "fate", "code"),
    [(BadInput("x"), Fate.TELL, 2), (Cancelled("x"), Fate.SILENT, 130), (asyncio.CancelledError(), Fate.SILENT, 130),
     (KeyboardInterrupt(), Fate.SILENT, 130), (Bug("x"), Fate.BUG, 70), (ZeroDivisionError(), Fate.BUG, 70)],
)  # fmt: skip
def test_each_exception_has_one_fate(error, fate, code):
    assert (fate_of(error), exit_code_of(error)) == (fate, code)


def taken(error, cause="qubo.solve"):
    told = []
    Funnel(told.append, "Outpost 9.9").take(error, cause)
    return told


def test_what_can_be_told_is_told_with_what_to_do_and_without_a_report():
    (notice,) = taken(BadInput("{file}: bad", file="a.txt", hint="Correct it."))
    assert (notice.text, notice.hint, notice.report, notice.cause) == ("a.txt: bad", "Correct it.", "", "qubo.solve")


def test_a_cancel_is_silent():
    assert taken(Cancelled("x")) == []


def test_a_report_says_what_ran_where_and_holds_no_secret():
    try:
        raise ZeroDivisionError(f"token=hunter22 in {Path.home() / 'a.txt'}")
    except ZeroDivisionError as error:
        (notice,) = taken(error)
    assert notice.report.startswith("Outpost 9.9\n")
    assert "during: qubo.solve" in notice.report
    assert "test_funnel.py" in notice.report
    assert "hunter22" not in notice.report
    assert str(Path.home()) + "/a" not in notice.report
