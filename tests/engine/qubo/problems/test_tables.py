import pytest

from app.engine.base.errors import BadInput
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


TABLES = {kind: registry.sample_of(kind).read_text("utf-8") for kind in registry.KINDS}
TABLES = {kind: text for kind, text in TABLES.items() if kind != "programme" and tables.headings(text)}
ONCE = {
    "cvrp": "capacity",
    "knapsack": "capacity",
    "coloring": "colors",
    "portfolio": "lots",
    "qubo": "sense",
    "cover": "elements",
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_setting_that_nobody_asks_for_is_refused_by_its_line(kind):
    with pytest.raises(BadInput, match="f, line 1: 'vehicels' is no setting of this table; it knows problem"):
        registry.read("vehicels = 1\n" + TABLES[kind], "f", kind)


@pytest.mark.parametrize("kind, name", ONCE.items())
def test_a_setting_that_stands_twice_is_refused_by_its_line(kind, name):
    value = "max" if name == "sense" else 3
    bare = "".join(line for line in TABLES[kind].splitlines(keepends=True) if (tables.setting_of(line) or "?")[0] != name)
    with pytest.raises(BadInput, match=f"f, line 2: {name} stands already on line 1"):
        registry.read(f"{name} = {value}\n{name} = {value}\n{bare}", "f", kind)


def test_a_place_supplies_once():
    text = "supply = A 2\nsupply = A 2\ndemand = B 2\nfrom,to,cost,capacity\nA,B,1,9\n"
    with pytest.raises(BadInput, match="f, line 2: supply = A stands already on line 1"):
        registry.read(text, "f")


def test_the_sense_of_a_table_is_told_in_the_line_that_told_it():
    text = "sense = min\ni,j,value\n0,1,2\n"
    assert binary.with_sense(text, "max") == "sense = max\ni,j,value\n0,1,2\n"
    assert registry.read(binary.with_sense("i,j,value\n0,1,2\n", "max"), "f").sense == "max"


@pytest.mark.parametrize(
    "line", ["a" + " " * 100_000 + "b", " " * 100_000 + "=", "a " * 50_000, "a" * 100_000 + " = " + " " * 9]
)
def test_a_long_pasted_line_is_looked_at_once(line):
    # With as many looks as there are blanks, this would take half an hour.
    for text in (line, f"capacity = 3\n{line}\n", f"item,value,weight\n{line}\n"):
        with pytest.raises(BadInput):
            registry.read(text, "f", registry.kind_of(text, "f"))
