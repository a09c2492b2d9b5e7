import errno
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.agent import shelf as module
from app.agent.shelf import Shelf, Span, span_of
from app.engine.base.errors import BadInput, Conflict, Limit, Missing, Refused
from app.wire.manifests import Chunks

DATA = hashlib.shake_128(b"model").digest(2000)
NAME = "sha256:" + hashlib.sha256(DATA).hexdigest()
PIECE = 64


def chunks_of(data, size=PIECE):
    return Chunks(size, tuple(hashlib.sha256(data[at : at + size]).hexdigest() for at in range(0, len(data), size)), len(data))


CHUNKS = chunks_of(DATA)


def named(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "artifacts", 1 << 20)


def take(shelf, first, piece, total=2000):
    return shelf.take(NAME, Span(first, total), piece)


def test_nothing_is_kept_that_nobody_announced(shelf, tmp_path):
    with pytest.raises(Refused, match="No signed manifest"):
        take(shelf, 0, DATA)
    assert list((tmp_path / "artifacts").iterdir()) == []


def test_a_whole_upload_is_kept_under_its_hash(shelf):
    assert shelf.announce(NAME, CHUNKS)["missing"] == [[0, len(DATA)]]
    assert take(shelf, 0, DATA) == {"schema": 1, "received_bytes": len(DATA), "complete": True, "missing": []}
    assert shelf.need(NAME).read_bytes() == DATA
    assert shelf.announce(NAME, CHUNKS)["complete"]


def test_an_upload_is_resumed_where_it_broke_off_also_by_another_process(shelf, tmp_path):
    shelf.announce(NAME, CHUNKS)
    take(shelf, 0, DATA[: 5 * PIECE])
    again = Shelf(tmp_path / "artifacts", 1 << 20)
    told = again.announce(NAME, CHUNKS)
    assert told["missing"] == [[5 * PIECE, len(DATA)]]
    assert again.take(NAME, Span(None, len(DATA)), b"") == told
    assert take(again, 5 * PIECE, DATA[5 * PIECE :])["complete"]


@settings(deadline=None, max_examples=25)
@given(st.permutations(range(-(-len(DATA) // PIECE))), st.integers(0, 31))
def test_pieces_in_any_order_with_restarts_between_make_the_whole(tmp_path_factory, order, restart):
    folder = tmp_path_factory.mktemp("a")
    shelf = Shelf(folder)
    shelf.announce(NAME, CHUNKS)
    for count, index in enumerate(order):
        if count == restart:
            shelf = Shelf(folder)
            shelf.announce(NAME, CHUNKS)
        first, end = CHUNKS.span(index)
        told = take(shelf, first, DATA[first:end])
        assert told["received_bytes"] == len(DATA) - sum(end - first for first, end in told["missing"])
    assert shelf.need(NAME).read_bytes() == DATA


@pytest.mark.parametrize(("first", "end"), [(1, 65), (0, 63), (0, 0), (64, 100), (2000, 2000)])
def test_a_body_that_is_not_whole_pieces_is_a_conflict(shelf, first, end):
    shelf.announce(NAME, CHUNKS)
    with pytest.raises(Conflict, match="whole pieces"):
        take(shelf, first, DATA[first:end])


def test_a_corrupt_piece_is_refused_and_nothing_of_the_body_is_kept(shelf):
    shelf.announce(NAME, CHUNKS)
    take(shelf, 0, DATA[:PIECE])
    with pytest.raises(BadInput, match=r"Piece 2 .*hash differs"):
        take(shelf, PIECE, DATA[PIECE : 2 * PIECE] + b"!" * PIECE)
    assert shelf.take(NAME, Span(None, len(DATA)), b"")["missing"] == [[PIECE, len(DATA)]]
    assert take(shelf, PIECE, DATA[PIECE:])["complete"]


def test_pieces_that_do_not_make_the_artifact_are_thrown_away(shelf):
    lying = chunks_of(b"other" * 400)
    shelf.announce(NAME, lying)
    with pytest.raises(BadInput, match="hash differs"):
        take(shelf, 0, b"other" * 400)
    with pytest.raises(Missing):
        shelf.need(NAME)
    assert shelf.announce(NAME, CHUNKS)["received_bytes"] == 0


def test_what_other_files_hold_is_copied_and_not_asked_for(shelf, tmp_path):
    old = tmp_path / "old"
    old.write_bytes(b"x" * PIECE + DATA[: 10 * PIECE] + b"y" * 10)
    told = shelf.announce(NAME, CHUNKS, [tmp_path / "absent", old])
    assert told["missing"] == [[10 * PIECE, len(DATA)]]
    assert take(shelf, 10 * PIECE, DATA[10 * PIECE :])["complete"]
    assert shelf.need(NAME).read_bytes() == DATA


def test_a_fresh_start_trusts_nothing_that_is_here(shelf, tmp_path):
    old = tmp_path / "old"
    old.write_bytes(DATA)
    shelf.announce(NAME, CHUNKS)
    take(shelf, 0, DATA[:PIECE])
    assert shelf.announce(NAME, CHUNKS, [old], fresh=True)["missing"] == [[0, len(DATA)]]


def test_a_made_up_whole_is_kept_only_if_it_hashes_to_its_name(shelf):
    with pytest.raises(BadInput, match="hash differs"):
        shelf.keep(NAME, DATA[:-1])
    assert shelf.keep(NAME, DATA)["complete"]
    shelf.discard(NAME)
    assert shelf.complete() == {}


def test_a_size_over_the_cap_or_the_disk_is_refused_before_the_first_piece(shelf, monkeypatch):
    with pytest.raises(Limit, match="at most"):
        shelf.announce(NAME, Chunks(1 << 20, ("0" * 64, "1" * 64), (1 << 20) + 1))
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _folder: type("Usage", (), {"free": 10})())
    with pytest.raises(Limit, match="no room"):
        shelf.announce(NAME, CHUNKS)


def test_what_was_written_before_the_disk_was_full_can_be_resumed(shelf, monkeypatch):
    shelf.announce(NAME, CHUNKS)
    take(shelf, 0, DATA[:PIECE])

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_write_at", full)
        with pytest.raises(OSError, match="No space"):
            take(shelf, PIECE, DATA[PIECE:])
    assert take(shelf, PIECE, DATA[PIECE:])["complete"]


def test_uploads_never_finished_do_not_pile_up_and_only_the_newest_artifacts_are_kept(shelf, tmp_path):
    for number in range(20):
        data = bytes([number]) * 2 * PIECE
        shelf.announce(named(data), chunks_of(data, PIECE))
        shelf.take(named(data), Span(0, len(data)), data[:PIECE])
    assert len(list((tmp_path / "artifacts").iterdir())) <= 9
    for number in range(20):
        shelf.keep(named(bytes([number])), bytes([number]))
    assert len(shelf.complete()) == 8


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
