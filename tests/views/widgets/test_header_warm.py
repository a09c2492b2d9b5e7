"""A column under the pointer is prepared before it is clicked."""

from dataclasses import dataclass

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from app.engine.base.records import Records
from app.views.widgets.columns import Column
from app.views.widgets.table import TablePanel


@dataclass(frozen=True)
class Row:
    key: str


@pytest.fixture
def panel(qtbot):
    records, read = Records(lambda row: row.key, "row"), []
    columns = [Column("key", "Key", lambda row: row.key), Column("back", "Back", lambda row: read.append(row) or row.key[::-1])]
    made = TablePanel(records, columns, name="Rows")
    made.read = read
    qtbot.addWidget(made)
    made.show()
    records.put(*(Row(f"k{at}") for at in range(9000)))
    made.model.flush()
    made.model.warm()  # the filter has read its texts
    read.clear()
    yield made
    made.model._later.stop()


def move(panel, x):
    viewport = panel.view.horizontalHeader().viewport()
    at = QPointF(x, 5)
    where = QPointF(viewport.mapToGlobal(QPoint(x, 5)))
    none = Qt.MouseButton.NoButton
    QApplication.sendEvent(viewport, QMouseEvent(QEvent.Type.MouseMove, at, where, none, none, Qt.KeyboardModifier.NoModifier))


def test_the_column_under_the_pointer_is_read_and_the_click_reads_nothing_more(qtbot, panel):
    move(panel, panel.view.columnViewportPosition(1) + 5)
    qtbot.waitUntil(lambda: not panel.view._warm_header._timer.isActive())
    assert len(panel.read) >= 9000
    panel.read.clear()
    panel.view.sort_only(1, descending=False)
    assert panel.read == []
    assert [panel.model.key_at(row) for row in range(3)] == ["k1000", "k2000", "k3000"]


def test_leaving_the_header_ends_it(qtbot, panel):
    move(panel, panel.view.columnViewportPosition(1) + 5)
    QApplication.sendEvent(panel.view.horizontalHeader().viewport(), QEvent(QEvent.Type.Leave))
    assert not panel.view._warm_header._timer.isActive()
