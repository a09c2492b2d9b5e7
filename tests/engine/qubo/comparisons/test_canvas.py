import struct
import zlib

import numpy as np

from app.engine.qubo.comparisons.canvas import Line, Words, as_png, as_svg, coverage, moved


def dots(data: bytes) -> np.ndarray:
    """Read a PNG as its specification says: chunks with check sums, rows that begin with the filter 0."""
    at, parts = 8, {}
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + body)
        parts[kind] = body
        at += 12 + size
    width, height, depth, colour = struct.unpack(">IIBB", parts[b"IHDR"][:10])
    assert (depth, colour) == (8, 2)
    rows = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(height, 1 + 3 * width)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 3)


def test_a_line_colours_its_dots_and_no_others() -> None:
    paper = dots(as_png([Line([(2, 5), (12, 5)], "#ff0000")], 20, 10, scale=1))
    assert paper.shape == (10, 20, 3)
    assert (paper[5, 2:13] == [255, 0, 0]).all()
    assert (np.delete(paper, 5, axis=0) == 255).all()


def test_a_square_covers_its_dots_by_their_share() -> None:
    square = np.array([[1.5, 1, 1.5, 3], [1.5, 3, 3.25, 3], [3.25, 3, 3.25, 1], [3.25, 1, 1.5, 1]], float)
    share = coverage(square, 5, 4)
    np.testing.assert_allclose(share[1:3], [[0, 0.5, 1, 0.25, 0]] * 2)
    assert share[[0, 3]].sum() == 0


def test_a_hole_that_turns_the_other_way_stays_open() -> None:
    def ring(a, b, turn):
        corners = [(a, a), (b, a), (b, b), (a, b)][::turn]
        return [(*corners[k], *corners[(k + 1) % 4]) for k in range(4)]

    share = coverage(np.array(ring(0, 6, 1) + ring(2, 4, -1), float), 6, 6)
    assert share.sum() == 32
    assert share[2:4, 2:4].sum() == 0


def test_words_stand_left_of_their_end_and_right_of_their_start() -> None:
    for anchor, left, right in (("start", 30, 60), ("end", 0, 30)):
        ink = np.flatnonzero((dots(as_png([Words(30, 20, "Ein", 14, anchor=anchor)], 60, 30, scale=1)) < 200).any(axis=(0, 2)))
        assert left <= ink.min() < ink.max() <= right
        assert len(ink) > 10


def test_as_svg_is_escaped_and_moving_moves() -> None:
    marks = moved([Words(1, 2, "<b>"), Line([(0, 0), (3, 0)])], 10, 20)
    svg = as_svg(marks, 40, 40)
    assert "&lt;b&gt;" in svg
    assert 'x="11.0" y="22.0"' in svg
    assert "M10.0 20.0L13.0 20.0" in svg
