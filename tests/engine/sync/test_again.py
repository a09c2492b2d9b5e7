"""Loops that do the same again and again: one bad round is not the last, and is logged as loudly as it is unusual."""

import logging

from app.engine.base.errors import Limit, Offline
from app.engine.sync.again import tried
from app.engine.sync.service import log as at_console
from app.hub.main import log as at_hub


async def test_a_fault_nobody_thought_of_is_logged_and_the_next_round_comes(caplog):
    async def bad():
        raise KeyError("acked")

    with caplog.at_level(logging.ERROR):
        assert await tried(at_console, "north", bad) is False
        assert await tried(at_hub, "backup", bad) is False
    assert [record.getMessage() for record in caplog.records] == ["north", "backup"]
    assert all(record.exc_info for record in caplog.records)


async def test_what_went_wrong_is_a_warning_and_what_is_usual_is_none(caplog):
    async def full():
        raise Limit("The disk is full")

    async def away():
        raise Offline("Nobody answers")

    async def well():
        pass

    with caplog.at_level(logging.DEBUG, at_console.name):
        told = [await tried(at_console, "north", work, usual=(Offline,)) for work in (full, away, well)]
        told.append(await tried(at_console, "north", away))
    assert told == [False, False, True, False]
    levels = [record.levelno for record in caplog.records if record.name == at_console.name]
    assert levels == [logging.WARNING, logging.DEBUG, logging.WARNING]
