"""The rows of saved views: a named filter with columns, sort and grouping."""

from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call


async def save(call: "Call", *, name: str, page: str, columns: str, sort: str, grouping: str, query: str) -> dict[str, Any]:
    """Save a view."""
    from app.engine.fleet.saved import SavedView

    named = tuple(part.strip() for part in columns.split(",") if part.strip())
    view = SavedView("", name, page, query, named, sort, grouping)
    return (await call.engine.fleet.views.save(view, actor=call.actor, cause=call.cause)).to_json()


async def list_views(call: "Call") -> dict[str, Any]:
    """List the views."""
    return {"views": [view.to_json() for view in call.engine.fleet.views.records]}


async def remove(call: "Call", *, view: str) -> dict[str, Any]:
    """Remove a view."""
    return (await call.engine.fleet.views.remove(view, actor=call.actor, cause=call.cause)).to_json()


_VIEW = "{id, name, page, filter, columns, sort, grouping}"

ROWS: tuple[Command, ...] = (
    Command(
        "view.save", "Save a view",
        "Keeps a filter with its columns, sort and grouping under a name, in place of the view so called.",
        save,
        (
            Arg("name", str, "What to call it.", positional=True),
            Arg("query", str, "Which rows it shows, in the words of fleet find --query; empty for all.", ""),
            Arg("page", str, "The page it belongs to.", "fleet"),
            Arg("columns", str, "Columns parted by commas; empty for all.", ""),
            Arg("sort", str, "The column to sort by, with - before it for descending.", ""),
            Arg("grouping", str, "The column to group by.", ""),
        ),
        returns=_VIEW,
    ),
    Command(
        "view.list", "List views", "Lists the saved views.", list_views, role=Role.OBSERVER, danger=Danger.READ,
        returns="{views: [" + _VIEW + "]}",
    ),
    Command(
        "view.remove", "Remove view", "Forgets a saved view; what it showed is not touched.", remove,
        (Arg("view", str, "Its name or id.", positional=True),),
        returns=_VIEW,
    ),
)  # fmt: skip
