import pytest

from app.commands.settings import ROWS
from app.engine.base.command import CommandTable
from app.engine.base.errors import BadInput, Missing
from app.engine.base.events import SettingChanged
from app.engine.engine import Engine


async def test_settings_list_shows_what_settings_set_took(tmp_path):
    engine = await Engine.open(tmp_path / "home", CommandTable(ROWS))
    try:
        await engine.run("settings.set", key="view.theme", value="light")
        rows = {row["key"]: row for row in (await engine.run("settings.list"))["settings"]}
    finally:
        await engine.close()
    assert (rows["view.theme"]["value"], rows["view.theme"]["default"]) == ("light", "dark")
    assert all(row["help"].endswith(".") for row in rows.values())


async def test_a_profile_brings_its_settings_back_and_leaves_who_you_are(tmp_path):
    engine = await Engine.open(tmp_path / "home", CommandTable(ROWS))
    told = []
    engine.bus.subscribe(lambda event: told.append(event.key), SettingChanged)
    try:
        await engine.run("settings.set", key="view.theme", value="light")
        await engine.run("settings.set", key="user.name", value="ada")
        await engine.run("settings.keep", name="field laptop")
        await engine.run("settings.set", key="view.theme", value="contrast")
        await engine.run("settings.set", key="view.density", value="compact")
        await engine.run("settings.set", key="user.name", value="bob")
        told.clear()
        assert (await engine.run("settings.profiles")) == {"profiles": ["field laptop"]}
        used = await engine.run("settings.use", name="field laptop")
        assert sorted(used["changed"]) == ["view.density", "view.theme"] == sorted(told)
        assert [engine.settings[key] for key in ("view.theme", "view.density", "user.name")] == ["light", "comfortable", "bob"]
        with pytest.raises(Missing):
            await engine.run("settings.use", name="none")
        with pytest.raises(BadInput, match="no name of a profile"):
            await engine.run("settings.keep", name="../x")
    finally:
        await engine.close()
