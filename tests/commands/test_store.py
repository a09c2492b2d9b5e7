from pathlib import Path
from types import SimpleNamespace

import pytest

from app.commands.store import ROWS
from app.engine.base.clock import ManualClock
from app.engine.base.command import CommandTable, Danger, Role
from app.engine.base.errors import Conflict, Missing
from app.engine.store.store import Store

TABLE = CommandTable(ROWS)


async def test_store_backup_and_store_check_report_what_they_did(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "outpost.db", ManualClock())
    call = SimpleNamespace(engine=SimpleNamespace(store=store, place=SimpleNamespace(store=store.path)))
    copy = tmp_path / "copy.db"
    backup = TABLE.need("store.backup")
    told = await backup.run(call, **backup.take({"file": copy}))
    assert told == {"file": str(copy), "size_bytes": copy.stat().st_size}
    assert await TABLE.need("store.check").run(call) == {"sound": True, "problems": []}
    with pytest.raises(Missing, match="no folder"):
        await backup.run(call, file=tmp_path / "no" / "copy.db", replace=False)
    copy.write_bytes(b"mine")
    with pytest.raises(Conflict, match="exists already"):
        await backup.run(call, file=copy, replace=False)
    assert copy.read_bytes() == b"mine"
    assert (await backup.run(call, file=copy, replace=True))["size_bytes"] == copy.stat().st_size > 4
    await store.close()


async def test_store_restore_is_for_admins_and_tells_where_the_old_store_is_kept(tmp_path: Path) -> None:
    async def restore(_file: Path) -> Path:
        return tmp_path / "kept.db"

    row = TABLE.need("store.restore")
    assert (row.role, row.danger) == (Role.ADMIN, Danger.DESTRUCTIVE)
    told = await row.run(SimpleNamespace(engine=SimpleNamespace(restore=restore)), file=tmp_path / "copy.db")
    assert told == {"file": str(tmp_path / "copy.db"), "kept": str(tmp_path / "kept.db")}
