"""The rows of activity on a real engine: one time line, and what is new since it was seen."""

import pytest

from app.commands.table import command_table
from app.engine.base.errors import BadInput, Missing
from app.engine.engine import Engine


@pytest.fixture
async def engine(tmp_path):
    engine = await Engine.open(tmp_path / "home", command_table())
    yield engine
    await engine.close()


async def test_a_change_and_its_event_are_on_one_line(engine):
    await engine.run("settings.set", key="view.theme", value="light", acting="ada@1")
    told = (await engine.run("activity.list", object="view.theme"))["entries"]
    assert [(entry["kind"], entry["what"], entry["actor"]) for entry in told] == [
        ("command", "settings.set", "ada@1"), ("event", "setting.changed", "ada@1"),
    ]  # fmt: skip
    assert (await engine.run("activity.list", kind="event", actor="ada@1"))["count"] == 1
    assert (await engine.run("activity.list", until="2001-01-01"))["entries"] == []
    with pytest.raises(BadInput, match="since must be"):
        await engine.run("activity.list", since="yesterday")


async def test_events_are_there_again_after_a_restart(engine, tmp_path):
    await engine.run("settings.set", key="view.theme", value="light")
    await engine.close()
    again = await Engine.open(tmp_path / "home", command_table())
    told = (await again.run("activity.list", kind="event"))["entries"]
    assert "setting.changed" in [entry["what"] for entry in told]
    await again.close()
    await engine._start()


async def test_what_was_seen_is_no_news(engine):
    with pytest.raises(Missing):
        await engine.run("fleet.remove", node="nobody")
    assert [item["what"] for item in (await engine.run("activity.news"))["news"]] == ["fleet.remove"]
    since_us = (await engine.run("activity.seen"))["since_us"]
    assert await engine.run("activity.news") == {"since_us": since_us, "news": [], "count": 0}
