import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import BadInput
from app.engine.fleet.rollout.plan import Site, check_spec, make_plan, parse_window
from app.engine.fleet.rollout.records import Rate, Spec, Window


def sites(count, **changed):
    return [
        Site(f"i{n}", f"n{n:03}", "online", f"s{n % 3}", {"ring": "canary" if n % 4 == 0 else ""}, 1, **changed)
        for n in range(count)
    ]


RULES = st.one_of(
    st.integers(1, 40).map(str), st.integers(1, 100).map("{}%".format), st.just("label.ring=canary"), st.just("rest")
)


@given(st.integers(0, 60), st.lists(RULES, min_size=1, max_size=5))
def test_every_node_is_in_one_group_or_excluded(count, rules):
    plan = make_plan(2, sites(count), Spec(groups=tuple(rules)), lambda _has: 10, {})
    assert sorted(task.name for task in plan.tasks) == [f"n{n:03}" for n in range(count)]
    assert all(0 <= task.group < len(rules) for task in plan.tasks)
    assert plan == make_plan(2, list(reversed(sites(count))), Spec(groups=tuple(rules)), lambda _has: 10, {})


def test_groups_are_counts_shares_labels_and_the_rest():
    plan = make_plan(2, sites(20), Spec(groups=("label.ring=canary", "2", "10%", "rest")), lambda _has: 10, {})
    assert [sum(task.group == place for task in plan.tasks) for place in range(4)] == [5, 2, 2, 11]


def test_who_is_left_out_is_told_why():
    odd = [
        Site("a", "a", "online", has=2), Site("b", "b", "online", has=3), Site("c", "c", "maintenance"),
        Site("d", "d", "online", bytes_day=5), Site("e", "e", "offline"),
    ]  # fmt: skip
    plan = make_plan(2, odd, Spec(), lambda _has: 10, {"z": "not paired"})
    assert dict(plan.excluded) == {
        "z": "not paired", "a": "it has this version", "b": "it has a later version", "c": "maintenance",
        "d": "more than its link may carry in a day",
    }  # fmt: skip
    assert [task.name for task in plan.tasks] == ["e"]
    assert len(make_plan(2, odd, Spec(downgrade=True), lambda _has: 1, {}).tasks) == 3


def test_a_link_takes_as_long_as_its_slowest_node_and_its_sites_share():
    plan = make_plan(2, sites(6, bytes_s=5), Spec(site_bytes_s=4), lambda _has: 10, {})
    assert [(link.nodes, link.bytes, link.seconds) for link in plan.links] == [(2, 20, 5.0)] * 3
    assert {link.seconds for link in make_plan(2, sites(6), Spec(), lambda _has: 10, {}).links} == {None}


def test_approval_is_asked_above_the_limit():
    assert make_plan(2, sites(5), Spec(approve_above=4), lambda _has: 1, {}).needs_approval
    assert not make_plan(2, sites(5), Spec(approve_above=5), lambda _has: 1, {}).needs_approval


@pytest.mark.parametrize(
    "spec",
    [
        Spec(groups=()),
        Spec(groups=("0",)),
        Spec(groups=("101%",)),
        Spec(groups=("x",)),
        Spec(offline="guess"),
        Spec(rate=Rate("wild")),
    ],
)
def test_what_cannot_be_is_named(spec):
    with pytest.raises(BadInput):
        check_spec(spec)


def test_windows_are_read_and_may_pass_midnight():
    assert parse_window("22:00-04:30") == Window(79200, 16200)
    assert parse_window("Sat,Sun 08:00-18:00") == Window(28800, 64800, (5, 6))
    saturday_s = 2 * 86400  # 1970-01-03
    night = parse_window("sat 22:00-04:00")
    assert [night.is_open(saturday_s + hour * 3600) for hour in (3, 21, 22, 23, 27, 28, 46)] == [
        False,
        False,
        True,
        True,
        True,
        False,
        False,
    ]
    for text in ("", "22-4", "25:00-26:00", "xyz 01:00-02:00", "22:00-04:61"):
        with pytest.raises(BadInput):
            parse_window(text)
