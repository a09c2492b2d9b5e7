"""The rail: a button per page with a name and a key, words only where there is room."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton

from app.views.shell.page import PAGES
from app.views.shell.rail import NARROW_PX, WIDE_PX, Rail


def test_every_page_has_a_button_that_opens_it(qtbot):
    opened = []
    rail = Rail(opened.append)
    qtbot.addWidget(rail)
    buttons = rail.findChildren(QToolButton)
    assert all(button.accessibleName() for button in buttons)
    assert all("Ctrl+" in button.toolTip() for button in buttons[:10])
    for button in buttons:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert opened == [spec.name for spec in PAGES]


def test_a_narrow_rail_has_icons_alone(qtbot):
    rail = Rail(lambda _name: None)
    qtbot.addWidget(rail)
    assert rail.width() == WIDE_PX
    rail.set_wide(wide=False)
    assert rail.width() == NARROW_PX
    assert {button.toolButtonStyle() for button in rail.findChildren(QToolButton)} == {Qt.ToolButtonStyle.ToolButtonIconOnly}
