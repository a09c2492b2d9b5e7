import pytest

from app.engine.base.errors import BadInput
from app.engine.flows.swarm import Tally, run, script_in
from app.engine.link.records import Batch
from app.wire.telemetry import Measurement


async def test_a_tally_counts_what_is_missing_and_what_came_twice():
    tally = Tally(2)
    tally.from_us = 0
    tally.take(Batch("a", 0, "e", 3, tuple(Measurement(seq, 1_000_000) for seq in (1, 2, 4))), 3_000_000)
    tally.take(Batch("a", 0, "e", 4, (Measurement(4, 1_000_000),), lost=((7, 8),)), 9_000_000)
    assert (tally.lost(), tally.duplicates, tally.lag_s(0.99), tally.everybody.is_set()) == (3, 1, 2.0, False)
    tally.take(Batch("b", 0, problem={"type": "offline", "title": "x", "detail": "x"}), 0)
    assert (tally.failed, tally.everybody.is_set()) == (1, False)
    tally.take(Batch("b", 0, "e", 1), 0)
    assert tally.everybody.is_set()


async def test_a_swarm_under_cuts_and_repeats_loses_nothing_in_either_mode():
    faults = [
        {"do": "cut", "at_s": 0.2, "for_s": 0.5, "first": 0, "last": 1},
        {"do": "duplicate", "at_s": 0.1, "for_s": 2, "first": 2, "last": 3},
    ]
    told = await run(nodes=4, seconds=3, cadence_s=0.2, period_s=0.5, direct=True, faults=faults)
    assert (told["nodes"], told["mode"], told["lost"]) == (4, "direct", 0)
    assert told["duplicates"] > 0
    assert told["measurements"] > 0


def test_a_script_that_is_no_json_is_told_with_its_file(tmp_path):
    file = tmp_path / "faults.json"
    file.write_text("{")
    with pytest.raises(BadInput, match="faults"):
        script_in(file)
