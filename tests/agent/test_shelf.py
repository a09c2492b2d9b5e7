import errno
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.agent import shelf as module
from app.agent.shelf import Shelf, Span, span_of
from app.engine.base.errors import BadInput, Conflict, Limit, Missing

DATA = bytes(range(256)) * 8
NAME = "sha256:" + hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "artifacts", 1 << 20)


def take(shelf, first, piece, total=2048):
    return shelf.take(NAME, Span(first, total), piece)


def test_a_whole_upload_is_kept_under_its_hash(shelf):
    assert take(shelf, 0, DATA) == {"schema": 1, "received_bytes": len(DATA), "complete": True}
    assert shelf.need(NAME).read_bytes() == DATA


def test_an_upload_is_resumed_where_it_broke_off_also_by_another_process(shelf, tmp_path):
    take(shelf, 0, DATA[:700])
    again = Shelf(tmp_path / "artifacts", 1 << 20)
    have = again.take(NAME, Span(None, len(DATA)), b"")
    assert have == {"schema": 1, "received_bytes": 700, "complete": False}
    assert take(again, 700, DATA[700:])["complete"]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 600), min_size=1, max_size=30), st.data())
def test_any_pieces_that_overlap_but_leave_no_gap_make_the_whole(tmp_path_factory, sizes, data):
    shelf, have = Shelf(tmp_path_factory.mktemp("a")), 0
    for size in [*sizes, len(DATA)]:
        first = data.draw(st.integers(max(0, have - 50), have))
        told = take(shelf, first, DATA[first : first + size])
        have = told["received_bytes"]
        if told["complete"]:
            break
    assert shelf.need(NAME).read_bytes() == DATA


def test_a_gap_is_a_conflict_and_keeps_what_is_there(shelf):
    take(shelf, 0, DATA[:10])
    with pytest.raises(Conflict, match="10 bytes are here"):
        take(shelf, 20, DATA[20:])
    assert take(shelf, 10, DATA[10:])["complete"]


def test_corrupt_bytes_are_refused_and_the_upload_begins_anew(shelf):
    with pytest.raises(BadInput, match="hash differs"):
        take(shelf, 0, DATA[:-1] + b"!")
    with pytest.raises(Missing):
        shelf.need(NAME)
    assert shelf.take(NAME, Span(None, len(DATA)), b"")["received_bytes"] == 0
    assert take(shelf, 0, DATA)["complete"]


def test_uploading_what_is_there_changes_nothing(shelf):
    take(shelf, 0, DATA)
    assert take(shelf, 0, b"other")["complete"]
    assert shelf.need(NAME).read_bytes() == DATA


def test_a_size_over_the_cap_is_refused_with_its_first_piece(shelf):
    with pytest.raises(Limit):
        take(shelf, 0, DATA, total=(1 << 20) + 1)


def test_what_was_written_before_the_disk_was_full_can_be_resumed(shelf, monkeypatch):
    take(shelf, 0, DATA[:100])

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_write_at", full)
        with pytest.raises(OSError, match="No space"):
            take(shelf, 100, DATA[100:])
    assert take(shelf, 100, DATA[100:])["complete"]


def test_uploads_never_finished_do_not_pile_up(shelf, tmp_path):
    for number in range(20):
        shelf.take("sha256:" + hashlib.sha256(bytes([number])).hexdigest(), Span(0, 2), b"x")
    assert len(list((tmp_path / "artifacts").iterdir())) <= 9


def test_only_the_newest_artifacts_are_kept(shelf, tmp_path):
    for number in range(20):
        data = str(number).encode()
        shelf.take("sha256:" + hashlib.sha256(data).hexdigest(), Span(0, len(data)), data)
    assert len(list((tmp_path / "artifacts").iterdir())) == 8


@pytest.mark.parametrize("name", ["", "sha256:", "sha256:../../x", "sha256:" + "A" * 64, "md5:" + "0" * 64])
def test_only_a_content_id_names_an_artifact(shelf, name):
    with pytest.raises(BadInput):
        shelf.need(name)


@pytest.mark.parametrize(
    ("header", "size", "span"),
    [(None, 5, Span(0, 5)), ("bytes 0-4/9", 5, Span(0, 9)), ("bytes 4-8/9", 5, Span(4, 9)), ("bytes */9", 0, Span(None, 9))],
)
def test_a_content_range_is_read(header, size, span):
    assert span_of(header, size) == span


@pytest.mark.parametrize("header", ["", "bytes", "bytes 0-4", "bytes 0-3/9", "bytes 5-9/9", "bytes 9-5/9", "lines 0-4/9"])
def test_a_content_range_that_does_not_fit_is_bad_input(header):
    with pytest.raises(BadInput):
        span_of(header, 5)
