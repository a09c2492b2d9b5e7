"""The code of a hub: taken once, and for a quarter of an hour; whoever comes too late is told how to be let in."""

import pytest

from app.engine.base.clock import ManualClock
from app.engine.base.errors import Refused
from app.hub.desk import CODE_S, HubDesk
from app.wire.identity import DeviceIdentity
from app.wire.pairing import ConsoleSide, new_code

HUB, CONSOLE = (DeviceIdentity.generate(name).public for name in ("hub", "console"))


class Place:
    """A hub's desk with what it showed and pinned."""

    def __init__(self) -> None:
        self.clock, self.shown, self.pinned = ManualClock(), [], []
        self.desk = HubDesk(HUB, self.clock, self.shown.append, self._pin)

    async def _pin(self, console) -> None:
        self.pinned.append(console)

    async def begin(self, code):
        side = ConsoleSide(CONSOLE, code)
        return side, side.prove(await self.desk.answer(side.hello()), HUB.certificate_der)


@pytest.fixture
def place():
    return Place()


async def test_a_code_is_taken_until_its_time_is_over_and_told_how_long_that_is(place):
    code = place.desk.open()
    assert place.desk.left_s == CODE_S
    place.clock.advance(CODE_S - 1)
    assert place.desk.left_s == 1.0
    _, proof = await place.begin(code)
    await place.desk.answer(proof)
    assert (place.pinned, place.desk.left_s) == ([CONSOLE], 0.0)


async def test_an_old_code_is_refused_with_what_shows_another_which_is_taken(place):
    code = place.desk.open()
    place.clock.advance(CODE_S)
    with pytest.raises(Refused, match="older than 15 minutes") as refused:
        await place.begin(code)
    assert (place.desk.code, place.desk.left_s, refused.value.hint) == (
        None,
        0.0,
        "Have it show a fresh code: outpost hub token",
    )
    _, proof = await place.begin(place.desk.open())
    await place.desk.answer(proof)
    assert place.pinned == [CONSOLE]


async def test_a_code_that_ends_in_the_middle_of_a_talk_pins_nobody(place):
    code = place.desk.open()
    place.clock.advance(CODE_S - 1)
    _, proof = await place.begin(code)
    place.clock.advance(1)
    with pytest.raises(Refused, match="takes no new console"):
        await place.desk.answer(proof)
    assert place.pinned == []


async def test_who_lost_the_last_reply_gets_it_after_the_end_too(place):
    code = place.desk.open()
    place.clock.advance(CODE_S - 1)
    side, proof = await place.begin(code)
    await place.desk.answer(proof)
    place.clock.advance(2)
    assert side.accept(await place.desk.answer(proof)) == HUB


async def test_of_a_wrong_code_it_is_told_what_shows_another(place):
    place.desk.open()
    _, proof = await place.begin(new_code())
    with pytest.raises(Refused) as refused:
        await place.desk.answer(proof)
    assert "outpost hub token" in refused.value.hint
