"""Pictures of the window for a report: one of every page."""

from pathlib import Path

from app.views.shell.page import PAGES
from app.views.shell.window import MainWindow


def grab_pages(window: MainWindow, out: Path) -> list[Path]:
    """Visit every page, save a picture of the window with each, and return the files."""
    out.mkdir(parents=True, exist_ok=True)
    before, files = window.page_name, []
    for number, spec in enumerate(PAGES, 1):
        window.open_page(spec.name)
        window.settle()
        file = out / f"{number}-{spec.name}.png"
        window.grab().save(str(file))
        files.append(file)
    window.open_page(before)
    return files
