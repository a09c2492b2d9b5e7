import pytest

from app.engine.base.errors import BadInput, Missing
from app.engine.fleet.saved import SavedView

ME = {"actor": "me@here"}


async def test_a_view_is_kept_under_its_name_and_there_after_a_restart(fleet, opened):
    first = await fleet.views.save(SavedView("", "hot", filter="cpu > 0.9", columns=("name", "cpu"), sort="-cpu"), **ME)
    again = await fleet.views.save(SavedView("", "hot", filter="cpu > 80%", grouping="site"), **ME)
    assert (again.id, again.columns) == (first.id, ())
    async with opened() as fresh:
        assert fresh.views.find("hot").to_json() == {
            "id": first.id, "name": "hot", "page": "fleet", "filter": "cpu > 80%", "columns": [], "sort": "", "grouping": "site",
        }  # fmt: skip
        await fresh.views.remove("hot", **ME)
        with pytest.raises(Missing):
            fresh.views.find("hot")


async def test_a_view_needs_a_name_and_a_query(fleet):
    with pytest.raises(BadInput, match="name"):
        await fleet.views.save(SavedView("", " "), **ME)
    with pytest.raises(BadInput, match="no field"):
        await fleet.views.save(SavedView("", "x", filter="colour == red"), **ME)
