"""SIGKILL at every named point between two steps of the protocol; `benchmarks/sync_kill.py` plays a thousand."""

import sys

import pytest

from tests.engine.sync.kills import POINTS, rounds


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of POSIX systems")
def test_killed_at_every_point_nothing_is_lost_doubled_or_diverged(tmp_path):
    told = rounds(tmp_path, len(POINTS), seed=1)
    assert told["acknowledged"] >= len(POINTS) // 2
    assert {name: told[name] for name in ("lost", "doubled", "diverged", "damaged")} == {
        "lost": 0, "doubled": 0, "diverged": 0, "damaged": 0,
    }  # fmt: skip
