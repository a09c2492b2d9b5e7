"""A PostgreSQL cluster of the tests' own, in a scratch folder, reached by a socket in it; nothing else on the machine is touched.

PostgreSQL refuses to run as root, so under root it runs as the system's user `postgres`.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_SETTINGS = {
    "listen_addresses": "''", "max_connections": 60, "shared_buffers": "64MB", "logging_collector": "off",
    "autovacuum": "on", "max_wal_size": "4GB",
}  # fmt: skip
_HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}  # for tests: nothing survives them anyway


def binaries() -> Path | None:
    """Return the folder of Debian's newest PostgreSQL of version 15 or later, or of one on the path; None when there is none."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb") if int(path.parts[-3]) >= 15]
    if found:
        return max(found, key=lambda path: int(path.parts[-2]))
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def why_not() -> str:
    """Return why no cluster can be made here; empty when one can."""
    if binaries() is None:
        return "no PostgreSQL server here"
    if os.geteuid() == 0:
        import pwd

        if not any(entry.pw_name == "postgres" for entry in pwd.getpwall()):
            return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


class Cluster:
    """A running cluster; `stop` ends it and removes its folder."""

    def __init__(self, *, hasty: bool = True) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="outpost-pg-", dir="/tmp"))  # a socket's path is short
        self._user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        if self._user:
            shutil.chown(self.folder, "postgres", "postgres")
        data = self.folder / "data"
        self._call("initdb", "-D", data, "-U", "outpost", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        settings = {**_SETTINGS, "unix_socket_directories": f"'{self.folder}'", **(_HASTY if hasty else {})}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._call("pg_ctl", "-D", data, "-w", "-t", "60", "-l", self.folder / "log", "-o", options, "start")
        self._made = 0

    def _call(self, tool: str, *words: object) -> None:
        done = subprocess.run(
            [str(binaries() / tool), *map(str, words)], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, cwd="/", text=True, env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"}, **self._user,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{tool}: {done.stdout[-2000:]}")

    def address(self, name: str) -> str:
        """Return the address of a database."""
        return f"postgresql://outpost@/{name}?host={self.folder}"

    def psql(self, *statements: str, database: str = "postgres") -> None:
        """Run statements, each for itself."""
        for one in statements:
            words = ("-h", self.folder, "-U", "outpost", "-d", database, "-v", "ON_ERROR_STOP=1", "-q", "-c", one)
            self._call("psql", *words)

    def fresh(self) -> str:
        """Make an empty database; return its address."""
        self._made += 1
        self.psql(f"CREATE DATABASE t{self._made} TEMPLATE template0")
        return self.address(f"t{self._made}")

    def stop(self) -> None:
        """End the server at once and remove everything."""
        try:
            self._call("pg_ctl", "-D", self.folder / "data", "-m", "fast", "-w", "stop")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


def empty(address: str) -> None:
    """Remove every row of a store, and have its numbers begin again."""
    import psycopg

    from app.engine.store.schema import metadata

    with psycopg.connect(address, autocommit=True) as conn, conn.transaction():
        conn.execute("SELECT set_config('outpost.applying', '1', true)")
        for name in metadata.tables:
            conn.execute(f"DELETE FROM {name}")
        for name, column in (("outbox", "seq"), ("sync_log", "hub_seq"), ("sync_later", "number")):
            conn.execute(f"SELECT setval(pg_get_serial_sequence('{name}', '{column}'), 1, false)")
        conn.execute("INSERT INTO sync_here VALUES ('here', '', 0, 0, 0, '', '', '', '', 0, 0, '')")
