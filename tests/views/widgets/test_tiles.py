"""MBTiles: raster tiles are drawn where they belong; what is malformed is refused by name, or left out."""

import sqlite3

import pytest
from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QColor, QImage

from app.engine.base.errors import BadInput, Missing
from app.views.widgets.map import NodeMap, Place
from app.views.widgets.tiles import TileFile


def png(colour):
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    image.fill(QColor(colour))
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return bytes(buffer.data())


@pytest.fixture
def make(tmp_path, qapp):
    def _make(tiles, **metadata):
        file = tmp_path / "area.mbtiles"
        db = sqlite3.connect(file)
        db.execute("CREATE TABLE metadata (name TEXT, value TEXT)")
        db.execute("CREATE TABLE tiles (zoom_level INTEGER, tile_column INTEGER, tile_row INTEGER, tile_data BLOB)")
        db.executemany("INSERT INTO metadata VALUES (?, ?)", metadata.items())
        db.executemany("INSERT INTO tiles VALUES (?, ?, ?, ?)", tiles)
        db.commit()
        db.close()
        return file

    return _make


# Zoom 1: rows are counted from the south, so row 1 is the north.
WORLD = [(1, 0, 1, png("#ff0000")), (1, 1, 1, png("#00ff00")), (1, 0, 0, png("#0000ff"))]


def test_tiles_lie_where_they_belong(make, qtbot):
    tiles = TileFile(make(WORLD, name="World", format="png", attribution="Someone"))
    chart = NodeMap()
    qtbot.addWidget(chart)
    chart.resize(400, 400)
    chart.show_tiles(tiles)
    view = chart.view()
    shot = chart.grab().toImage()

    def colour(lat, lon):
        return shot.pixelColor(chart.point_of(lat, lon).toPoint()).name()

    assert (colour(40, -75), colour(40, 75), colour(-40, -75)) == ("#ff0000", "#00ff00", "#0000ff")
    assert tiles.tile(1, 1, 1) is None
    assert (tiles.attribution, tiles.zooms, view.width) == ("Someone", (1, 1), 400)
    tiles.close()


def test_vector_tiles_empty_files_and_files_of_another_kind_are_refused(make, tmp_path):
    with pytest.raises(BadInput, match="pbf"):
        TileFile(make(WORLD, format="pbf"))
    (tmp_path / "area.mbtiles").unlink()
    with pytest.raises(BadInput, match="no tiles"):
        TileFile(make([]))
    other = tmp_path / "other.mbtiles"
    other.write_bytes(b"not a database" * 100)
    with pytest.raises(BadInput, match=r"other\.mbtiles is not an MBTiles file"):
        TileFile(other)
    with pytest.raises(Missing):
        TileFile(tmp_path / "none.mbtiles")


@pytest.mark.parametrize("data", [b"broken", "text", None, b""])
def test_a_broken_tile_is_left_out_and_told(make, data):
    tiles = TileFile(make([(0, 0, 0, data)]))
    assert tiles.tile(0, 0, 0) is None
    assert "0/0/0" in tiles.trouble
    assert tiles.tile(0, 0, 7) is None
    tiles.close()


def test_the_map_tells_of_broken_tiles(make, qtbot):
    tiles = TileFile(make([(0, 0, 0, b"broken")]))
    chart = NodeMap()
    qtbot.addWidget(chart)
    chart.show_tiles(tiles)
    chart.show_places([Place("a", "a", 50, 10, "online")], "a")
    chart.grab()
    assert tiles.trouble
    chart.show_tiles(None)
    tiles.close()
