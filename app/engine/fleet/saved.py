"""Saved views: a named set of filter, columns, sort and grouping, kept in the store; part of the fleet's service."""

from dataclasses import dataclass
from typing import Any, Final

from app.engine.base.errors import BadInput, Missing
from app.engine.base.records import Records
from app.engine.fleet.query import parse
from app.engine.jobs.base import Base
from app.engine.store import rows

_VIEWS: Final = "saved_views"


@dataclass(frozen=True)
class SavedView:
    """One view: `filter` is a query, `sort` a column's key with - before it for descending, `grouping` a column's key."""

    id: str
    name: str
    page: str = "fleet"
    filter: str = ""
    columns: tuple[str, ...] = ()
    sort: str = ""
    grouping: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the view as plain JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"columns": list(self.columns)}


class SavedViews:
    """All saved views by id; a name is used once."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self.records: Records[SavedView] = Records(lambda view: view.id, "view")

    async def start(self) -> None:
        """Load the views."""
        stored = await self._base.store.read(lambda conn: rows.select(conn, _VIEWS, order="name"))
        self.records.replace_all(map(_view_of, stored))

    def find(self, name: str) -> SavedView:
        """Return the view called `name` (or its id)."""
        found = next((view for view in self.records if name in (view.name, view.id)), None)
        if found is None:
            raise Missing("There is no view {name}", name=name, field="view", hint="See: outpost view list")
        return found

    async def save(self, view: SavedView, *, actor: str, cause: str = "") -> SavedView:
        """Keep `view` under its name, in place of the one so called; raise `BadInput` for a filter that is no query."""
        if not view.name.strip():
            raise BadInput("A view needs a name", field="name")
        parse(view.filter)
        known = next((each for each in self.records if each.name == view.name), None)
        row = {name: value for name, value in view.to_json().items() if name != "id"} | ({"id": known.id} if known else {})
        now_us = self._base.clock.now_us()
        stored = await self._base.store.write(lambda conn: rows.put(conn, _VIEWS, row, actor=actor, cause=cause, now_us=now_us))
        self.records.put(_view_of(stored))
        return self.records.need(stored["id"])

    async def remove(self, name: str, *, actor: str, cause: str = "") -> SavedView:
        """Forget a view; the nodes it showed are not touched."""
        view, now_us = self.find(name), self._base.clock.now_us()
        await self._base.store.write(lambda conn: rows.delete(conn, _VIEWS, view.id, actor=actor, cause=cause, now_us=now_us))
        self.records.discard(view.id)
        return view


def _view_of(row: dict[str, Any]) -> SavedView:
    return SavedView(
        row["id"], row["name"], row["page"], row["filter"], tuple(row["columns"] or ()), row["sort"], row["grouping"]
    )
