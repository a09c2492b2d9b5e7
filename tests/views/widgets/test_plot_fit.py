import pytest

from app.views.widgets.plot_fit import Fit


def test_a_range_with_room_ahead_stays_until_the_room_is_used_up():
    fit = Fit()
    (first, last), (bottom, top) = fit.take((10.0, 20.0), (0.0, 5.0), ahead=True, least=1e-3)
    assert first == 10.0
    assert 20.0 < last < 22.0
    assert bottom < 0.0
    assert top > 5.0
    assert fit.holds((10.0, last), (0.0, 5.0))
    assert not fit.holds((10.0, last + 0.1), (0.0, 5.0))
    assert not fit.holds((9.9, 20.0), (0.0, 5.0))
    assert fit.holds((11.0, 20.0), (0.0, 5.0))
    assert not fit.holds((13.0, 20.0), (0.0, 5.0))  # what is oldest has gone


@pytest.mark.parametrize(("values", "held"), [((0.0, 5.2), True), ((0.0, 6.0), False), ((2.0, 2.1), False), ((1.0, 4.5), True)])
def test_values_that_leave_the_range_or_fill_little_of_it_ask_for_another(values, held):
    fit, pinned = Fit(), Fit((0.0, 1.0))
    for one in (fit, pinned):
        one.take((0.0, 10.0), (0.0, 5.0), ahead=False, least=1e-3)
    assert fit.holds((0.0, 10.0), values) is held
    assert pinned.holds((0.0, 10.0), values)


def test_a_finished_series_is_fitted_exactly_and_a_moment_has_a_width():
    fit = Fit()
    assert fit.take((0.0, 10.0), (0.0, 1.0), ahead=False, least=1e-3)[0] == (0.0, 10.0)
    assert fit.take((5.0, 5.0), (0.0, 1.0), ahead=True, least=1.0)[0] == (5.0, 6.0)
    assert fit.holds(None, (0.0, 1.0))
