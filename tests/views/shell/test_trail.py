from app.views.shell.trail import MOST, Trail


def test_back_leads_page_by_page_to_where_one_came_from():
    trail = Trail()
    assert trail.back() == ""
    for name in ("overview", "fleet", "fleet", "qubo"):
        trail.visit(name)
    assert [trail.back(), trail.back(), trail.back()] == ["fleet", "overview", ""]


def test_it_is_bounded():
    trail = Trail()
    for number in range(3 * MOST):
        trail.visit(str(number))
    assert len(trail._names) == MOST
