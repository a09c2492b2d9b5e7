"""The layout: there again at the next start, on a screen, by name, and as shipped on request."""

import json

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QSplitter

from app.views.shell.place import on_screen
from app.views.shell.view_state import forget_layout


@pytest.fixture
def reopen(qtbot, full, start):
    """Return a function that opens the window as the last one left it."""
    opened = []

    def make():
        from app.views.shell.window import MainWindow

        if opened:
            opened[-1].close()
        window = MainWindow(full, start)
        qtbot.addWidget(window)
        window.show()
        qtbot.waitExposed(window)
        opened.append(window)
        return window

    yield make
    opened[-1].close()


def splitter_of(window):
    return window.page.findChildren(QSplitter)[0]


def test_window_splitter_and_columns_are_there_again(qtbot, reopen):
    window = reopen()
    window.setGeometry(10, 20, 1000, 700)
    window.open_page("fleet")
    splitter = splitter_of(window)
    splitter.moveSplitter(400, 1)
    sizes = splitter.sizes()
    view = window.page.table.view
    view.show_column(3, shown=False)
    view.horizontalHeader().moveSection(0, 2)
    view.horizontalHeader().resizeSection(2, 133)
    view.sort_only(2, descending=True)
    view.sort_also(0, descending=False)
    kept = view.arrangement()
    again = reopen()
    assert (again.width(), again.height()) == (1000, 700)
    again.open_page("fleet")
    assert again.page.table.view.arrangement() == kept
    qtbot.waitUntil(lambda: abs(splitter_of(again).sizes()[0] - sizes[0]) <= 2)


def test_the_height_of_a_dock_is_kept_and_no_empty_inspector_opens(qtbot, reopen):
    from PySide6.QtCore import Qt

    window = reopen()
    window.resizeDocks([window.activity], [230], Qt.Orientation.Vertical)
    qtbot.waitUntil(lambda: window.activity.height() > 200)
    window.open_command("fleet.list", {})
    height = window.activity.height()
    again = reopen()
    assert not again.inspector.isVisible()
    qtbot.waitUntil(lambda: abs(again.activity.height() - height) < 8)


def test_what_changed_is_written_without_closing(qtbot, reopen, full):
    window = reopen()
    window.layout_keeper._later._timer.setInterval(1)
    window.resize(950, 650)
    qtbot.waitUntil((full.home / "view.json").exists)
    qtbot.waitUntil(lambda: json.loads((full.home / "view.json").read_text())["window"]["frame"][2:] == [950, 650])


def test_the_size_of_a_dock_is_written_as_soon_as_it_is_drawn(qtbot, reopen, full):
    from PySide6.QtCore import Qt

    window = reopen()
    window.layout_keeper._later._timer.setInterval(1)
    window.layout_keeper.save()
    before = json.loads((full.home / "view.json").read_text())["window"]["docks"]
    window.resizeDocks([window.activity], [230], Qt.Orientation.Vertical)
    qtbot.waitUntil(lambda: json.loads((full.home / "view.json").read_text())["window"]["docks"] != before)


def test_a_workspace_brings_its_layout_and_page_back(reopen):
    window = reopen()
    window.open_page("fleet")
    view = window.page.table.view
    view.group_by(2)
    window.layout_keeper.keep_workspace("night", "fleet")
    view.arrange(view.shipped)
    assert view.records_model.group == -1
    again = reopen()
    again.open_page("fleet")
    assert again.layout_keeper.workspaces == ["night"]
    assert again.layout_keeper.open_workspace("night") == "fleet"
    assert again.page.table.view.records_model.group == 2
    again.layout_keeper.drop_workspace("night")
    assert again.layout_keeper.workspaces == []
    assert again.layout_keeper.open_workspace("night") == ""


def test_reset_brings_the_shipped_columns_and_sizes_back(reopen, full):
    window = reopen()
    size = window.size()
    window.open_page("fleet")
    view = window.page.table.view
    view.show_column(1, shown=False)
    window.resize(900, 600)
    window.layout_keeper.reset()
    assert view.arrangement() == view.shipped
    assert window.size() == size
    window.resize(900, 600)
    window.close()
    forget_layout(full.home / "view.json")
    assert reopen().size() == size


@pytest.mark.parametrize(
    "held",
    [
        {"window": 7, "tables": [], "splitters": 3},
        {"window": {"frame": [1, "x"], "docks": "%%%", "maximized": "no"}, "tables": {"fleet/0": {"order": 3, "widths": [], "sort": [1]}}},
        {"window": {"frame": [0, 0, 0, 0], "docks": "AAAA"}, "splitters": {"fleet/0": ["a"]}, "tables": {"fleet/0": {"hidden": [[]]}}},
        {"tables": {"fleet/0": {"order": ["no", "site"], "hidden": ["name", "state", "site"], "sort": [["no", True]], "group": "no"}}},
    ],
)  # fmt: skip
def test_nonsense_in_the_file_is_never_fatal(reopen, full, held):
    (full.home / "view.json").write_text(json.dumps({"schema": 1, **held}))
    window = reopen()
    window.open_page("fleet")
    assert window.page.table.view.shown_columns()


def test_a_window_on_no_screen_comes_back_to_one():
    area = QGuiApplication.primaryScreen().availableGeometry()
    lost = QRect(area.right() + 500, area.bottom() + 500, 800, 600)
    assert area.intersects(on_screen(lost))
    assert on_screen(QRect(area.left() + 5, area.top() + 5, 700, 500)) == QRect(area.left() + 5, area.top() + 5, 700, 500)
    assert area.contains(on_screen(QRect(-5000, -5000, 9000, 9000)).center())
