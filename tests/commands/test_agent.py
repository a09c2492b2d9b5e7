from app.commands.agent import ROWS
from app.engine.base.command import Place


def test_agent_run_stays_in_the_process_it_was_typed_in_and_needs_nothing_but_its_home():
    (row,) = ROWS
    assert (row.id, row.place) == ("agent.run", Place.PROCESS)
    assert row.take({})["host"] == "127.0.0.1"
