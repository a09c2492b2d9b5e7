"""Who shows what was changed elsewhere reads it anew: soon, once for many changes, and not all the time."""

import asyncio

from app.engine.sync.followers import Followers


class Shown:
    def __init__(self):
        self.read = 0
        self.go_on = asyncio.Event()

    async def refresh(self):
        self.read += 1
        await self.go_on.wait()


async def until(holds):
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0)


async def test_changes_that_come_while_something_is_read_are_read_once_more_and_together():
    followers, shown = Followers(), Shown()
    followers.follow({"a": shown.refresh, "b": shown.refresh})
    followers.changed({"a", "unheard of"})
    await until(lambda: shown.read == 1)
    for table in ("a", "b", "a"):
        followers.changed({table})
    shown.go_on.set()
    await followers.settled()
    assert shown.read == 2
    await followers.stop()


async def test_whoever_waits_for_the_changes_does_not_wait_for_the_rest_after_them(monkeypatch):
    monkeypatch.setattr("app.engine.sync.followers._REST", 1e9)
    followers, shown = Followers(), Shown()
    shown.go_on.set()
    followers.follow({"a": shown.refresh})
    followers.changed({"a"})
    await followers.settled()
    assert shown.read == 1
    for _ in range(20):
        followers.changed({"a"})  # while it rests from the first
        await asyncio.sleep(0)
    assert shown.read <= 2
    await followers.settled()
    before = shown.read
    followers.changed({"nobody"})
    await followers.settled()
    assert shown.read == before == 2
    await followers.stop()
