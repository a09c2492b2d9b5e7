"""Icons follow the theme and survive the collector."""

import gc
import re

from PySide6.QtGui import QColor, QIcon

from app.views.shell import theme
from app.views.shell.icons import icon
from app.views.shell.page import PAGES


def shades(picture):
    image = picture.toImage()
    return {image.pixelColor(x, y).name() for x in range(20) for y in range(20) if image.pixelColor(x, y).alpha() == 255}


def test_an_icon_has_the_colour_of_its_token_and_of_its_state(qapp):
    theme.apply(qapp, "dark")
    drawn = icon("server", "bad")
    assert QColor(theme.DARK.bad).name() in shades(drawn.pixmap(20, 20))
    assert QColor(theme.DARK.stale).name() in shades(drawn.pixmap(20, 20, QIcon.Mode.Disabled))
    assert QColor(theme.DARK.accent).name() in shades(drawn.pixmap(20, 20, QIcon.Mode.Normal, QIcon.State.On))


def test_copies_live_on_without_the_first(qapp):
    copies = [QIcon(icon("server")) for _ in range(50)]
    gc.collect()
    assert all(not copy.pixmap(16, 16).isNull() for copy in copies)


def test_every_icon_named_in_the_views_is_shipped():
    names = {spec.icon for spec in PAGES}
    for file in (theme.RESOURCES.parent / "app" / "views").rglob("*.py"):
        names |= set(re.findall(r'(?<![\w.])icon\("([a-z0-9-]+)"', file.read_text("utf-8")))
    missing = [name for name in sorted(names) if not (theme.RESOURCES / "icons" / f"{name}.svg").exists()]
    assert missing == []
