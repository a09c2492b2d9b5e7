"""What fills the window, in one import: the frame is painted before any of it is loaded."""

from app.views.shell.activity_dock import ActivityDock
from app.views.shell.bindings import bindings
from app.views.shell.finder import Finder
from app.views.shell.forms import CommandForm
from app.views.shell.guide import Guide
from app.views.shell.inspector import Inspector
from app.views.shell.layout import Layout
from app.views.shell.notices import NoticeBar
from app.views.shell.palette import Palette
from app.views.shell.pending import PendingLane
from app.views.shell.problems import Problems
from app.views.shell.shortcuts import Shortcuts
from app.views.shell.status_line import StatusLine
from app.views.shell.tray import Tray

__all__ = (
    "ActivityDock", "CommandForm", "Finder", "Guide", "Inspector", "Layout", "NoticeBar", "Palette",
    "PendingLane", "Problems", "Shortcuts", "StatusLine", "Tray", "bindings",
)  # fmt: skip
