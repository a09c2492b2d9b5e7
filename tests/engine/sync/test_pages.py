"""Pages of a hub's log that are read once for all: everybody is told what they would be told alone, and nothing that went."""

import json

import pytest

from app.engine.store.shelf import Shelf
from app.engine.sync import hub as hubs
from app.engine.sync.erase import erase
from app.engine.sync.hub import Hub
from app.engine.sync.pages import Page, Pages
from tests.engine.sync.places import exchange, meet, push

ERA = ("e", 0)


@pytest.fixture
async def log(places, monkeypatch):
    """A hub with the changes of two consoles in its log, and how often that was read."""
    hub, ann, bob = places
    for console, device in ((ann, "ann"), (bob, "bob")):
        for at in range(4):
            await console.save("circuit_runs", id=f"{device}-{at}", title=f"{device} {at}", state="running")
        await meet(hub, console, device)
        await push(hub, console, device)
    read, real = [], Shelf.log
    monkeypatch.setattr(Shelf, "log", lambda self, after, *most: read.append(after) or real(self, after, *most))
    return read


async def told(hub, who, pages, after=0, most=4):
    console, device = who
    replica, now_us = await console.replica(), hub.clock.now_us()

    def step(shelf):
        one = Hub(shelf, now_us, pages=pages)
        return one.page(replica, device, after, one.epoch, most), one.read

    page, read = await hub._quiet(step)
    if read is not None:
        pages.keep(*read)
    return [json.loads(line)[2]["row"] for line in page["ops"]], page["cursor"]


async def test_a_page_is_read_once_and_everybody_is_told_what_others_wrote(places, log):
    hub, ann, bob = places
    pages = Pages()
    for console, device, rows in ((bob, "bob", [f"ann-{at}" for at in range(4)]), (ann, "ann", [])):
        assert await told(hub, (console, device), pages) == (rows, 4)
        assert await told(hub, (console, device), pages) == (rows, 4)
    assert log == [0]


async def test_a_page_that_more_may_come_to_is_read_anew(places, log):
    hub, ann, bob = places
    pages = Pages()
    assert await told(hub, (ann, "ann"), pages, 4, 8) == ([f"bob-{at}" for at in range(4)], 8)
    await bob.save("circuit_runs", id="bob-4", title="bob 4", state="running")
    await push(hub, bob, "bob")
    assert await told(hub, (ann, "ann"), pages, 8, 8) == (["bob-4"], 9)
    assert log == [4, 8]


async def test_whoever_comes_from_elsewhere_is_soon_told_the_same_pages(places, log):
    hub, ann, _ = places
    pages = Pages()
    assert [(await told(hub, (ann, "ann"), pages, after))[1] for after in (0, 1, 3, 4)] == [4, 4, 4, 8]


async def test_what_was_erased_is_in_no_page_any_more(places, log):
    hub, _, bob = places
    pages = Pages()
    await told(hub, (bob, "bob"), pages)
    now_us = hub.clock.now_us()
    await hub._quiet(lambda shelf: erase(shelf, ("circuit_runs", "ann-1"), actor="ann", now_us=now_us))
    replica = await bob.replica()

    def step(shelf):
        one = Hub(shelf, now_us, pages=pages)
        return one.page(replica, "bob", 0, one.epoch, 4)["ops"]

    lines = await hub._quiet(step)
    assert ["ann 1" in line for line in lines] == [False] * 4
    await exchange(hub, bob, "bob")
    assert sorted(row["title"] for row in await bob.all("circuit_runs") if row["title"] < "b") == ["ann 0", "ann 2", "ann 3"]


async def test_pages_that_outlive_an_erasure_are_found_out(places, log, monkeypatch):
    monkeypatch.setattr(hubs, "scrubbed", lambda _shelf: 0)
    with pytest.raises(AssertionError):
        await test_what_was_erased_is_in_no_page_any_more(places, log)


async def test_pages_of_another_epoch_are_not_told(places, log):
    hub, ann, _ = places
    pages = Pages()
    await told(hub, (ann, "ann"), pages)
    await hub.hub(lambda one: one.restored())
    await told(hub, (ann, "ann"), pages)
    assert log == [0, 0]


def test_what_is_kept_has_its_bound_and_what_nobody_asked_for_goes_first():
    pages = Pages(most_bytes=25)
    pages.find(ERA, (0, 0))
    for at in range(3):
        pages.keep(ERA, (at, 1), Page(at + 1, ("0123456789",), ("a",)))
        assert pages.find(ERA, (0, 1)) is not None
    assert [pages.find(ERA, (at, 1)) is not None for at in range(3)] == [True, False, True]


def test_a_page_that_was_read_before_the_log_was_scrubbed_is_not_kept():
    pages = Pages()
    pages.find(("e", 1), (0, 1))
    pages.keep(ERA, (0, 1), Page(1, ("told",), ("a",)))
    assert pages.find(("e", 1), (0, 1)) is pages.find(ERA, (0, 1)) is None


def test_what_was_decided_on_its_own_is_told_to_its_writer_too():
    page = Page(3, ("mine", "judged", "theirs"), ("a", "", "b"))
    assert page.told_to("a") == ["judged", "theirs"]
    assert page.told_to("a", whole=True) == page.told_to("c") == ["mine", "judged", "theirs"]
