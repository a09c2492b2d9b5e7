from pathlib import Path

from app.commands.manual import commands_page, settings_page
from app.commands.table import command_table

DOCS = Path(__file__).parents[2] / "docs"


def test_the_manual_says_what_the_tables_say():
    hint = "write it anew with: python -m app.commands.manual"
    assert (DOCS / "commands.md").read_text("utf-8") == commands_page(command_table()), hint
    assert (DOCS / "settings.md").read_text("utf-8") == settings_page(), hint
