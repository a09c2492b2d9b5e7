from app.commands.settings import ROWS
from app.engine.base.command import CommandTable
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
