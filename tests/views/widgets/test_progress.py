"""The progress cell draws a bar whose length is the ratio."""

import pytest
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QStyleOptionViewItem

from app.engine.base.records import Records
from app.views.shell import theme
from app.views.widgets.columns import Column
from app.views.widgets.progress import ProgressDelegate
from app.views.widgets.table_model import RecordsModel


@pytest.mark.parametrize(("ratio", "filled"), [(0.0, 0), (0.5, 36), (1.0, 72), (None, 0)])
def test_the_bar_is_as_long_as_the_ratio(qapp, ratio, filled):
    records = Records(str, "number")
    records.put("a")
    model = RecordsModel(records, [Column("p", "Progress", lambda _row: ratio, say=lambda _row: "")])
    image = QImage(200, 22, QImage.Format.Format_RGB32)
    image.fill(QColor("#000000"))
    painter = QPainter(image)
    option = QStyleOptionViewItem()
    option.rect = image.rect()
    ProgressDelegate().paint(painter, option, model.index(0, 0))
    painter.end()
    accent = QColor(theme.now().accent).rgb()
    assert sum(image.pixel(x, 11) == accent for x in range(200)) == filled
