"""The map with its tools, and beside it a list of the nodes that have no position: nothing is left out silently."""

from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QToolButton, QVBoxLayout, QWidget

from app.engine.base.errors import OutpostError
from app.engine.base.text import tr
from app.views.shell import theme
from app.views.shell.icons import icon
from app.views.widgets.map import NodeMap, Place
from app.views.widgets.map_geo import urgency
from app.views.widgets.state import dress, state_text, token_of
from app.views.widgets.tiles import TileFile

_LIST_PX = 150


class MapPanel(QWidget):
    """Tells which node was `picked`, and which file of tiles a person `chose_tiles` ("" for none)."""

    picked = Signal(str)
    chose_tiles = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.map = NodeMap()
        self.map.picked.connect(self.picked)
        self._tiles: TileFile | None = None
        self._file = ""
        self._told = QLabel()
        self._told.setProperty("role", "caption")
        self._told.setWordWrap(True)
        self._told.hide()
        self._lost_title = QLabel()
        self._lost_title.setProperty("role", "caption")
        self.lost = QListWidget()
        self.lost.setAccessibleName(tr("Nodes without a position"))
        self.lost.setAccessibleDescription(tr("Arrows move, Return picks the node in the table"))
        self.lost.setMaximumHeight(_LIST_PX)
        self.lost.currentItemChanged.connect(self._lost_picked)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addLayout(self._make_tools())
        column.addWidget(self.map, 1)
        for below in (self._told, self._lost_title, self.lost):
            column.addWidget(below)
        self._tell_lost([], "")

    def show_places(self, places: Iterable[Place], without: Iterable[Place], picked: str) -> None:
        """Show `places` on the map and those `without` a position in the list, one of all picked."""
        self.map.show_places(places, picked)
        self._tell_lost(sorted(without, key=lambda place: (urgency(place.state), place.name)), picked)

    def use_tiles(self, file: str) -> None:
        """Lay the tiles of `file` below the nodes ("" for none); a file that cannot be drawn is told and left out."""
        if file == self._file:
            return
        self._file = file
        self.map.show_tiles(None)
        if self._tiles is not None:
            self._tiles.close()
        self._tiles = None
        self._told.hide()
        if file:
            try:
                self._tiles = TileFile(Path(file))
            except OutpostError as error:
                self._told.setText(tr("{error} The outline is shown instead.", error=str(error).rstrip(".") + "."))
                self._told.show()
                dress(self._told, "warn")
        self.map.show_tiles(self._tiles)
        self.no_tiles.setVisible(bool(file))

    def _tell_lost(self, places: list[Place], picked: str) -> None:
        self.lost.blockSignals(True)
        if [item.data(Qt.ItemDataRole.UserRole) for item in self._items()] != [place.key for place in places]:
            self.lost.clear()
            for place in places:
                item = QListWidgetItem(self.lost)
                item.setData(Qt.ItemDataRole.UserRole, place.key)
        for item, place in zip(self._items(), places, strict=True):
            item.setText(f"{place.name}  {state_text(place.state)}")
            item.setForeground(theme.now().colour(token_of(place.state)))
            if place.key == picked:
                self.lost.setCurrentItem(item)
        if picked not in {place.key for place in places}:
            self.lost.setCurrentRow(-1)
        self.lost.blockSignals(False)
        self._lost_title.setText(tr("Without a position: {count}", count=len(places)))
        self._lost_title.setVisible(bool(places))
        self.lost.setVisible(bool(places))
        rows = max(1, len(places))
        self.lost.setFixedHeight(min(_LIST_PX, 8 + rows * theme.row_px()))

    def _items(self) -> list[QListWidgetItem]:
        return [self.lost.item(at) for at in range(self.lost.count())]

    def _lost_picked(self, item: QListWidgetItem | None, _before: QListWidgetItem | None) -> None:
        if item is not None:
            self.picked.emit(str(item.data(Qt.ItemDataRole.UserRole)))

    def _make_tools(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(0)

        def add(name: str, said: str, act: Callable[[], None]) -> QToolButton:
            button = QToolButton()
            button.setIcon(icon(name))
            button.setToolTip(said)
            button.setAccessibleName(said)
            button.clicked.connect(lambda _checked=False: act())
            line.addWidget(button)
            return button

        add("plus", tr("Come closer (+)"), lambda: self.map.zoom(1.5))
        add("minus", tr("Go further (-)"), lambda: self.map.zoom(1 / 1.5))
        add("maximize", tr("Show all nodes (0)"), self.map.fit)
        self.by_site = add("network", tr("One mark per site"), lambda: None)
        self.by_site.setCheckable(True)
        self.by_site.toggled.connect(lambda checked: self.map.group_by_site(grouped=checked))
        line.addStretch(1)
        self.no_tiles = add("x", tr("Take the tiles away"), lambda: self.chose_tiles.emit(""))
        self.no_tiles.hide()
        add("folder-open", tr("Lay an MBTiles file below the nodes"), self._ask_tiles)
        return line

    def _ask_tiles(self) -> None:
        dialog = QFileDialog(self, tr("Choose an MBTiles file"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([tr("MBTiles (*.mbtiles)"), tr("All files (*)")])
        dialog.fileSelected.connect(self.chose_tiles)
        dialog.open()
