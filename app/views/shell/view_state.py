"""What the window remembers between starts, in HOME/view.json: layout, tables, workspaces, recent things, presets.

Nothing in it is needed: a file that is missing, of another version or malformed means the shipped layout, never an error.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from app.engine.base.platform import replace_file

VERSION: Final = 1
MOST_RECENT: Final = 8
FILE: Final = "view.json"

log = logging.getLogger(__name__)


class ViewState:
    """A JSON document with a version; `get` and `put` take sections by name, `save` writes the file whole or not at all."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._document: dict[str, Any] = {}
        self._dirty = False
        if path is not None and path.exists():
            self._document = _read(path)

    def get(self, section: str, name: str = "") -> Any:
        """Return a section, or one entry of it; an empty mapping when there is none."""
        found = self._document.get(section, {})
        if not name:
            return found
        return found.get(name, {}) if isinstance(found, Mapping) else {}

    def put(self, section: str, value: Any, name: str = "") -> None:
        """Keep a section, or one entry of it."""
        if name:
            held = self._document.get(section)
            value = {**(held if isinstance(held, dict) else {}), name: value}
        if self._document.get(section) != value:
            self._document[section] = value
            self._dirty = True

    def drop(self, section: str, name: str = "") -> None:
        """Forget a section, or one entry of it."""
        held = self._document.get(section)
        if not name:
            self._dirty = self._document.pop(section, None) is not None or self._dirty
        elif isinstance(held, dict) and name in held:
            self._document[section] = {key: value for key, value in held.items() if key != name}
            self._dirty = True

    def recent(self, kind: str) -> list[str]:
        """Return the keys used last, the newest first."""
        found = self.get("recent", kind)
        return [key for key in found if isinstance(key, str)] if isinstance(found, list) else []

    def use(self, kind: str, key: str) -> None:
        """Note that `key` was used now."""
        self.put("recent", [key, *(old for old in self.recent(kind) if old != key)][:MOST_RECENT], kind)

    def save(self) -> None:
        """Write the file if anything changed; a disk that refuses costs the layout, not the work."""
        if not self._dirty or self._path is None:
            return
        try:
            replace_file(self._path, json.dumps({"schema": VERSION, **self._document}, indent=1).encode())
        except OSError as error:
            log.warning("The layout of the window is not kept: %s", error)
        self._dirty = False


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s is not read, the window starts as shipped: %s", path.name, error)
        return {}
    if not isinstance(document, dict) or document.get("schema") != VERSION:
        log.warning("%s is of another version, the window starts as shipped", path.name)
        return {}
    del document["schema"]
    return document


def forget_layout(path: Path) -> None:
    """Take the layout out of the file at `path`; workspaces, presets and recent things stay."""
    state = ViewState(path)
    for section in ("window", "splitters", "tables", "folds"):
        state.drop(section)
    state.save()
