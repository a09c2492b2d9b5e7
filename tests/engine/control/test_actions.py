import asyncio
from types import SimpleNamespace

from app.engine.base.errors import Limit
from app.engine.base.records import Records
from app.engine.control.actions import ActionLog
from app.engine.jobs.records import Job


def action(number):
    return {"n": number, "at_us": number, "before": 1.0, "wanted": 2.5, "after": 2.0, "reason": "rate limit"}


class Full:
    async def write(self, _work):
        raise Limit("The disk is full")


class Slow:
    """A store that writes once it may."""

    def __init__(self):
        self.may, self.begun, self.written = asyncio.Event(), asyncio.Event(), 0

    async def write(self, _work):
        self.begun.set()
        await self.may.wait()
        self.written += 1


async def test_who_asks_that_all_be_written_waits_for_what_the_timer_began_to_write():
    jobs, store = Records(lambda job: job.id, "job"), Slow()
    log = ActionLog(SimpleNamespace(jobs=SimpleNamespace(records=jobs), store=store))
    log.note(Job("j", "control", "auto"), [action(1)])
    log._ripe()
    await store.begun.wait()
    flushing = asyncio.create_task(log.flush())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not flushing.done()
    store.may.set()
    await flushing
    assert (store.written, log._due) == (1, [])


async def test_what_is_told_twice_is_written_once_and_what_a_message_missed_is_made_up(caplog):
    jobs = Records(lambda job: job.id, "job")
    log = ActionLog(SimpleNamespace(jobs=SimpleNamespace(records=jobs), store=Full()))
    job = Job("j", "control", "auto")
    jobs.put(job)
    jobs.put(Job("j", "control", "auto", partial={"actions": [action(1), action(2)]}))
    jobs.put(Job("j", "control", "auto", partial={"actions": [action(2), action(3)]}))
    jobs.put(Job("other", "qubo", "x"), Job("j", "control", "auto", result={"actions": [action(3), action(4)]}))
    assert [one["n"] for _, one in log._due] == [1, 2, 3, 4]
    await log.stop()
    assert "4 actions of controllers could not be written" in caplog.text
    jobs.discard("j")
    jobs.put(job)
    assert log._due == []
