import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from app.engine.base.errors import Conflict
from app.engine.store import migrate, rows
from app.engine.store.database import open_engine
from app.engine.store.schema import metadata

BY = {"actor": "ann@1", "cause": "", "now_us": 1}


@pytest.fixture
def engine(tmp_path: Path):
    made = open_engine(tmp_path / "outpost.db", writer=True)
    yield made
    made.dispose()


def up(engine: Engine, to: str = "head") -> None:
    with engine.connect() as conn, conn.begin():
        migrate.upgrade(conn, to)


def down(engine: Engine, to: str) -> None:
    with engine.connect() as conn, conn.begin():
        migrate.downgrade(conn, to)


def shape(engine: Engine) -> dict[str, set[tuple[str, ...]]]:
    with engine.connect() as conn:
        tables = [row[0] for row in conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))]
        return {
            name: {tuple(map(str, row[1:])) for row in conn.exec_driver_sql(f"PRAGMA table_info('{name}')")}
            | {tuple(map(str, row[1:3])) for row in conn.exec_driver_sql(f"PRAGMA index_list('{name}')")}
            for name in tables
            if name not in ("alembic_version", "sqlite_sequence")
        }


def test_ids_are_numbered_without_a_gap_and_name_their_area() -> None:
    assert [int(revision[:4]) for revision in migrate.revisions()] == list(range(1, len(migrate.revisions()) + 1))


def test_migrations_make_exactly_the_schema_that_the_code_declares(engine: Engine, tmp_path: Path) -> None:
    up(engine)
    declared = open_engine(tmp_path / "declared.db", writer=True)
    with declared.connect() as conn, conn.begin():
        metadata.create_all(conn)
    assert shape(engine) == shape(declared)
    declared.dispose()


@pytest.mark.parametrize("revision", migrate.revisions())
def test_each_migration_goes_up_and_down_on_a_populated_file(engine: Engine, revision: str) -> None:
    before = ("base", *migrate.revisions())[migrate.revisions().index(revision)]
    up(engine)
    with engine.connect() as conn, conn.begin():
        for name in ("edge_nodes", "qubo_runs", "model_versions"):
            rows.put(conn, name, {}, **BY)
    down(engine, before)
    up(engine)
    with engine.connect() as conn:
        assert migrate.current(conn) == migrate.revisions()[-1]
        assert conn.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_going_all_the_way_down_leaves_an_empty_file(engine: Engine) -> None:
    up(engine)
    down(engine, "base")
    assert shape(engine) == {}


def test_a_migration_that_fails_halfway_leaves_the_file_as_it_was(engine: Engine, tmp_path: Path) -> None:
    with engine.connect() as conn, conn.begin():
        conn.exec_driver_sql("CREATE TABLE learning_rounds (mine TEXT)")
    with pytest.raises(Exception, match="already exists"):
        up(engine)
    assert set(shape(engine)) == {"learning_rounds"}


def test_a_file_of_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    migrate.refuse_newer("", tmp_path)
    migrate.refuse_newer(migrate.revisions()[-1], tmp_path)
    with pytest.raises(Conflict, match="9999_future"):
        migrate.refuse_newer("9999_future", tmp_path)


def test_opening_a_file_that_is_up_to_date_does_not_import_alembic(engine: Engine, tmp_path: Path) -> None:
    up(engine)
    code = (
        "import asyncio, sys; from pathlib import Path; from app.engine.base.clock import SystemClock;"
        "from app.engine.store.store import Store\n"
        f"async def main(): await (await Store.open(Path({str(tmp_path / 'outpost.db')!r}), SystemClock())).close()\n"
        "asyncio.run(main()); print('alembic' in sys.modules)"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_version_is_written_where_plain_sqlite_finds_it(engine: Engine, tmp_path: Path) -> None:
    up(engine)
    raw = sqlite3.connect(tmp_path / "outpost.db")
    assert raw.execute("SELECT version_num FROM alembic_version").fetchall() == [(migrate.revisions()[-1],)]
    raw.close()
