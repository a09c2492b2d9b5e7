import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agent.twin import merge_patch, wanted_of
from app.engine.base.errors import BadInput

JSON = st.recursive(
    st.none() | st.integers(0, 9) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("document", "patch", "merged"),
    [  # RFC 7396, appendix A
        ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
        ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
        ('{"a":"b"}', '{"a":null}', "{}"),
        ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
        ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
        ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
        ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
        ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
        ('["a","b"]', '["c","d"]', '["c","d"]'),
        ('{"a":"b"}', '["c"]', '["c"]'),
        ('{"a":"foo"}', "null", "null"),
        ('{"a":"foo"}', '"bar"', '"bar"'),
        ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
        ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
        ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
    ],
)
def test_the_table_of_the_rfc_holds(document, patch, merged):
    assert merge_patch(json.loads(document), json.loads(patch)) == json.loads(merged)


@given(JSON, JSON)
def test_merging_twice_is_merging_once_and_changes_no_argument(document, patch):
    before = json.dumps([document, patch])
    once = merge_patch(document, patch)
    assert merge_patch(once, patch) == once
    assert json.dumps([document, patch]) == before


def test_what_a_node_cannot_follow_is_named():
    wanted = wanted_of({"cadence_s": 2, "labels": {"site": "north"}, "release": 7})
    assert (wanted.cadence_s, wanted.labels, wanted.ignored) == (2.0, {"site": "north"}, ("release",))


@pytest.mark.parametrize("desired", [{"cadence_s": 0}, {"cadence_s": "fast"}, {"cadence_s": 1e9}, {"labels": []}])
def test_a_value_that_cannot_be_is_bad_input(desired):
    with pytest.raises(BadInput):
        wanted_of(desired)


def test_inference_and_spool_are_followed_and_what_cannot_be_is_refused():
    wanted = wanted_of({"infer": {"max_batch": 4}, "spool": {"ttl_s": 60, "most_bytes": 1 << 20}, "odd": 1})
    assert (wanted.infer.max_batch, wanted.spool_ttl_s, wanted.spool_bytes, wanted.ignored) == (4, 60.0, 1 << 20, ("odd",))
    for bad in ({"infer": {"max_batch": 0}}, {"spool": {"ttl_s": 0}}, {"spool": {"most_bytes": 1}}, {"infer": 3}):
        with pytest.raises(BadInput):
            wanted_of(bad)
