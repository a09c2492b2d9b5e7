import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.agent.spool import Spool
from app.engine.base.clock import ManualClock

MOST = 1 << 20


@pytest.fixture
def path(tmp_path):
    return tmp_path / "spool.sqlite"


def opened(path, most=MOST):
    return Spool(path, ManualClock(), most)


def test_the_sequence_goes_on_without_a_gap_after_a_restart(path):
    one = opened(path)
    first = [one.append(at, {"cpu_ratio": 0.5}) for at in range(3)]
    one.close()
    two = opened(path)
    assert two.epoch == one.epoch
    assert [*first, two.append(9, {})] == [1, 2, 3, 4]
    assert [item.seq for item in two.page(two.epoch, 0, 10).items] == [1, 2, 3, 4]
    two.close()


def test_pages_follow_one_another(path):
    spool = opened(path)
    for at in range(7):
        spool.append(at, {})
    after, seen = 0, []
    while items := (page := spool.page(spool.epoch, after, 3)).items:
        seen += [item.at_us for item in items]
        after = page.cursor
        assert page.lost == ()
    assert seen == list(range(7))
    assert after == 7
    spool.close()


def test_a_new_file_is_a_new_epoch_and_starts_at_its_beginning(path, tmp_path):
    spool, other = opened(path), opened(tmp_path / "other.sqlite")
    other.append(1, {})
    assert spool.epoch != other.epoch
    page = other.page(spool.epoch, 500, 10)
    assert (page.epoch, [item.seq for item in page.items], page.lost) == (other.epoch, [1], ())
    spool.close()
    other.close()


def test_a_cursor_beyond_the_end_starts_anew(path):
    spool = opened(path)
    spool.append(7, {})
    assert [item.seq for item in spool.page(spool.epoch, 500, 10).items] == [1]
    spool.close()


def test_a_full_spool_drops_the_oldest_and_says_so(path):
    spool = opened(path, 64 << 10)
    for at in range(200):
        spool.append(at, {"metrics": {"text": "x" * 1000}})
    assert spool.size_bytes() <= (64 << 10) + 32 * 1200
    page = spool.page(spool.epoch, 10, 10_000)
    first = page.items[0].seq
    assert first > 11
    assert page.lost == ((11, first - 1),)
    assert [item.seq for item in page.items] == list(range(first, first + len(page.items)))
    assert spool.last_seq == 200
    spool.close()


def test_a_damaged_file_is_set_aside_and_measuring_goes_on(path):
    path.write_bytes(b"no database at all" * 100)
    spool = opened(path)
    assert spool.append(1, {}) == 1
    assert list(path.parent.glob("spool.sqlite.damaged-*"))
    spool.close()


def test_a_measurement_is_on_disk_when_append_returns(path):
    spool = opened(path)
    spool.append(1, {})
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT count(*) FROM spool").fetchone() == (1,)
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
    spool.close()


@settings(deadline=None, max_examples=8)
@given(steps=st.lists(st.integers(1, 40), min_size=1, max_size=8), limit=st.integers(1, 50))
def test_whatever_is_dropped_every_number_is_told_or_named_as_lost(tmp_path_factory, steps, limit):
    spool = opened(tmp_path_factory.mktemp("s") / "s.sqlite", 48 << 10)
    after, told = 0, []
    for count in steps:
        for _ in range(count):
            spool.append(0, {"metrics": {"text": "x" * 2000}})
        page = spool.page(spool.epoch, after, limit)
        told += [seq for first, last in page.lost for seq in range(first, last + 1)] + [item.seq for item in page.items]
        after = page.cursor
    assert told == list(range(1, after + 1))
    spool.close()


def test_acknowledgements_outlast_telemetry_and_every_gap_is_told(path):
    spool = opened(path, 64 << 10)
    kept = []
    for at in range(300):
        keep = at % 50 == 0
        seq = spool.append(at, {"metrics": {"text": "x" * 1000}}, keep=keep)
        kept += [seq] if keep else []
    page = spool.page(spool.epoch, 0, 10_000)
    told = {item.seq for item in page.items}
    assert set(kept) <= told
    lost = [seq for first, last in page.lost for seq in range(first, last + 1)]
    assert sorted([*told, *lost]) == list(range(1, 301))
    spool.close()


def test_what_is_too_old_goes_and_is_told_as_lost(path):
    clock = ManualClock()
    spool = Spool(path, clock, MOST)
    for at in range(5):
        spool.append(clock.now_us(), {}, keep=at == 1)
    clock.advance(100)
    spool.limit(MOST, 60.0)
    spool.append(clock.now_us(), {})
    page = spool.page(spool.epoch, 0, 100)
    assert ([item.seq for item in page.items], page.lost) == ([2, 6], ((1, 1), (3, 5)))
    spool.close()


def test_a_spool_of_an_earlier_version_goes_on(path):
    with sqlite3.connect(path) as old:
        old.execute("CREATE TABLE spool (seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL)")
        old.execute("INSERT INTO spool (body) VALUES ('{\"at_us\": 7}')")
    old.close()
    spool = opened(path)
    assert spool.append(8, {}, keep=True) == 2
    assert [item.at_us for item in spool.page(spool.epoch, 0, 10).items] == [7, 8]
    spool.close()
