"""The sheet of widgets shows every widget in every theme, and its page names them."""

from app.views import sheet
from app.views.shell import theme


def test_every_widget_is_drawn_and_the_pictures_are_small(qapp, tmp_path):
    files = sheet.pictures(qapp, tmp_path, (theme.now().name,))  # another theme would dress every window of the run anew
    assert [file.stem for file in files] == [f"widgets-{theme.now().name}"]
    assert len(theme.THEMES) * files[0].stat().st_size < 600_000
    text = sheet.page(files)
    assert all(heading.lower() in text for heading, _ in sheet.parts())
    assert all(f"pictures/{file.name}" in text for file in files)
