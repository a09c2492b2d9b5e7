from app.commands.swarm import ROWS
from app.engine.flows import swarm


async def test_swarm_run_hands_its_arguments_on_and_reads_the_script(monkeypatch, tmp_path):
    (row,) = ROWS
    seen = {}

    async def run(**given):
        seen.update(given)
        return {"nodes": given["nodes"]}

    monkeypatch.setattr(swarm, "run", run)
    file = tmp_path / "faults.json"
    file.write_text("[]")
    assert row.id == "swarm.run"
    assert await row.run(tmp_path, **row.take({"nodes": 7, "faults": file, "direct": True})) == {"nodes": 7}
    assert (seen["faults"], seen["direct"], seen["period_s"]) == ([], True, 2.0)
