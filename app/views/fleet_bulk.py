"""The bar above the nodes: saved views, and what can be done to all nodes that match the filter.

A deed says beforehand how many nodes it changes and how many are there already, waits a few seconds in which it can be taken
back, and is one item in the activity. What takes nodes out of service asks for their count to be typed, and means exactly
the nodes that matched when it was asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QMenu, QPushButton, QVBoxLayout, QWidget

from app.engine.base.text import tr
from app.engine.base.units import count_text
from app.engine.fleet.health import Health
from app.engine.fleet.records import Node
from app.engine.fleet.saved import SavedView
from app.views.shell import theme
from app.views.shell.context import Context, hold
from app.views.shell.pending import PendingLane
from app.views.widgets.choice import Choice
from app.views.widgets.explain import explain
from app.views.widgets.table import TablePanel

ALL: Final = "all"
_MOST_SHOWN: Final = 200


@dataclass(frozen=True)
class Deed:
    """One thing to do to many nodes; `done` tells of a node that it is there already, `ask` what is typed first."""

    title: str
    command: str
    args: dict[str, Any]
    done: Callable[[Node], bool]
    ask: str = ""

    @property
    def final(self) -> bool:
        """Tell whether the count must be typed."""
        return self.ask == "count"


def deeds() -> tuple[Deed, ...]:
    """Return what the menu offers."""
    return (
        Deed(tr("Put into maintenance"), "fleet.maintenance", {}, lambda node: node.state is Health.MAINTENANCE),
        Deed(tr("End maintenance"), "fleet.maintenance", {"off": True}, lambda node: node.state is not Health.MAINTENANCE),
        Deed(tr("Add labels"), "fleet.label", {}, lambda _node: False, "add"),
        Deed(tr("Take labels away"), "fleet.label", {}, lambda _node: False, "remove"),
        Deed(tr("Take out of service"), "fleet.decommission", {}, lambda node: node.state is Health.DECOMMISSIONED, "count"),
    )


class FleetBar(QWidget):
    """Views at the left, deeds at the right; below them what is asked, and what waits."""

    def __init__(self, context: Context, table: TablePanel[Node]) -> None:
        super().__init__()
        self._context, self._table = context, table
        self._deed: Deed | None = None
        self._meant: list[Node] = []
        self.views = Choice()
        self.keep, self.drop = QPushButton(tr("Save view")), QPushButton(tr("Forget view"))
        explain(self.keep, tr("Keep filter, columns, sorting and grouping under a name"))
        explain(self.drop, tr("Forget the view that is picked; no node changes"))
        self.act = QPushButton()
        explain(self.act, tr("Maintenance, labels, out of service or a rollout, for all nodes that the filter lets through"))
        self.pending = PendingLane()
        self._lay_out()
        self.views.activated.connect(lambda _at: self.apply(self.views.currentText()))
        self.keep.clicked.connect(lambda _on=False: self._keep())
        self.drop.clicked.connect(lambda _on=False: self._drop())
        records = context.engine.fleet.views.records
        hold(self, records.watch(lambda _change: self._tell_views()))
        table.model.counted.connect(self._tell_count)
        self._tell_views()
        self._tell_count()

    def apply(self, name: str) -> None:
        """Show what the view `name` shows; the first entry shows all nodes."""
        view = self._view(name)
        table = self._table
        table.field.setText(view.filter if view else "")
        table.field.returnPressed.emit()
        if view is None:
            return
        keys = [column.key for column in table.view.columns]
        shown = [key for key in view.columns if key in keys]
        table.view.arrange(
            {
                "order": [*shown, *(key for key in keys if key not in shown)],
                "hidden": [key for key in keys if shown and key not in shown],
                "sort": [[view.sort.removeprefix("-"), view.sort.startswith("-")]] if view.sort else [],
                "group": view.grouping,
            }
        )

    def begin(self, deed: Deed) -> None:
        """Ask what a deed needs, or let it wait its few seconds."""
        self._deed, self._meant = deed, self.matching()
        self.line.clear()
        if deed.ask:
            self._ask()
        else:
            self._send()

    def matching(self) -> list[Node]:
        """Return the nodes that the filter shows."""
        model = self._table.model
        model.flush()
        return model.members(range(model.rowCount()))

    def words(self) -> str:
        """Return the matching nodes as a command names them: all, the query, or their ids."""
        model = self._table.model
        if not model.needle:
            return ALL
        reader = model.reader
        if reader is not None and reader(model.needle) is not None:
            return model.needle
        return ",".join(node.id for node in self.matching())

    def _lay_out(self) -> None:
        self.views.setEditable(True)
        self.views.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.views.setMinimumWidth(140)
        self.views.setAccessibleName(tr("Saved view"))
        self.views.setToolTip(tr("Pick a view, or type a name to save the filter, columns, sort and grouping under"))
        menu = QMenu(self.act)
        menu.setAccessibleName(tr("What to do with the nodes shown"))
        for deed in deeds():
            menu.addAction(deed.title + ("…" if deed.ask else "")).triggered.connect(partial(self._chosen, deed))
        menu.addSeparator()
        menu.addAction(tr("Plan a rollout…")).triggered.connect(
            lambda _on=False: self._context.open_command("rollout.plan", {"nodes": self.words()})
        )
        self.act.setMenu(menu)
        top = QHBoxLayout()
        top.setSpacing(theme.SPACE)
        for part in (self.views, self.keep, self.drop):
            top.addWidget(part)
        top.addStretch(1)
        top.addWidget(self.act)
        self.said, self.line, self.asking = QLabel(), QLineEdit(), QWidget()
        self.go, self.leave = QPushButton(tr("Go on")), QPushButton(tr("Cancel"))
        self.line.setAccessibleName(tr("Labels, as key=value"))
        self.line.setAccessibleDescription(tr("Several with spaces between them; key= takes a label away"))
        explain(self.go, tr("Do it; it can be taken back for a few seconds"))
        explain(self.leave, tr("Change nothing"))
        self.go.clicked.connect(lambda _on=False: self._send())
        self.line.returnPressed.connect(self.go.click)
        self.line.textChanged.connect(lambda _text: self._tell_go())
        self.leave.clicked.connect(lambda _on=False: self.asking.hide())
        row = QHBoxLayout(self.asking)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.said)
        row.addWidget(self.line, 1)
        row.addWidget(self.go)
        row.addWidget(self.leave)
        self.asking.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addLayout(top)
        column.addWidget(self.asking)
        column.addWidget(self.pending)

    def _chosen(self, deed: Deed, _checked: bool = False) -> None:
        self.begin(deed)

    def _ask(self) -> None:
        deed = self._deed
        if deed is None:
            return
        change = sum(not deed.done(node) for node in self._meant)
        self.said.setText(
            tr("{deed}: {change} nodes; already so: {there}", deed=deed.title, change=change,
               there=len(self._meant) - change)
        )  # fmt: skip
        count = tr("Type {count} to go on", count=len(self._meant))
        self.line.setPlaceholderText(count if deed.final else tr("Labels, as key=value"))
        self.line.setAccessibleName(self.line.placeholderText())
        self.go.setText(deed.title)
        self.go.setProperty("destructive", deed.final)
        self.asking.show()
        self._tell_go()
        self.line.setFocus()

    def _tell_go(self) -> None:
        typed = self.line.text().strip()
        final = self._deed is not None and self._deed.final
        self.go.setEnabled(bool(self._meant) and (typed == str(len(self._meant)) if final else bool(typed)))

    def _send(self) -> None:
        """Let the deed wait, then go as one command."""
        deed, self._deed = self._deed, None
        self.asking.hide()
        row = self._context.find(deed.command) if deed else None
        if deed is None or row is None or not self._meant:
            return
        nodes = ",".join(node.id for node in self._meant) if deed.final else self.words()
        args = {"nodes": nodes, **deed.args}
        if deed.ask and not deed.final:
            args[deed.ask] = self.line.text().strip()
        many = len(nodes) > _MOST_SHOWN
        told = {**args, "nodes": tr("{count} nodes", count=len(self._meant))} if many else args
        go = partial(self._context.start, deed.command, None, **args)
        wait_s = float(self._context.engine.settings["view.hold_s"])
        if wait_s > 0 and not row.leaves:
            self.pending.hold(row, told, wait_s, go)
        else:
            go()

    def _keep(self) -> None:
        name, view = self.views.currentText().strip(), self._table.view
        held = view.arrangement()
        sort = held["sort"][0] if held["sort"] else None
        self._context.start(
            "view.save", None, name=name, query=self._table.field.text(), page="fleet", grouping=held["group"],
            columns=",".join(column.key for column in view.shown_columns()), sort=("-" * sort[1] + sort[0]) if sort else "",
        )  # fmt: skip

    def _drop(self) -> None:
        if self._view(self.views.currentText()) is not None:
            self._context.start("view.remove", None, view=self.views.currentText())

    def _view(self, name: str) -> SavedView | None:
        return next((view for view in self._context.engine.fleet.views.records if view.name == name), None)

    def _tell_views(self) -> None:
        chosen = self.views.currentText()
        self.views.clear()
        self.views.addItem(tr("All nodes"))
        self.views.addItems(sorted(view.name for view in self._context.engine.fleet.views.records if view.page == "fleet"))
        self.views.setCurrentIndex(max(0, self.views.findText(chosen)))

    def _tell_count(self) -> None:
        count = self._table.model.matching
        self.act.setText(tr("Act on {count} matching", count=count_text(count)))
        self.act.setEnabled(count > 0)
        if self._table.model.total == 0:
            self.hide()
        elif self.parentWidget() is not None:  # without one it would open as a window
            self.show()
