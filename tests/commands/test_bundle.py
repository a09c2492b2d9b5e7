from types import SimpleNamespace

from app.agent import exchange
from app.commands.bundle import ROWS
from app.engine.base.clock import ManualClock
from app.engine.base.command import CommandTable
from app.engine.flows import bundles

TABLE = CommandTable(ROWS)


async def test_bundle_export_import_and_exchange_hand_on_what_was_asked(monkeypatch, tmp_path):
    seen = []

    async def note(*parts, **given):
        seen.append((parts, given))
        return {"nodes": []}

    monkeypatch.setattr(bundles, "export", note)
    monkeypatch.setattr(bundles, "take", note)
    monkeypatch.setattr(exchange, "exchange", note)
    engine = SimpleNamespace(fleet="f", models="m", link="l", clock=ManualClock())
    call = SimpleNamespace(engine=engine, actor="me@here", cause="c")
    file = tmp_path / "x"
    row = TABLE.need("bundle.export")
    await row.run(call, **row.take({"file": file, "models": "digits:3, tiny:1"}))
    assert (seen[0][1]["nodes"], seen[0][1]["model_keys"]) == ("all", ["digits:3", "tiny:1"])
    row = TABLE.need("bundle.import")
    await row.run(call, **row.take({"file": file}))
    assert seen[1][0] == ("f", file)
    row = TABLE.need("bundle.exchange")
    assert (await row.run(tmp_path, **row.take({"file": file, "out": tmp_path / "y"})))["reports"] == str(tmp_path / "y")
    assert seen[2][0][0].home == tmp_path
