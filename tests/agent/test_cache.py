from hypothesis import given, settings
from hypothesis import strategies as st

from app.agent.cache import AnswerCache


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 900)), max_size=60), st.integers(0, 3000))
def test_it_never_holds_more_than_its_budget_and_never_answers_wrong(asked, most_bytes):
    cache, right = AnswerCache(most_bytes), {}
    for name, size in asked:
        key = cache.key("a", bytes([name]))
        found = cache.get(key)
        assert found is None or found == right[key]
        right.setdefault(key, bytes([name]) * size)  # an input has one answer
        cache.put(key, right[key])
        assert cache.size_bytes <= most_bytes
    cache.limit(0)
    assert (len(cache), cache.size_bytes) == (0, 0)


def test_the_one_not_asked_for_longest_goes_first():
    cache = AnswerCache(700)
    one, two, three = (cache.key("a", name) for name in (b"1", b"2", b"3"))
    cache.put(one, b"x" * 100)
    cache.put(two, b"x" * 100)
    assert cache.get(one) is not None
    cache.put(three, b"x" * 100)
    assert [cache.get(key) is not None for key in (one, two, three)] == [True, False, True]


def test_another_version_never_answers():
    assert AnswerCache.key("sha256:a", b"x") != AnswerCache.key("sha256:b", b"x")
