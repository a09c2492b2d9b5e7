"""The sheet of widgets shows every widget in every theme, and its page names them."""

from app.views import sheet
from app.views.shell import theme


def test_every_widget_is_drawn_in_every_theme_and_the_pictures_are_small(qapp, tmp_path):
    try:
        files = sheet.pictures(qapp, tmp_path)
    finally:
        theme.apply(qapp, "dark")
    assert [file.stem for file in files] == [f"widgets-{name}" for name in theme.THEMES]
    assert sum(file.stat().st_size for file in files) < 600_000
    text = sheet.page(files)
    assert all(heading.lower() in text for heading, _ in sheet.parts())
    assert all(f"pictures/{file.name}" in text for file in files)
