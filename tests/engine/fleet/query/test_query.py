"""The query language, each rule by an example and the whole by comparison with Python over random queries."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.base.errors import BadInput
from app.engine.fleet.health import Health
from app.engine.fleet.query import compile_query, parse, search
from app.engine.fleet.query.complete import complete
from app.engine.fleet.query.lexer import tokens_of
from app.engine.fleet.records import Node

NOW_US = 1_700_000_000_000_000
NORTH = Node(
    "1", "d1", "north-1", "10.0.0.1:9", Health.ONLINE, "north", cpu_ratio=0.5, mem_ratio=0.7, latency_p99_s=0.004,
    models=("digits:3",), labels={"gpu": "yes", "rack": "b"}, last_heartbeat_us=NOW_US - 90_000_000, round_trip_s=0.0004,
    tier="tier-1", hardware={"cpu_count": 8}, link_bytes_s=1 << 20,
)  # fmt: skip
SOUTH = Node("2", "d2", "south-1", "10.0.0.2:9", Health.OFFLINE, "Süd", labels={"rack": "a"}, home="/tmp/x")
NODES = [NORTH, SOUTH]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "12"),
        ('site == "north" and mem < 0.8 and label.gpu', "1"),
        ("site = north", "1"),
        ("site != north", "2"),
        ("mem < 80%", "1"),
        ("mem >= 0.8", ""),
        ("not mem < 0.8", "2"),
        ("p99 > 3ms and p99 < 5ms", "1"),
        ("age > 1min", "1"),
        ("age > 1h or state == offline", "2"),
        ("label.gpu", "1"),
        ("not label.gpu", "2"),
        ("label.rack in (a, c)", "2"),
        ("label.rack not in (a, c)", "1"),
        ('model == "digits:3"', "1"),
        ("model == digits:3", "1"),
        ("model ~ digits", "1"),
        ("model", "1"),
        ('label == "gpu"', "1"),
        ('site ~ "SÜD"', "2"),
        ('"south"', "2"),
        ('"rack=a" or "10.0.0.1"', "12"),
        ("demo == true", "2"),
        ("demo", "2"),
        ("hardware.cpu_count == 8", "1"),
        ("measured == tier-1 and tier == tier-1", "1"),
        ("budget >= 1MiB", "1"),
        ("(site == north or demo) and not (cpu > 0.9)", "12"),
        ("not not demo", "2"),
        ("site == north AND cpu", "1"),
    ],
)
def test_a_query_finds_what_it_says(text, found):
    assert "".join(node.id for node in search(text, NODES, NOW_US)) == found


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("sit == north", 1, "no field sit"),
        ("site == ", 9, "ends where a value"),
        ("site == north mem", 15, "one too many"),
        ("(site == north", 1, "not closed"),
        ("site < north", 6, "no order"),
        ("cpu ~ 3", 5, "no text"),
        ("cpu < much", 7, "takes a number"),
        ("cpu < 3ms", 7, "takes a number"),
        ('site == "nor', 9, "has no end"),
        ("site == north & cpu", 15, "belongs to no query"),
        ("and", 1, "a field was expected"),
        ("site in north", 9, "was expected"),
        ("site in (a b)", 12, "was expected"),
        ("demo == maybe", 9, "true or false"),
        ("site not north", 10, "in was expected"),
        ("(" * 60 + "cpu", 52, "too deep"),
    ],
)
def test_a_mistake_is_told_with_its_place(text, place, words):
    with pytest.raises(BadInput, match=words) as told:
        parse(text)
    assert (told.value.field, told.value.values["place"]) == ("query", place)


def test_a_field_mistyped_is_told_with_the_one_meant():
    with pytest.raises(BadInput) as told:
        parse("sate == online")
    assert told.value.hint == "Did you mean state?"


def test_words_know_where_they_stand():
    text = "site == 'a \\' b' and(cpu<50%)"
    assert [(token.kind, token.text) for token in tokens_of(text)] == [
        ("word", "site"), ("operator", "=="), ("text", "a ' b"), ("word", "and"), ("open", "("), ("word", "cpu"),
        ("operator", "<"), ("number", "50%"), ("close", ")"), ("end", ""),
    ]  # fmt: skip
    assert all(text[token.begin : token.end].strip("'\"") or token.kind == "end" for token in tokens_of(text))


_SITES = st.sampled_from(["north", "south", "", "a b", 'qu"ote'])
_NODE = st.builds(
    lambda site, cpu, gpu: replace(NORTH, site=site, cpu_ratio=cpu, labels={"gpu": gpu} if gpu else {}),
    _SITES, st.none() | st.floats(0, 1), st.sampled_from(["", "yes"]),
)  # fmt: skip


def _quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_LEAVES = st.one_of(
    _SITES.map(lambda site: (f"site == {_quoted(site)}", lambda node: node.site == site)),
    st.floats(0, 1).map(lambda level: (f"cpu < {level!r}", lambda node: node.cpu_ratio is not None and node.cpu_ratio < level)),
    st.just(("label.gpu", lambda node: bool(node.labels.get("gpu")))),
)


def _joined(inner):
    pairs = st.tuples(inner, inner)
    return st.one_of(
        pairs.map(lambda two: (f"({two[0][0]}) and ({two[1][0]})", lambda node: two[0][1](node) and two[1][1](node))),
        pairs.map(lambda two: (f"({two[0][0]}) or ({two[1][0]})", lambda node: two[0][1](node) or two[1][1](node))),
        inner.map(lambda one: (f"not ({one[0]})", lambda node: not one[1](node))),
    )


@settings(max_examples=60, deadline=None)
@given(st.recursive(_LEAVES, _joined, max_leaves=8), _NODE)
def test_a_query_is_what_python_says_of_the_same_words(query, node):
    text, oracle = query
    assert compile_query(text)(node, NOW_US) == oracle(node)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="site=<>!~()\"' andorti0.5%,", max_size=30))
def test_whatever_is_typed_is_a_query_or_told_as_a_mistake(text):
    place = 1
    try:
        parse(text)
    except BadInput as error:
        place = error.values["place"]
    assert 1 <= place <= len(text) + 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "site"),
        ("si", "site"),
        ("site ", "=="),
        ("site == ", '"north"'),
        ("site == no", '"north"'),
        ('site == "no', '"north"'),
        ("label.g", "label.gpu"),
        ("label.rack in (a, ", '"b"'),
        ("demo == ", "true"),
        ("site == north ", "and"),
        ("site == north a", "and"),
        ("site == north and ", "mem"),
    ],
)
def test_what_comes_next_is_offered(text, expected):
    offered = complete(text, len(text), NODES, NOW_US)
    assert expected in [word for word, _ in offered.words]
    assert (offered.begin <= len(text), offered.end) == (True, len(text))
