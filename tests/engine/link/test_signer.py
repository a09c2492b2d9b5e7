import asyncio

import pytest

from app.engine.base.errors import Refused
from app.engine.link.signer import Signer
from app.wire.identity import DeviceIdentity
from app.wire.signing import Draft, NonceCache, digest_of, verify

CONSOLE = DeviceIdentity.generate("console")
NODE, NOW = "ab" * 16, 1_700_000_000_000_000


def draft(number):
    return Draft("POST", f"/v1/rounds/r{number}/train", NODE, NOW + 1_000_000, digest_of(b"x"))


async def own():
    return CONSOLE


def check(header, number):
    return verify(
        header, method="POST", target=f"/v1/rounds/r{number}/train", body=b"x", node=NODE, now_us=NOW, nonces=NonceCache(),
        signer_of={CONSOLE.public.device_id: CONSOLE.public}.get,
    )  # fmt: skip


async def test_requests_of_one_moment_share_their_signatures_and_later_ones_have_others():
    signer = Signer(own)
    headers = await asyncio.gather(*(signer.sign(draft(number)) for number in range(5)))
    late = await signer.sign(draft(5))
    for number, header in enumerate([*headers, late]):
        assert check(header, number).signer == CONSOLE.public.device_id
    assert len({header.split(" ")[6] for header in headers}) == 1
    assert late.split(" ")[0] == "1"


async def test_one_that_is_given_up_leaves_the_others_signed():
    signer = Signer(own)
    first, second = (asyncio.ensure_future(signer.sign(draft(number))) for number in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert check(await second, 1)
    assert first.cancelled()


async def test_a_key_out_of_reach_is_told_to_each():
    async def locked():
        raise Refused("The key is locked")

    signer = Signer(locked)
    told = await asyncio.gather(*(signer.sign(draft(number)) for number in range(3)), return_exceptions=True)
    assert [str(error) for error in told] == ["The key is locked"] * 3
    with pytest.raises(Refused):
        await signer.sign(draft(9))


async def test_when_nothing_can_be_signed_each_that_waits_is_told(monkeypatch):
    def refuse(*_args):
        raise Refused("the key is locked")

    monkeypatch.setattr("app.engine.link.signer.sign_all", refuse)
    signer = Signer(own)
    async with asyncio.timeout(30):
        told = await asyncio.gather(*(signer.sign(draft(number)) for number in range(3)), return_exceptions=True)
    assert [str(error) for error in told] == ["the key is locked"] * 3
