"""A user's MBTiles file as a layer below the nodes: raster tiles from one SQLite file, read only, nothing fetched.

Format: MBTiles 1.3 (tables or views `metadata` and `tiles`; rows counted from the south, as in TMS). Vector tiles (pbf) are
refused, as is a file of any other shape, with its name and the reason.
"""

import sqlite3
from functools import lru_cache
from pathlib import Path
from typing import Final

from PySide6.QtGui import QImage

from app.engine.base.errors import BadInput, Missing
from app.engine.base.text import tr

MOST_TILE_BYTES: Final = 4_000_000
_RASTER: Final = ("png", "jpg", "jpeg", "webp")
_KEPT: Final = 256


class TileFile:
    """The tiles of one file; raises `BadInput` when it is not one, `Missing` when there is none."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise Missing("There is no file {file}", file=path)
        self.path = path
        self.trouble = ""
        self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            self._open()
        except sqlite3.Error as error:
            self.close()
            raise BadInput(
                "{file} is not an MBTiles file: {reason}", file=path, reason=str(error), hint="Choose a file of raster tiles."
            ) from None
        except BadInput:
            self.close()
            raise
        self.tile = lru_cache(maxsize=_KEPT)(self._tile)

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    def _open(self) -> None:
        told = {str(name): str(value) for name, value in self._db.execute("SELECT name, value FROM metadata LIMIT 1000")}
        low, high, count = self._db.execute("SELECT min(zoom_level), max(zoom_level), count(*) FROM (SELECT zoom_level FROM "
                                            "tiles LIMIT 1000000)").fetchone()  # fmt: skip
        kind = told.get("format", "png").lower()
        if kind not in _RASTER:
            raise BadInput(
                "{file} holds {kind} tiles; only raster tiles (png, jpg, webp) can be drawn", file=self.path, kind=kind
            )
        if not count or not isinstance(low, int) or not isinstance(high, int) or not 0 <= low <= high <= 30:
            raise BadInput("{file} holds no tiles of a zoom level from 0 to 30", file=self.path)
        self.zooms = (low, high)
        self.name = told.get("name", self.path.stem)[:120]
        self.attribution = told.get("attribution", "")[:200]

    def _tile(self, zoom: int, column: int, row: int) -> QImage | None:
        """Return the tile, `row` counted from the north; None where the file has none or a broken one."""
        side = 1 << zoom
        if not 0 <= row < side:
            return None
        try:
            found = self._db.execute(
                "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?",
                (zoom, column % side, side - 1 - row),
            ).fetchone()
        except sqlite3.Error as error:
            self.trouble = tr("{file}: {reason}", file=self.path.name, reason=error)
            return None
        if found is None:
            return None
        data = found[0]
        image = QImage.fromData(data) if isinstance(data, bytes) and len(data) <= MOST_TILE_BYTES else QImage()
        if image.isNull():
            self.trouble = tr(
                "{file}: tile {zoom}/{column}/{row} is broken", file=self.path.name, zoom=zoom, column=column, row=row
            )
            return None
        return image
