from pathlib import Path
from types import SimpleNamespace

import pytest

from app.commands.audit import ROWS, since_us
from app.engine.base.clock import ManualClock
from app.engine.base.errors import BadInput
from app.engine.store import audit
from app.engine.store.store import Store

(LIST,) = ROWS


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("", 0), ("1970-01-02", 86_400_000_000), ("1970-01-01T00:00:01Z", 1_000_000), ("1970-01-01T01:00:01+01:00", 1_000_000),
        ("1970-01-01T00:00:00.000001", 1),
    ],
)  # fmt: skip
def test_a_time_is_utc_unless_it_says_otherwise(text: str, us: int) -> None:
    assert since_us(text) == us


def test_what_is_no_time_is_told_as_such() -> None:
    with pytest.raises(BadInput, match="not yesterday"):
        since_us("yesterday")


async def test_audit_list_shows_the_newest_first_and_filters(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "outpost.db", ManualClock())
    for second, command in enumerate(("fleet.demo", "fleet.remove", "qubo.solve")):
        how = {"actor": "ann@1", "args": {}, "cause": "", "outcome": "ok"}
        await store.write(lambda conn, at=second, do=command, how=how: audit.record(conn, at_us=at * 10**6, command=do, **how))
    call = SimpleNamespace(engine=SimpleNamespace(store=store))

    async def commands(**given: object) -> list[str]:
        found = await LIST.run(call, **LIST.take(given))
        return [entry["command"] for entry in found["entries"]]

    assert await commands() == ["qubo.solve", "fleet.remove", "fleet.demo"]
    assert await commands(command="fleet", limit=1) == ["fleet.remove"]
    assert await commands(since="1970-01-01T00:00:02Z") == ["qubo.solve"]
    assert await commands(actor="bob@2") == []
    await store.close()
