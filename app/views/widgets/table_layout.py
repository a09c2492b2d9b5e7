"""How a table is laid out, as plain JSON and back: order and widths of columns, what is hidden, sorting, grouping."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from app.views.widgets.table import TableView

_MOST_WIDTH_PX: Final = 4000


def arrangement(view: "TableView") -> dict[str, Any]:
    """Return how `view` is laid out, by the keys of its columns."""
    header, keys = view.horizontalHeader(), [column.key for column in view.columns]
    model, last = view.records_model, view.shown_columns()[-1].key  # the last one takes the room left
    return {
        "order": [keys[header.logicalIndex(place)] for place in range(header.count())],
        "hidden": [key for at, key in enumerate(keys) if header.isSectionHidden(at)],
        "widths": {
            key: header.sectionSize(at) for at, key in enumerate(keys) if not header.isSectionHidden(at) and key != last
        },
        "sort": [[keys[at], descending] for at, descending in model.sort_keys],
        "group": keys[model.group] if model.group >= 0 else "",
        "folded": sorted(model.groups.folded),
    }


def arrange(view: "TableView", held: Mapping[str, Any]) -> None:
    """Lay `view` out as `held` says; what it does not know, or says wrongly, stays as it is."""
    header, at = view.horizontalHeader(), {column.key: at for at, column in enumerate(view.columns)}
    order = [key for key in _words(held.get("order")) if key in at]
    for place, key in enumerate(order):
        header.moveSection(header.visualIndex(at[key]), place)
    hidden = {key for key in _words(held.get("hidden")) if key in at}
    hidden |= {column.key for column in view.columns if column.spare and column.key not in order}
    for key, number in at.items():
        view.setColumnHidden(number, key in hidden and len(hidden) < len(at))
    widths = held.get("widths")
    for key, width in (widths if isinstance(widths, Mapping) else {}).items():
        if key in at and isinstance(width, int) and 0 < width < _MOST_WIDTH_PX:
            header.resizeSection(at[key], width)
    sort = [key for key in _list(held.get("sort")) if isinstance(key, list) and len(key) == 2 and str(key[0]) in at]
    view.records_model.sort_by(tuple((at[str(key)], descending is True) for key, descending in sort))
    view.records_model.group_by(at.get(str(held.get("group", "")), -1))
    if folded := _words(held.get("folded")):
        view.records_model.fold(folded, folded=True)


def _list(held: Any) -> list[Any]:
    return held if isinstance(held, list) else []


def _words(held: Any) -> list[str]:
    return [word for word in _list(held) if isinstance(word, str)]


def move(view: "TableView", at: int, by: int) -> None:
    """Move column `at` by `by` places among those that are shown; at an end it stays."""
    header = view.horizontalHeader()
    places = [header.visualIndex(view.columns.index(column)) for column in view.shown_columns()]
    wanted = places.index(header.visualIndex(at)) + by
    if 0 <= wanted < len(places):
        header.moveSection(header.visualIndex(at), places[wanted])
