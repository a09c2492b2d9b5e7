"""A table cell that shows how far a job is: a bar with its figures."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from app.views.shell import theme
from app.views.widgets.table_model import RecordsModel


class ProgressDelegate(QStyledItemDelegate):
    """Draws a ratio 0 to 1 (`Column.get`) as a bar left of its text (`Column.text`); an unknown ratio is text alone."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """Draw the cell."""
        model = index.model()
        if not isinstance(model, RecordsModel):
            return
        column = model.columns[index.column()]
        record = model.record_at(index.row())
        ratio = column.get(record)
        style = option.widget.style() if option.widget is not None else None
        if style is not None:
            style.drawPrimitive(style.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        tokens = theme.now()
        cell = QRectF(option.rect).adjusted(3, 0, -4, 0)
        painter.save()
        if ratio is not None:
            bar = QRectF(cell.left(), cell.center().y() - 2, min(72.0, 0.4 * cell.width()), 5)
            painter.fillRect(bar, QColor(tokens.raised))
            painter.fillRect(QRectF(bar.left(), bar.top(), bar.width() * min(1.0, max(0.0, ratio)), 5), QColor(tokens.accent))
            cell.setLeft(bar.right() + 8)
        said = QFontMetrics(option.font).elidedText(column.write(record), Qt.TextElideMode.ElideRight, int(cell.width()))
        painter.setFont(option.font)
        painter.setPen(QColor(tokens.text))
        painter.drawText(cell, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), said)
        painter.restore()
