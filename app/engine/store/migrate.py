"""Bringing a state file to this version's schema, and back; Alembic is imported only when there is something to do.

Everything happens inside the caller's transaction: a kill in the middle leaves the file as it was.
"""

from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from app.engine.base.errors import Conflict
from app.engine.store import capture, upcast

_FOLDER = Path(__file__).parent / "migrations"


@cache
def revisions() -> tuple[str, ...]:
    """Return the ids of all migrations, oldest first; a migration is called like its file."""
    return tuple(sorted(path.stem for path in (_FOLDER / "versions").glob("[0-9]*.py")))


def current(conn: Connection) -> str:
    """Return the id of the newest migration the file has seen; empty for a fresh file."""
    if not inspect(conn).has_table("alembic_version"):
        return ""
    return str(conn.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def refuse_newer(found: str, file: Any) -> None:
    """Raise `Conflict` when a file's migration id is not one of ours: a newer Outpost wrote it."""
    if found and found not in revisions():
        raise Conflict(
            "{file} was written by a newer Outpost (its schema is {found}, this one knows {known})",
            file=file, found=found, known=revisions()[-1],
            hint="Update Outpost, or choose another home folder. The file was not changed.",
        )  # fmt: skip


def upgrade(conn: Connection, to: str = "head") -> None:
    """Migrate up to the revision `to`, inside the transaction of `conn`; nothing to do costs one query."""
    goal = revisions()[-1] if to == "head" else to
    if (before := current(conn)) != goal:
        _alembic(conn, "upgrade", goal)
        if before:
            upcast.lift_store(conn, int(before[:4]))
    if goal == revisions()[-1]:
        capture.install(conn)


def downgrade(conn: Connection, to: str = "base") -> None:
    """Migrate down to the revision `to` (`base`: an empty file), inside the transaction of `conn`."""
    _alembic(conn, "downgrade", to)


def _alembic(conn: Connection, direction: str, to: str) -> None:
    from alembic import command
    from alembic.config import Config

    capture.drop(conn)
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = conn
    getattr(command, direction)(config, to)
