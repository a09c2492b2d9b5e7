import pytest

from app.agent.desk import MOST_WRONG, Desk
from app.engine.base.clock import ManualClock
from app.engine.base.errors import BadInput, Limit, Refused
from app.wire.identity import DeviceIdentity
from app.wire.pairing import ConsoleSide, new_code

AGENT, CONSOLE, OTHER = (DeviceIdentity.generate(name).public for name in ("agent", "console", "other"))


class Place:
    """A desk with what it showed and pinned."""

    def __init__(self) -> None:
        self.clock, self.shown, self.pinned = ManualClock(), [], []
        self.fail: Exception | None = None
        self.desk = Desk(AGENT, self.clock, self.shown.append, self._pin)

    async def _pin(self, console) -> None:
        if self.fail is not None:
            raise self.fail
        self.pinned.append(console)

    async def pair(self, code: str, console=CONSOLE):
        side = ConsoleSide(console, code)
        proof = side.prove(await self.desk.answer(side.hello()), AGENT.certificate_der)
        return side.accept(await self.desk.answer(proof))


@pytest.fixture
def place():
    return Place()


async def test_the_right_code_pins_the_console_and_is_spent(place):
    code = place.desk.open()
    assert await place.pair(code) == AGENT
    assert place.pinned == [CONSOLE]
    assert place.desk.code is None
    with pytest.raises(Refused, match="takes no new console"):
        await place.pair(code, OTHER)


async def test_a_code_of_a_node_is_taken_whenever_somebody_comes(place):
    code = place.desk.open()
    place.clock.advance(86_400 * 30)
    assert place.desk.left_s is None
    assert await place.pair(code) == AGENT


async def test_a_closed_desk_refuses(place):
    with pytest.raises(Refused, match="takes no new console"):
        await place.pair(new_code())


async def test_a_wrong_code_is_refused_and_pins_nobody(place):
    place.desk.open()
    with pytest.raises(Refused, match="code is wrong"):
        await place.pair(new_code())
    assert place.pinned == []


async def test_five_wrong_codes_make_a_new_one(place):
    first = place.desk.open()
    for _ in range(MOST_WRONG):
        assert place.desk.code == first
        with pytest.raises(Refused):
            await place.pair(new_code())
    assert place.desk.code != first
    assert place.shown == [first, place.desk.code]
    with pytest.raises(Refused):
        await place.pair(first)
    assert await place.pair(place.desk.code) == AGENT


async def test_a_reply_lost_on_its_way_is_given_again_for_the_same_proof_only(place):
    side = ConsoleSide(CONSOLE, place.desk.open())
    proof = side.prove(await place.desk.answer(side.hello()), AGENT.certificate_der)
    first = await place.desk.answer(proof)
    assert await place.desk.answer(proof) == first
    with pytest.raises(Refused):
        await place.desk.answer({**proof, "proof": "00" * 32})
    assert place.pinned == [CONSOLE]


async def test_an_old_talk_is_refused(place):
    side = ConsoleSide(CONSOLE, place.desk.open())
    proof = side.prove(await place.desk.answer(side.hello()), AGENT.certificate_der)
    place.clock.advance(121)
    with pytest.raises(Refused, match="too old"):
        await place.desk.answer(proof)


async def test_a_pin_that_could_not_be_kept_spends_the_code_all_the_same(place):
    code, place.fail = place.desk.open(), OSError("disk")
    with pytest.raises(OSError, match="disk"):
        await place.pair(code)
    assert place.desk.code not in {None, code}


async def test_a_flood_of_talks_is_limited_and_ends(place):
    code = place.desk.open()
    for _ in range(60):
        await place.desk.answer(ConsoleSide(CONSOLE, code).hello())
    with pytest.raises(Limit):
        await place.desk.answer(ConsoleSide(CONSOLE, code).hello())
    place.clock.advance(61)
    assert await place.pair(code) == AGENT


async def test_a_node_does_not_pair_with_itself(place):
    with pytest.raises(BadInput, match="itself"):
        await place.pair(place.desk.open(), AGENT)


@pytest.mark.parametrize(
    "document",
    [{}, {"step": "dance"}, {"step": "hello"}, {"step": "prove"}, {"step": "prove", "proof": "00" * 32, "session": []}],
)
async def test_a_malformed_step_is_refused(place, document):
    place.desk.open()
    with pytest.raises((BadInput, Refused)):
        await place.desk.answer(document)
