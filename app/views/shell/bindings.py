"""What the window does by keyboard, with the keys it has when nobody chose others."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from app.engine.base.text import tr
from app.views.shell.page import PAGES, page_titles
from app.views.shell.shortcuts import Binding
from app.views.shell.sizing import resize

if TYPE_CHECKING:
    from app.views.shell.window import MainWindow


def bindings(window: "MainWindow") -> Sequence[Binding]:
    """Return all actions of `window`; a page's number is its place on the rail."""
    titles = page_titles()
    pages = [
        Binding(
            f"page_{spec.name}",
            f"Ctrl+{number % 10}",
            tr("Open {page}", page=titles[spec.name]),
            partial(window.open_page, spec.name),
        )
        for number, spec in enumerate(PAGES[:10], 1)
    ]
    return [
        Binding("palette", "Ctrl+K", tr("Find anything: pages, commands, nodes, jobs, runs, settings"), window.open_palette),
        Binding("go", "Ctrl+P", tr("Go to a page or a thing"), window.open_go_to),
        Binding("filter", "Ctrl+F", tr("Filter the table of this page"), window.focus_filter),
        Binding("jobs", "Ctrl+J", tr("Show or hide the table of jobs"), window.activity.toggle),
        Binding("history", "Ctrl+H", tr("Show what happened to the picked thing"), window.show_history),
        Binding("back", "Alt+Left", tr("Back to the page before"), window.back),
        Binding("take_back", "Ctrl+Z", tr("Take back the change that waits to leave"), window.take_back),
        Binding("narrower", "Alt+Shift+Left", tr("Make the part with the keyboard smaller"), partial(resize, -1)),
        Binding("wider", "Alt+Shift+Right", tr("Make the part with the keyboard larger"), partial(resize, 1)),
        Binding("refresh", "F5", tr("Bring this page up to date"), window.refresh),
        Binding("close", "Esc", tr("Close the innermost thing"), window.escape),
        Binding("keys", "?", tr("Show these keys"), window.show_keys),
        Binding("help", "F1", tr("Open the manual"), partial(window.open_page, "help")),
        *pages,
    ]
