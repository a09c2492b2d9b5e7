"""The sheet of a plan, before anything happens: who gets the model, who does not and why, and what it costs each link."""

from functools import partial
from typing import Any, Final

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QSplitter, QVBoxLayout, QWidget

from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.base.units import bytes_text, span_text
from app.engine.fleet.targets import VIEW
from app.views.shell import theme
from app.views.shell.context import Context, hold
from app.views.widgets.choice import Choice
from app.views.widgets.columns import Column
from app.views.widgets.explain import explain
from app.views.widgets.table import TablePanel

Row = dict[str, Any]
_GROUPS: Final = "10%,rest"


class PlanSheet(QWidget):
    """Asks for a model, nodes and groups; shows what would happen; keeps the plan when told to. `kept` gets its id."""

    def __init__(self, context: Context, kept: Any) -> None:
        super().__init__()
        self._context, self._kept = context, kept
        self._asked: Row = {}
        self.model, self.nodes, self.groups = Choice(), Choice(), QLineEdit(_GROUPS)
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.links: Records[Row] = Records(lambda row: str(row["site"]), "link")
        self.excluded: Records[Row] = Records(lambda row: str(row["name"]), "node")
        self.show_plan = QPushButton(tr("Show the plan"))
        self.keep, self.more = QPushButton(tr("Keep this plan")), QPushButton(tr("All settings"))
        explain(self.model, tr("The version that the nodes are to run"))
        explain(self.keep, tr("Keep it as a rollout; nothing leaves before it is started"))
        explain(self.more, tr("Open the form with every setting of a rollout"))
        self._lay_out()
        self.show_plan.clicked.connect(lambda _on=False: self._ask())
        self.keep.clicked.connect(lambda _on=False: self._keep())
        self.more.clicked.connect(lambda _on=False: context.open_command("rollout.plan", self._given()))
        hold(
            self, context.engine.models.records.watch(lambda _change: self.tell()),
            context.engine.fleet.views.records.watch(lambda _change: self.tell()),
        )  # fmt: skip
        self.tell()

    def tell(self) -> None:
        """Offer the models and the saved views there are."""
        models = sorted(self._context.engine.models.records, key=lambda each: (each.name, -each.version))
        views = sorted(view.name for view in self._context.engine.fleet.views.records)
        _offer(self.model, [model.title for model in models if model.state != "retired"])
        _offer(self.nodes, ["all", *(f"{VIEW}{name}" for name in views)])
        self.show_plan.setEnabled(self.model.count() > 0)
        self.show_plan.setToolTip("" if self.model.count() else tr("No model is registered yet"))

    def show_kept(self, told: Row) -> None:
        """Show the plan that a rollout was made from; it is kept already."""
        self._asked = {}
        self.show_result(told)
        self.keep.setEnabled(False)

    def show_result(self, told: Row) -> None:
        """Show a plan as the engine told it."""
        undo = [
            tr("{count} back to version {version}", count=each["nodes"], version=each["version"])
            if each["possible"] else tr("{count} have none to go back to", count=each["nodes"])
            for each in told["undo"]
        ]  # fmt: skip
        lines = [
            tr("{title} to {count} nodes, {bytes} in all; left out: {excluded}", title=told["title"], count=told["nodes"],
               bytes=bytes_text(told["bytes"]), excluded=len(told["excluded"])),
            tr("Groups: {groups}", groups=", ".join(f"{group['name']} ({group['count']})" for group in told["groups"])),
            tr("Undoing it: {undo}", undo=", ".join(undo) or "–"),
        ]  # fmt: skip
        if told["needs_approval"]:
            lines.append(tr("Somebody else must approve it before it can start."))
        self.said.setText("\n".join(lines))
        self.links.replace_all(told["links"])
        self.excluded.replace_all(told["excluded"])
        self.tables.show()
        self.keep.setEnabled(True)

    def _lay_out(self) -> None:
        self.nodes.setEditable(True)
        self.nodes.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        for box, name in ((self.model, tr("Model")), (self.nodes, tr("Nodes")), (self.groups, tr("Groups"))):
            box.setAccessibleName(name)
        self.nodes.setToolTip(tr("all, names parted by commas, a query, or view: and the name of a saved view."))
        self.groups.setToolTip(tr("Groups in order: 5, 10%, label.ring=canary or rest, parted by commas."))
        self.keep.setProperty("primary", True)
        self.keep.setEnabled(False)
        top = QHBoxLayout()
        top.setSpacing(2 * theme.SPACE)
        parts = ((tr("Model"), self.model, 1), (tr("Nodes"), self.nodes, 2), (tr("Groups"), self.groups, 1))
        for words, box, room in parts:
            caption = QLabel(words)
            caption.setProperty("role", "caption")
            top.addWidget(caption)
            top.addWidget(box, room)
        for button in (self.more, self.show_plan, self.keep):
            top.addWidget(button)
        links = TablePanel(self.links, _link_columns(), name=tr("Links"), filterable=False)
        left_out = TablePanel(self.excluded, _excluded_columns(), name=tr("Left out"), filterable=False)
        self.tables = QSplitter()
        self.tables.addWidget(links)
        self.tables.addWidget(left_out)
        self.tables.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(2 * theme.SPACE)
        column.addLayout(top)
        column.addWidget(self.said)
        column.addWidget(self.tables, 1)
        column.addStretch(0)
        for box in (self.model, self.nodes):
            box.currentTextChanged.connect(partial(self._changed))
        self.groups.textChanged.connect(partial(self._changed))

    def _given(self) -> Row:
        return {
            "model": self.model.currentText(),
            "nodes": self.nodes.currentText().strip() or "all",
            "groups": self.groups.text(),
        }

    def _changed(self, _text: str = "") -> None:
        """What is shown is no longer what would be kept."""
        self.keep.setEnabled(bool(self._asked) and self._given() == self._asked)

    def _ask(self) -> None:
        self._asked = self._given()
        self._context.start("rollout.plan", self.show_result, keep=False, **self._asked)

    def _keep(self) -> None:
        self._context.start("rollout.plan", lambda told: self._kept(str(told["rollout"])), keep=True, **self._asked)


def _offer(box: Choice, texts: list[str]) -> None:
    if [box.itemText(at) for at in range(box.count())] == texts:
        return
    chosen = box.currentText()
    box.clear()
    box.addItems(texts)
    if chosen in texts or (box.isEditable() and chosen):
        box.setCurrentText(chosen)


def _link_columns() -> list[Column[Row]]:
    return [
        Column("site", tr("Site"), lambda row: row["site"], width=120),
        Column("nodes", tr("Nodes"), lambda row: row["nodes"], width=64, right=True),
        Column("bytes", tr("Bytes"), lambda row: row["bytes"], bytes_text, 96, right=True),
        Column("seconds", tr("Time"), lambda row: row["seconds"], span_text, 96, right=True,
               hint=tr("At the speed the link may carry; empty where that is not known")),
    ]  # fmt: skip


def _excluded_columns() -> list[Column[Row]]:
    return [
        Column("name", tr("Left out"), lambda row: row["name"], width=120),
        Column("reason", tr("Why"), lambda row: row["reason"], width=240),
    ]
