"""A store in a PostgreSQL database, for the hub of a large site: the same tables, migrations and verbs as in a file.

An address is libpq's (https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING). Its password belongs into the
home's private file `database`, or into libpq's own password file; it is never told. The driver is asked for on first use.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, make_url, text

from app.engine.base.clock import Clock
from app.engine.base.errors import BadInput, Conflict, Missing
from app.engine.store import care, migrate
from app.engine.store.copying import copy_all
from app.engine.store.database import open_engine as open_file
from app.engine.store.database import to_json
from app.engine.store.faults import translate
from app.engine.store.rows import put

_OLDEST: Final = 15
_WAIT_S: Final = 10
_SCHEMES: Final = ("postgresql", "postgres")


def url_of(address: str) -> URL:
    """Return the address of a database as SQLAlchemy has it; raise `BadInput` that does not repeat what was given."""
    scheme, _, rest = address.partition("://")
    if scheme not in _SCHEMES or not rest:
        raise BadInput("A database is named as postgresql://user@host/name", field="database")
    try:
        return make_url(f"postgresql+psycopg://{rest}")
    except Exception:  # noqa: BLE001 - whatever is wrong with it, its text may hold a password
        raise BadInput("The address of the database cannot be read", field="database") from None


def told(address: str) -> str:
    """Return an address for people and logs: without its password, wherever that stands."""
    url = url_of(address)
    kept = {name: value for name, value in url.query.items() if "password" not in name.lower()}
    return unquote(url._replace(drivername="postgresql", password=None).set(query=kept).render_as_string(hide_password=True))


def open_engine(address: str, *, writer: bool, readers: int = 3) -> Engine:
    """Return an engine on a database: a reader's transactions see one snapshot and cannot write."""
    options: dict[str, Any] = {"poolclass": NullPool} if writer else {"poolclass": QueuePool, "pool_size": readers}
    try:
        engine = create_engine(
            url_of(address), json_serializer=to_json, pool_pre_ping=not writer, hide_parameters=True,
            connect_args={"connect_timeout": _WAIT_S, "application_name": "outpost"}, **options,
        )  # fmt: skip
    except ModuleNotFoundError:
        raise Missing(
            "The driver of PostgreSQL is not installed", hint="Install it beside Outpost: pip install 'outpost[hub]'"
        ) from None
    return engine if writer else engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


class PostgresSeat:
    """The database in which a store lives; `path` is what people are told of it."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.path = told(address)

    def prepare(self, _clock: Clock) -> tuple[Engine, bool, bool]:
        """Make the database ready for use; what the server promises about crashes needs no check of ours."""
        engine = open_engine(self._address, writer=True)
        try:
            with engine.connect() as conn, conn.begin():
                conn.execute(text("SELECT pg_advisory_xact_lock(7311)"))  # of two that come at once, one migrates
                self._refuse(conn)
                migrate.upgrade(conn)
        except Exception as error:
            engine.dispose()
            raise translate(error, self.path) from error
        return engine, False, False

    def _refuse(self, conn: Connection) -> None:
        """Raise for a server too old, an encoding that cannot hold every text, and a schema from a newer version."""
        version = int(conn.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
        encoding = str(conn.execute(text("SHOW server_encoding")).scalar_one())
        if version < _OLDEST or encoding != "UTF8":
            raise Conflict(
                "{file} is PostgreSQL {version} in {encoding}; it must be {oldest} or later, in UTF8",
                file=self.path, version=version, encoding=encoding, oldest=_OLDEST,
            )  # fmt: skip
        migrate.refuse_newer(migrate.current(conn), self.path)

    def readers(self, count: int) -> Engine:
        """Return an engine that reads."""
        return open_engine(self._address, writer=False, readers=count)

    def backup(self, target: Path) -> int:
        """Write everything, as of one moment, into a state file at `target`; return its size in bytes."""
        care.refuse_target(target, None)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as folder:
            scratch = Path(folder) / "outpost.db"
            with self._reading() as source, _file(scratch) as copy:
                copy_all(source, copy)
            care.fold_log(scratch)
            return care.backup(scratch, target)

    @contextlib.contextmanager
    def _connected(self, engine: Engine) -> Iterator[Connection]:
        """Give a transaction on a connection of an engine of its own, which ends with it."""
        try:
            with engine.connect() as conn, conn.begin():
                yield conn
        except Exception as error:
            raise translate(error, self.path) from error
        finally:
            engine.dispose()

    def _reading(self) -> contextlib.AbstractContextManager[Connection]:
        return self._connected(self.readers(1))

    def _writing(self) -> contextlib.AbstractContextManager[Connection]:
        return self._connected(open_engine(self._address, writer=True))

    def swap_in(self, source: Path, kept: Path, *, back: bool = False) -> Path:
        """Put what a state file holds in the place of everything here, in one transaction; the old goes to `kept` first."""
        care.validate_file(source)
        self.backup(kept)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".restore-") as folder:
            scratch = Path(folder) / "outpost.db"
            care.backup(source, scratch)
            if back:
                care.owe(scratch, before=kept)
            with _file(scratch) as old, self._writing() as conn:
                copy_all(old, conn)
        return kept

    def owe(self) -> None:
        """Mark what is in the database as set back."""
        with self._writing() as conn:
            put(conn, "meta", {"id": care.DUE, "value": {"pieced": False}}, actor="", cause="", now_us=0)

    def check(self) -> list[str]:
        """Return what is wrong, as far as reading everything tells."""
        from app.engine.store.copying import count_all

        with self._reading() as conn:
            count_all(conn)
        return []

    def size_bytes(self) -> int:
        """Return what the database takes on its server's disk."""
        with self._reading() as conn:
            return int(conn.execute(text("SELECT pg_database_size(current_database())")).scalar_one())

    def close(self) -> None:
        """Nothing stays behind of a closed database."""

    def note_damage(self) -> None:
        """Leave that to whoever cares for the database."""

    def put_aside(self, stamp_us: int) -> None:
        """Leave a database to whoever cares for it."""


@contextlib.contextmanager
def _file(path: Path) -> Iterator[Connection]:
    """Open a state file in one transaction, brought to this version's schema."""
    engine = open_file(path, writer=True)
    try:
        with engine.connect() as conn, conn.begin():
            migrate.upgrade(conn)
            yield conn
    finally:
        engine.dispose()
