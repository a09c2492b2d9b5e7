"""Parcels to real agents, by every way there is."""

from types import SimpleNamespace

import numpy as np
import pytest

from app.engine.base.errors import BadInput, Conflict, Offline, Refused
from app.engine.base.ids import content_id
from app.engine.fleet.adapters.processes import AgentHerd
from app.engine.link.records import Peer, Target
from app.engine.link.service import Link
from app.engine.link.transfer import Delta, Parcel, send
from app.wire.delta import make_delta
from app.wire.manifests import chunks_of, seal


@pytest.fixture
async def site(base, tmp_path):
    link, herd = Link(base), AgentHerd()
    await link.start()
    agent = await herd.launch(tmp_path / "agent", "north-1")
    paired = await link.pair(agent.address, agent.code)
    link.attach(Target(Peer("n1", agent.address, paired.identity)))
    yield SimpleNamespace(client=link.client("n1"), identity=await link.identity(), folder=tmp_path, issued=0)
    await link.stop()
    await herd.end_all()


def parcel(site, data, version):
    path = site.folder / f"{version}.bin"
    path.write_bytes(data)
    manifest = {
        "schema": 1, "name": "digits", "version": version, "artifact": content_id(data), "size_bytes": len(data),
        "self_test": {"input": [[0.0]], "output": [[0.0]], "tolerance": 0}, "chunks": chunks_of(data).to_json(),
        "issued_us": version,
    }  # fmt: skip
    return Parcel("digits", seal(site.identity, manifest), content_id(data), path, len(data))


def delta_of(site, old, new):
    made = make_delta(old, new)
    path = site.folder / "delta.bin"
    path.write_bytes(made)
    return Delta(content_id(old), content_id(made), path, len(made), chunks_of(made).to_json())


async def test_whole_then_nothing_then_delta_then_pieces(site):
    rng = np.random.default_rng(0)
    old, told, paced = rng.bytes(5 << 20), [], []

    async def pace(count):
        paced.append(count)

    sent = await send(site.client, parcel(site, old, 1), pace=pace, progress=lambda *where: told.append(where))
    assert (sent.way, sent.sent_bytes, sum(paced)) == ("whole", len(old), len(old))
    assert told == [(4 << 20, len(old)), (len(old), len(old))]
    again = await send(site.client, parcel(site, old, 1))
    assert (again.way, again.sent_bytes) == ("none", 0)

    tuned = bytearray(old)
    tuned[100:200] = rng.bytes(100)
    delta = delta_of(site, old, bytes(tuned))

    async def known(bases, most_bytes):
        assert content_id(old) in bases
        assert most_bytes <= 1 << 20  # what other files hold is not missing
        return delta

    sent = await send(site.client, parcel(site, bytes(tuned), 2), delta_from=known)
    assert (sent.way, sent.sent_bytes) == ("delta", delta.size_bytes)
    assert delta.size_bytes < 1000

    longer = old + rng.bytes(1000)
    sent = await send(site.client, parcel(site, longer, 3))
    assert (sent.way, sent.sent_bytes) == ("pieces", 1000)


async def test_a_delta_that_fails_falls_back_to_pieces(site):
    rng = np.random.default_rng(1)
    old, new = rng.bytes(200_000), rng.bytes(200_000)
    await send(site.client, parcel(site, old, 1))
    wrong = delta_of(site, old, rng.bytes(200_000))

    async def known(_bases, _most):
        return wrong

    sent = await send(site.client, parcel(site, new, 2), delta_from=known)
    assert sent.way == "whole"
    assert sent.sent_bytes == len(new) + wrong.size_bytes


async def test_a_broken_transfer_goes_on_where_it_stood(site):
    data = np.random.default_rng(2).bytes(9 << 20)
    left = [1]

    async def cut(_count):
        if not left[0]:
            raise Offline("The link is down")
        left[0] -= 1

    with pytest.raises(Offline):
        await send(site.client, parcel(site, data, 1), pace=cut)
    sent = await send(site.client, parcel(site, data, 1))
    assert (sent.way, sent.sent_bytes) == ("pieces", 5 << 20)


async def test_a_file_that_is_not_what_its_manifest_says_is_refused_and_told(site):
    good = parcel(site, b"a" * 100_000, 1)
    good.path.write_bytes(b"b" * 100_000)
    with pytest.raises(BadInput, match="hash differs"):
        await send(site.client, good)
    good.path.write_bytes(b"")
    with pytest.raises((Conflict, BadInput)):
        await send(site.client, good)
    with pytest.raises(Refused, match="not signed"):
        await site.client.announce("digits", {"name": "digits"})
