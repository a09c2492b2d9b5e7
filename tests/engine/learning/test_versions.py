import asyncio
import contextlib

import pytest

from app.engine.base.errors import BadInput, Cancelled, Conflict, Limit
from app.engine.base.events import RoundFinished
from app.engine.learning.service import LearningService
from app.engine.learning.versions import Versions

WHO = {"actor": "me@here", "cause": "c1"}


class Registry:
    """Stands where the registry of models stands: notes which round's model became a version."""

    def __init__(self):
        self.made, self.trouble, self.tidied = [], None, 0
        self.gate = asyncio.Event()
        self.gate.set()

    def check(self, name):
        if "/" in name:
            raise BadInput("{name} cannot name a model", name=name)

    def held(self, run, name):
        return {number for one, called, number in self.made if (one, called) == (run, name)}

    async def tidy(self):
        self.tidied += 1

    async def keep(self, run, name, number, *, actor, cause):
        await asyncio.sleep(0)
        await self.gate.wait()
        if self.trouble is not None:
            raise self.trouble
        self.made.append((run, name, number))
        return {"id": f"m{number}", "name": name, "version": number, "artifact": "sha256:0"}


@pytest.fixture
def registry(learning):
    learning.registrar = Registry()
    return learning.registrar


def rounds_of(registry):
    return [number for _, _, number in registry.made]


@pytest.mark.parametrize("versions, made", [("each", [1, 2, 3]), ("last", [3])])
async def test_each_global_model_becomes_a_version_or_the_last_one_does(learning, links, registry, versions, made):
    told = await learning.train(links.nodes, rounds=3, epochs=1, name="parts", versions=versions, **WHO)
    assert registry.made == [(told["run_id"], "parts", number) for number in made]
    assert told["version"] == {"id": "m3", "name": "parts", "version": 3, "artifact": "sha256:0"}


async def test_a_long_session_lets_go_of_files_now_and_then_and_not_after_each_round():
    registry, now = Registry(), [0.0]
    versions = Versions(registry, "r1", "parts", each=True, **WHO, now_s=lambda: now[0])
    for number in range(1, 7):
        now[0] = 250.0 * number
        versions.make([number])
        await versions._working
    assert (rounds_of(registry), registry.tidied) == ([1, 2, 3, 4, 5, 6], 2)


async def test_without_a_name_no_version_is_made_and_a_name_that_cannot_be_is_refused_at_once(learning, links, registry):
    assert "version" not in await learning.train(links.nodes, rounds=1, epochs=1, **WHO)
    with pytest.raises(BadInput, match="cannot name"):
        await learning.train(links.nodes, rounds=1, name="a/b", **WHO)
    assert (registry.made, len(learning.sessions)) == ([], 1)


async def test_a_session_that_goes_on_by_itself_makes_the_versions_that_it_was_begun_with(base, learning, links, registry):
    gate = links.clients["id2"].gate = asyncio.Event()
    gate.set()
    base.bus.subscribe(lambda event: gate.clear() if event.round == 2 else None, RoundFinished)
    running = asyncio.create_task(learning.train(links.nodes, rounds=4, epochs=1, name="parts", **WHO))
    async with asyncio.timeout(30):
        while rounds_of(registry) != [1, 2]:
            await asyncio.sleep(0.01)
    await learning.stop()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError, Cancelled):
        await running
    registry.made.pop()  # the engine ended before it was made
    gate.set()
    again = LearningService(base, links)
    again.registrar = registry
    await again.start()
    async with asyncio.timeout(30):
        await asyncio.gather(*again._resumed.values())
    assert rounds_of(registry) == [1, 2, 3, 4]
    (session,) = again.sessions
    assert session.status == "done"


async def test_a_session_is_done_only_when_its_versions_are_made(learning, links, registry):
    registry.trouble = Limit("The disk is full")
    with pytest.raises(Limit):
        await learning.train(links.nodes, rounds=2, epochs=1, name="parts", **WHO)
    (session,) = learning.sessions
    assert (session.status, session.round, session.reason) == ("paused", 2, "The disk is full")
    registry.trouble = None
    told = await learning.resume("latest", **WHO)
    assert (told["state"], len(told["rounds"]), rounds_of(registry)) == ("done", 2, [1, 2])
    with pytest.raises(Conflict, match="is done"):
        await learning.resume("latest", **WHO)


async def test_a_session_that_had_come_to_its_end_holds_no_more_rounds(learning, links, registry):
    registry.trouble = Limit("The disk is full")
    asked = {"rounds": 9, "epochs": 1, "until_accuracy": 0.01, "name": "parts", "versions": "last"}
    with pytest.raises(Limit):
        await learning.train(links.nodes, **asked, **WHO)
    registry.trouble = None
    told = await learning.resume("latest", **WHO)
    assert (told["state"], len(told["rounds"]), rounds_of(registry)) == ("done", 1, [1])


@pytest.mark.parametrize("how", [("each", [1, 2, 3]), ("last", [3])])
async def test_a_paused_session_waits_for_no_version_and_makes_them_when_it_goes_on(base, learning, links, registry, how):
    versions, made = how
    registry.gate.clear()
    base.bus.subscribe(lambda event: learning.pause("latest") if event.round == 1 else None, RoundFinished)
    async with asyncio.timeout(30):
        told = await learning.train(links.nodes, rounds=3, epochs=1, name="parts", versions=versions, **WHO)
    assert (told["state"], registry.made) == ("paused", [])
    registry.gate.set()
    again = await learning.resume("latest", **WHO)
    assert (again["state"], rounds_of(registry)) == ("done", made)


@pytest.mark.parametrize("ends", [("pause", "paused"), ("stop", "stopped")])
async def test_a_session_that_makes_its_last_versions_says_so_and_can_be_ended(base, learning, links, registry, ends):
    (wish, state), waits = ends, []
    registry.gate.clear()

    def heard(change):
        waits.extend((job.done, job.partial.get("waits")) for job in change.changed if job.partial)
        if waits and waits[-1][1] == "Making versions of the models" and not registry.gate.is_set():
            learning.pause("latest", wish)

    base.jobs.records.watch(heard)
    async with asyncio.timeout(30):
        told = await learning.train(links.nodes, rounds=2, epochs=1, name="parts", **WHO)
    assert (told["state"], len(told["rounds"]), registry.made) == (state, 2, [])
    assert waits[-1] == (2, "Making versions of the models")
    registry.gate.set()
    again = await learning.resume("latest", **WHO)
    assert (again["state"], rounds_of(registry)) == ("done", [1, 2])


async def test_what_cannot_be_made_is_not_tried_for_every_round_and_is_told_at_the_end():
    registry = Registry()
    registry.trouble = Limit("The disk is full")
    versions = Versions(registry, "r1", "parts", each=True, **WHO)
    versions.make([1])
    await asyncio.sleep(0.01)
    registry.trouble = None
    versions.make([2])
    with pytest.raises(Limit):
        await versions.close(2)
    versions.let_go()
    assert registry.made == []


async def test_what_sessions_go_on_from_and_versions_are_still_to_be_made_of_is_needed(base, learning, links, registry):
    registry.gate.clear()
    base.bus.subscribe(lambda event: learning.pause("latest") if event.round == 2 else None, RoundFinished)
    asked = {"rounds": 3, "epochs": 1, "name": "parts", "algorithm": "scaffold"}
    async with asyncio.timeout(30):
        told = await learning.train(links.nodes, **asked, **WHO)
    assert registry.tidied == 1
    rounds = (await learning.show(told["run_id"]))["rounds"]
    (session,) = learning.sessions
    assert session.checkpoint["state"] == rounds[1]["state"] != rounds[1]["model"]
    assert await learning.needed(registry.held) == {rounds[0]["model"], rounds[1]["model"], rounds[1]["state"]}
    registry.gate.set()
    await learning.resume("latest", **WHO)
    (session,) = learning.sessions
    assert await learning.needed(registry.held) == {session.checkpoint["model"], session.checkpoint["state"]}
