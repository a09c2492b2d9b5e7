import pytest

from app.engine.base.clock import ManualClock, SystemClock, iso_of
from app.engine.base.ids import content_id, is_content_id, is_id, new_id
from app.engine.base.text import tr, use_catalogue


def test_a_manual_clock_moves_only_when_told():
    clock = ManualClock(1_000_000)
    clock.advance(1.5)
    assert (clock.now_us(), clock.monotonic_s()) == (2_500_000, 1.5)
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)


def test_the_system_clock_counts_microseconds():
    assert 1.7e15 < SystemClock().now_us() < 4e15


def test_iso_text_is_utc_with_z():
    assert iso_of(1_700_000_000_123_456) == "2023-11-14T22:13:20.123Z"


def test_ids_sort_by_time_and_content_ids_are_the_digest():
    ids = [new_id() for _ in range(100)]
    assert ids == sorted(ids)
    assert all(map(is_id, ids))
    assert content_id(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert is_content_id(content_id(b"x"))
    assert not is_content_id("sha256:../../etc")


def test_a_catalogue_translates_and_fields_are_filled():
    try:
        use_catalogue({"{n} nodes": "{n} Knoten"})
        assert (tr("{n} nodes", n=3), tr("braces {stay}")) == ("3 Knoten", "braces {stay}")
    finally:
        use_catalogue({})
