"""Prepares the sort of a column while the pointer rests on its header, so that the click that follows finds it done."""

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QMouseEvent

if TYPE_CHECKING:
    from app.views.widgets.table import TableView

_ROWS: Final = 4000  # about 3 ms


class HeaderWarm(QObject):
    """Watches the header of `view`; a column that is prepared already costs nothing."""

    def __init__(self, view: "TableView") -> None:
        super().__init__(view)
        self._view, self._column = view, -1
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._some)
        viewport = view.horizontalHeader().viewport()
        viewport.setMouseTracking(True)
        viewport.installEventFilter(self)

    def begin(self, column: int) -> None:
        """Prepare `column`; -1 stops."""
        self._column = column
        if 0 <= column < len(self._view.columns):
            self._timer.start()
        else:
            self._timer.stop()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Follow the pointer."""
        if event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            column = self._view.horizontalHeader().logicalIndexAt(event.position().toPoint())
            if column != self._column:
                self.begin(column)
        elif event.type() == QEvent.Type.Leave:
            self.begin(-1)
        return False

    def _some(self) -> None:
        if not self._view.records_model.warm_key(self._column, _ROWS):
            self._timer.stop()
