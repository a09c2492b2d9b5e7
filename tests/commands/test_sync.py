"""What is told of a code or a stick that is not right speaks of the hub, and says what to do."""

import pytest

from app.engine.base.errors import BadInput, Refused
from tests.meeting import join, now, opened, served


@pytest.fixture(autouse=True)
def only_when_told(monkeypatch):
    """No exchange begins by itself."""
    monkeypatch.setattr("app.engine.sync.service._FIRST_S", 86400.0)


async def test_a_mistyped_code_is_refused_with_what_shows_it_at_the_hub(tmp_path):
    async with opened(tmp_path / "hub") as hub, opened(tmp_path / "ann") as ann, served(hub):
        told = await hub.run("hub.token")
        for wrong in (told["code"][:-1], told["code"] + "7", "!" + told["code"][1:]):
            with pytest.raises(BadInput) as caught:
                await ann.run("sync.join", address=told["address"], code=wrong)
            assert "outpost hub token" in caught.value.hint


async def test_a_stick_by_or_for_somebody_else_is_refused_with_whose_it_is_and_what_to_do(tmp_path):
    async with opened(tmp_path / "hub") as hub, opened(tmp_path / "ann") as ann, opened(tmp_path / "bob") as bob, served(hub):
        await join(hub, ann)
        await ann.run("view.save", name="north")
        await now(ann)
        for key, file in ((ann.link.device_id, "for-ann"), (hub.link.device_id, "for-hub")):
            await (hub if key == ann.link.device_id else ann).run("sync.export", file=tmp_path / file, peer=key)
        with pytest.raises(Refused, match=hub.link.device_id) as caught:
            await bob.run("sync.import", file=tmp_path / "for-ann")
        assert "outpost sync join" in caught.value.hint
        await join(hub, bob)
        with pytest.raises(BadInput, match="another device") as strange:
            await bob.run("sync.import", file=tmp_path / "for-ann")
        assert "written for" in strange.value.hint
