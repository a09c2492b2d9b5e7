"""Three promises of the console that are counted, not timed, or nearly so.

Prints a JSON line {figure, value, unit, settings} each: the CPU of reading 200 entries of the time line out of 100,000, the
worst of several filters (target: under 50 ms); the share of the texts people read that have a German translation (target: all);
how many secrets sown into every corner of a home are found in its support bundle (target: none).
"""

import asyncio
import importlib.util
import json
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))
ENTRIES = 100_000
AT_US = 1_700_000_000_000_000


def told(figure: str, value: float, unit: str, **settings: Any) -> None:
    print(json.dumps({"figure": figure, "value": value, "unit": unit, "settings": settings}))


async def time_line(folder: Path) -> None:
    """Fill a store with entries of all three kinds and read them as the page does."""
    from app.engine.base.clock import SystemClock
    from app.engine.base.events import NodeStateChanged
    from app.engine.observe.journal import row_of
    from app.engine.observe.timeline import Filter, find
    from app.engine.store import audit, rows
    from app.engine.store.store import Store

    store = await Store.open(folder / "time.db", SystemClock())

    def fill(conn: rows.Conn) -> None:
        for at in range(ENTRIES // 4):
            when = AT_US + at * 1_000_000
            for outcome in ("started", "ok"):
                audit.record(conn, at_us=when, actor=f"ada{at % 7}@1", command="fleet.label", args={"node": f"n{at % 50}"},
                             cause=f"c{at}", outcome=outcome)  # fmt: skip
        events = [
            NodeStateChanged(
                at_us=AT_US + at * 500_000, actor="engine", node_id=f"n{at % 50}", name=f"node-{at % 50:02}", before="online",
                after="offline", as_of_us=AT_US,
            )
            for at in range(ENTRIES // 2)
        ]  # fmt: skip
        rows.put_many(conn, "events", [row_of(event) for event in events])

    await store.write(fill)
    filters = {
        "all": Filter(), "kind": Filter(kind="event"), "object": Filter(object="n7"), "actor": Filter(actor="ada3"),
        "words": Filter(text="offline"), "since": Filter(since_us=AT_US + 20_000_000_000),
    }  # fmt: skip
    taken = {}
    for name, asked in filters.items():
        begun = time.process_time()
        found = await store.read(lambda conn, asked=asked: find(conn, asked, 200))
        taken[name] = round(1000 * (time.process_time() - begun), 1)
        assert len(found) == 200, (name, len(found))
    await store.close()
    told("time line, 200 of 100,000", max(taken.values()), "ms of CPU", entries=ENTRIES, each_ms=taken)


def german() -> None:
    """Count the texts of the source that the German catalogue has."""
    from app.engine.base.text import read_catalogue
    from tests.laws.texts import texts

    known, asked = read_catalogue("de"), texts()
    have = sum(text in known for text in asked)
    told("texts in German", 100 * have / len(asked), "%", texts=len(asked))


async def bundle_secrets(folder: Path) -> None:
    """Sow the secrets of the bundle's own test, make a bundle and look for them."""
    import tomli_w

    from app.engine.base.clock import SystemClock
    from app.engine.base.settings import Settings
    from app.engine.observe import bundle
    from app.engine.store.store import Store

    spec = importlib.util.spec_from_file_location("sowing", REPO / "tests" / "engine" / "observe" / "test_bundle.py")
    assert spec is not None
    assert spec.loader is not None
    sowing: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sowing)
    home = folder / "home"
    home.mkdir()
    secret = sowing.sown(home)
    store = await Store.open(home / "outpost.db", SystemClock())
    await sowing.filled(store, home, secret)
    parts = await sowing.made(store, home, Settings(home / "settings.toml", tomli_w.dumps))
    await store.close()
    bundle.write(folder / "bundle.zip", parts)
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        said = "\n".join(archive.read(name).decode() for name in archive.namelist())
    found = sum(text in said for text in secret.values())
    told("seeded secrets in a support bundle", found, "secrets", sown=len(secret), files=len(parts))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(time_line(Path(folder)))
        asyncio.run(bundle_secrets(Path(folder)))
    german()


if __name__ == "__main__":
    main()
