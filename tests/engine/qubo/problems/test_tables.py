import pytest

from app.engine.qubo.problems import binary, registry, tables
from app.engine.qubo.problems.tables import holds_words, shape
from app.engine.qubo.readers.lines import lines_of


@pytest.mark.parametrize("line", ["1 2 3\n", "one\r\n", "\n", "a\u2028b\n", "x" * 5000 + "\n", "no end"])
def test_lines_a_block_at_a_time_are_those_of_the_whole_text(line):
    text = line * 900
    assert list(lines_of(text)) == text.splitlines()


def test_the_shape_of_a_head_holds_whole_numbers_only():
    assert shape("# c\n1 -2 x\n\n3 ² +-4 " + "9" * 5000 + "\n5\n", 2) == [[1, -2, None], [3, None, None, None]]


def test_words_are_counted():
    assert [holds_words("# c\n1 2\n\n3\n", count) for count in (2, 3, 4)] == [False, True, False]


@pytest.mark.parametrize(
    "head, kind", [("20000 60000\n", "maxcut"), ("2\n20000 60000\n", "qubo"), ("p qubo 0 1 2 3\n", "qubo")]
)
def test_a_long_file_is_recognised_by_its_head(monkeypatch, head, kind):
    # A file has this many lines; what recognises one of numbers has no need of more than its first thousands.
    read = []
    plain = lines_of
    counted = lambda text: (read.append(1) or line for line in plain(text))  # noqa: E731
    for module in (tables, registry):
        monkeypatch.setattr(module, "lines_of", counted)
    text = head + "1 2 1\n" * 60_000
    assert registry.kind_of(text, "long") == kind
    assert len(read) < 20_000


def test_a_qubo_is_told_by_its_first_lines():
    assert binary.recognise("c a\np qubo 0 1 1 0\n0 0 1\n")
