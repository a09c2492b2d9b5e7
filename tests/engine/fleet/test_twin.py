"""The pure part of twins; documents are drawn at random, and laws hold for all of them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from app.agent.twin import merge_patch as agent_merge
from app.engine.fleet.twin import OWN, Layer, compose, delta, document_of, leaves, merged, patch_to, three_way
from app.engine.fleet.twins import merge_patch

_KEYS = st.sampled_from("abc")
_VALUES = st.integers(0, 3) | st.sampled_from(["x", "y"]) | st.booleans()
DOCUMENTS = st.recursive(
    st.dictionaries(_KEYS, _VALUES, max_size=3), lambda inner: st.dictionaries(_KEYS, _VALUES | inner, max_size=3), max_leaves=6
)


@settings(max_examples=100, deadline=None)
@given(DOCUMENTS, DOCUMENTS)
def test_a_patch_makes_one_document_into_the_other_on_both_sides(before, after):
    patch = patch_to(before, after)
    assert merge_patch(before, patch) == agent_merge(before, patch) == after
    assert (patch == {}) == (before == after)


@settings(max_examples=100, deadline=None)
@given(DOCUMENTS)
def test_leaves_hold_a_document_whole(document):
    assert document_of(leaves(document)) == document


@settings(max_examples=100, deadline=None)
@given(DOCUMENTS, DOCUMENTS)
def test_what_one_side_alone_changed_is_never_a_conflict(base, mine):
    assert all(each.change == "mine" for each in three_way(base, base, mine))
    assert all(each.change == "theirs" for each in three_way(base, mine, base))
    assert all(each.change == "both" for each in three_way(base, mine, mine))
    assert three_way(base, base, base) == ()


def test_the_higher_layer_wins_per_key_and_says_over_what():
    base = Layer("1", "base", priority=0, document={"cadence_s": 5, "labels": {"a": "1", "b": "1"}, "spool": {"ttl_s": 60}})
    site = Layer("2", "site", priority=10, document={"labels": {"a": "2"}, "spool": None})
    desired, origins = compose([site, base], {"labels": {"c": "9"}})
    assert desired == {"cadence_s": 5, "labels": {"a": "2", "b": "1", "c": "9"}}
    told = {".".join(each.path): (each.layer, each.over) for each in origins}
    assert told == {
        "cadence_s": ("base", ()), "labels.a": ("site", (("base", "1"),)), "labels.b": ("base", ()), "labels.c": (OWN, ()),
    }  # fmt: skip


def test_a_value_over_an_object_takes_its_place_whole():
    low, high = Layer("1", "low", document={"a": {"x": 1, "y": 2}}), Layer("2", "high", priority=1, document={"a": 3})
    assert compose([low, high], {})[0] == {"a": 3}
    assert compose([Layer("3", "low", document={"a": 3}), Layer("4", "up", priority=1, document={"a": {"x": 1}})], {})[0] == {
        "a": {"x": 1}
    }


def test_a_delta_is_what_is_not_reported_so_and_an_unknown_key_is_told_as_ignored():
    lacks = delta(
        {"cadence_s": 2, "labels": {"a": "1"}, "odd": 1}, {"cadence_s": 2.0, "labels": {"a": "0"}, "ignored": ["odd"]}
    )
    assert [(each.path, each.desired, each.reported, each.ignored) for each in lacks] == [
        (("labels", "a"), "1", "0", False), (("odd",), 1, None, True),
    ]  # fmt: skip


def test_three_sides_are_told_apart_and_joined_as_a_person_decides():
    base, theirs, mine = {"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 1, "c": 3, "d": 4}, {"a": 1, "b": 2, "c": 5}
    found = three_way(base, theirs, mine)
    assert {each.path[0]: each.change for each in found} == {"a": "theirs", "b": "mine", "c": "conflict", "d": "theirs"}
    assert merged(base, found, keep="mine") == {"a": 2, "b": 2, "c": 5, "d": 4}
    assert merged(base, found, keep="theirs") == {"a": 2, "b": 2, "c": 3, "d": 4}
    assert found[0].to_json() == {"path": "a", "base": 1, "theirs": 2, "mine": 1, "change": "theirs"}
