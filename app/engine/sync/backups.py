"""Backups that a home makes of itself, and the drill that shows that one of them could be restored.

A backup nobody has ever restored is a hope: each new one is copied aside, brought to this version's schema, checked and
counted, as a restore would do it, and what came of it is told with how things stand.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from app.engine.base.clock import iso_of
from app.engine.base.errors import Missing, OutpostError
from app.engine.base.platform import make_private
from app.engine.jobs.base import Base
from app.engine.store import care
from app.engine.store.shelf import Shelf
from app.engine.store.threads import in_thread

META: Final = "backup"
_KEPT: Final = 7


class Backups:
    """The backups of one home; `served` tells whether a hub is served here, which then makes its own."""

    def __init__(self, base: Base, served: Callable[[], bool]) -> None:
        self._base, self._served = base, served
        self._one = asyncio.Lock()

    async def look(self) -> dict[str, Any]:
        """Return the last backup and drill: {file, at_us, size_bytes, drill_us, rows_count, problem}."""
        found = await self._base.store.read(lambda conn: Shelf(conn).get("meta", META))
        return {**_NONE, **(found["value"] if found else {})}

    async def keep_up(self) -> None:
        """Back up when the last one is older than the settings ask for, try it, and let the oldest go."""
        every_us = int(self._base.settings["store.backup_s"] * 1e6)
        if not every_us or self._served():
            return
        last, now_us = await self.look(), self._base.clock.now_us()
        if not last["since_us"]:  # the first one is due a while after a home was made
            await self._note({**last, "since_us": now_us})
        elif now_us - max(last["at_us"], last["since_us"]) >= every_us:
            await self.backup()

    async def backup(self) -> dict[str, Any]:
        """Write a backup into the home's folder of them and try it; return what `look` does."""
        now_us, folder = self._base.clock.now_us(), make_private(self._base.home / "backups")
        file = folder / f"own-{iso_of(now_us).replace(':', '').replace('.', '')}.db"
        size = await self._base.store.backup(file)
        last = await self.look()
        await self._note({**last, "file": str(file), "at_us": now_us, "size_bytes": size, "problem": ""})
        tried = await self.drill(file)
        if tried["problem"]:
            file.unlink(missing_ok=True)  # one that cannot be restored takes the place of none that can
            await self._note({**await self.look(), "file": last["file"], "size_bytes": last["size_bytes"]})
        else:
            await in_thread(partial(_thin_out, folder), "backups")
        return tried

    async def drill(self, file: Path | None = None) -> dict[str, Any]:
        """Try to restore a backup (the newest if none is named) beside the store; return what `look` does, its problem too."""
        if file is None:
            found = care.backups_of(self._base.home)
            if not found:
                raise Missing("There is no backup yet", hint="Make one: outpost store backup FILE")
            file = found[0][0]
        last, scratch = await self.look(), self._base.home / "drill.db"
        async with self._one:
            try:
                told = {"rows_count": await in_thread(partial(care.drill, file, scratch), "backup-drill"), "problem": ""}
            except OutpostError as error:
                told = {"rows_count": 0, "problem": str(error)}
        told |= {"drill_us": self._base.clock.now_us()}
        if await in_thread(partial(_is_last, file, str(last["file"]), self._base.home), "backups"):
            await self._note({**last, **told})
        return {**last, **told, "file": str(file)}

    async def _note(self, value: dict[str, Any]) -> None:
        await self._base.store.write(lambda conn: Shelf(conn).put("meta", {"id": META, "value": value}))


_NONE: Final = {
    "file": "", "at_us": 0, "size_bytes": 0, "drill_us": 0, "rows_count": 0, "problem": "", "since_us": 0,
}  # fmt: skip


def _is_last(file: Path, noted: str, home: Path) -> bool:
    """Tell whether `file` is the backup that a home would be restored from; of another one its caller alone is told."""
    newest = care.backups_of(home)
    return not noted or file.resolve() in (Path(noted).resolve(), *(found[0].resolve() for found in newest[:1]))


def _thin_out(folder: Path) -> None:
    for old in sorted(folder.glob("own-*.db"))[:-_KEPT]:
        old.unlink(missing_ok=True)
