import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.clock import ManualClock
from app.engine.base.records import Records
from app.engine.fleet.budget import DAY_S, Budgets
from app.engine.fleet.records import Node
from app.engine.fleet.thrift import SHARE, Thrift, every_s
from app.engine.link.records import Batch

CADENCE_S = 2.0


class Place:
    """One node with an allowance of a day, and what the link was told."""

    def __init__(self, bytes_day):
        self.clock, self.told = ManualClock(), []
        self.clock.advance(DAY_S - self.clock.now_us() / 1e6 % DAY_S)  # midnight
        self.budgets, self.nodes = Budgets(self.clock), Records(lambda node: node.id, "node")
        self.nodes.put(Node("n", "d", "north", "x:1", link_bytes_day=bytes_day))
        self.thrift = Thrift(self.budgets, self.clock, self.nodes, lambda *told: self.told.append(told), lambda: CADENCE_S)

    def page(self, count):
        self.thrift.after(self.nodes.need("n"), Batch("n", 0, link_bytes=count))


@given(st.floats(1, 1e9), st.floats(1, DAY_S), st.floats(1, 1e6))
def test_pages_that_keep_the_wait_fit_into_their_share_of_the_day(left, left_s, page):
    wait_s = every_s(left, left_s, page, CADENCE_S)
    assert CADENCE_S <= wait_s <= max(left_s, CADENCE_S)
    if page <= SHARE * left and wait_s > CADENCE_S:
        assert left_s / wait_s * page <= SHARE * left * (1 + 1e-9)


def test_a_link_without_an_allowance_is_asked_as_ever():
    place = Place(None)
    place.page(10**9)
    assert (place.told, place.budgets.heard_today("n")) == ([], 10**9)


def test_a_small_allowance_has_telemetry_come_seldom_and_says_so():
    place = Place(1_000_000)
    place.page(1000)
    ((node_id, wait_s),) = place.told
    assert node_id == "n"
    assert wait_s == pytest.approx(DAY_S * 1000 / (SHARE * 999_000))
    assert place.thrift.wait_s("n") == wait_s
    assert f"{round(wait_s)} s" in place.nodes.need("n").trouble


@pytest.mark.parametrize("bytes_day", [500, 30_000, 200_000, 2_000_000])
def test_a_day_of_telemetry_stays_within_the_allowance_and_goes_on_to_its_end(bytes_day):
    place, pages = Place(bytes_day), 0
    today = place.budgets.day
    while place.budgets.day == today:
        if not place.thrift.first_s(place.nodes.need("n")):
            place.page(1000)
            pages += 1
        assert place.budgets.carried_today("n") <= max(bytes_day, 1000)
        place.clock.advance(place.thrift.wait_s("n") or CADENCE_S)
    assert pages >= bytes_day / 1000 * SHARE


def test_a_transfer_goes_first_and_the_spent_day_ends_at_midnight():
    place = Place(10_000)
    place.page(500)
    place.budgets.hear("n", 9_400)  # what else the link carried
    place.page(200)
    assert place.thrift.wait_s("n") == pytest.approx(DAY_S)
    assert "00:00 UTC" in place.nodes.need("n").trouble
    assert place.thrift.first_s(place.nodes.need("n")) == pytest.approx(DAY_S)
    place.clock.advance(DAY_S + 1)
    place.thrift.look()
    assert place.thrift.first_s(place.nodes.need("n")) == 0
    assert place.told[-1][1] < DAY_S


def test_an_allowance_that_is_lifted_lets_telemetry_come_as_ever():
    place = Place(10_000)
    place.page(9_990)
    place.nodes.put(Node("n", "d", "north", "x:1"))
    place.thrift.look()
    assert place.told[-1] == ("n", 0.0)
    assert place.thrift.wait_s("n") == 0
