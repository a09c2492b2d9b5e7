"""The log file: there while the engine runs, bounded, in UTC, without secrets."""

import logging

from app.engine.observe import logs

log = logging.getLogger("app.engine.observe.trial")


async def test_what_is_logged_is_in_the_file_without_secrets_and_folders(tmp_path):
    part = logs.LogFile(tmp_path)
    await part.start()
    log.warning("opened %s with token=hunter22", tmp_path / "graph.txt")
    await part.stop()
    log.warning("afterwards")
    (line,) = (tmp_path / "logs" / "outpost.log").read_text("utf-8").splitlines()
    assert line.endswith("WARNING app.engine.observe.trial opened HOME/graph.txt with token=[removed]")
    assert line[10] == "T"
    assert line.split()[0].endswith("Z")


async def test_the_file_turns_over_and_three_old_ones_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "MOST_BYTES", 2_000)
    part = logs.LogFile(tmp_path)
    await part.start()
    for number in range(200):
        log.warning("line %d %s", number, "x" * 60)
    await part.stop()
    assert [file.name for file in logs.files(tmp_path)] == ["outpost.log", *(f"outpost.log.{n}" for n in (1, 2, 3))]
    assert all(file.stat().st_size <= 2_000 for file in logs.files(tmp_path))
    assert "line 199" in logs.files(tmp_path)[0].read_text("utf-8")
