"""Models: every version with its state, size and accuracy; promote, retire, make smaller, compare, plan its rollout."""

from functools import partial
from typing import Any, Final

from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.engine.base.text import tr
from app.engine.base.units import bytes_text, ratio_text, span_text
from app.engine.models.records import GONE, ModelVersion
from app.views.shell.context import Context
from app.views.shell.page import card
from app.views.widgets.columns import Column
from app.views.widgets.empty import EmptyState
from app.views.widgets.explain import explain
from app.views.widgets.state import state_text, token_of
from app.views.widgets.table import TablePanel

_ACTS: Final = ("rollout.plan", "model.promote", "model.quantize", "model.prune", "model.compare", "model.retire", "model.sign")


def model_columns() -> list[Column[ModelVersion]]:
    """Return the columns of the table of versions."""
    return [
        Column("title", tr("Model"), lambda model: model.title, width=120),
        Column("state", tr("State"), lambda model: model.state, state_text, 100, token=lambda model: token_of(model.state)),
        Column("size", tr("Size"), lambda model: model.size_bytes, bytes_text, 80, right=True),
        Column("accuracy", tr("Accuracy"), lambda model: model.metrics.get("accuracy"), ratio_text, 80, right=True),
        Column("kind", tr("Made by"), lambda model: str(model.lineage.get("kind", "")), width=100),
        Column("from", tr("From"), lambda model: str(model.lineage.get("from_title", "")), width=100),
        Column("artifact", tr("Content"), _content, width=110, mono=True),
    ]


def _content(model: ModelVersion) -> str:
    return tr("let go of") if model.file == GONE else model.artifact[7:19]


class ModelsPanel(QWidget):
    """The table of versions, what is known of the picked one, and what can be done with it."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context, self._picked = context, ""
        empty = EmptyState(
            "binary", tr("No models yet"),
            tr("A model is an ONNX file with a version. Train one over the nodes and export it, or import a file."),
            tr("Import a model"), partial(context.open_command, "model.import", {}),
        )  # fmt: skip
        self.table = TablePanel(context.engine.models.records, model_columns(), name=tr("Models"), empty=empty)
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.said.setProperty("role", "muted")
        self.buttons = {command: self._button(command) for command in _ACTS if context.find(command) is not None}
        bar = QHBoxLayout()
        for button in self.buttons.values():
            bar.addWidget(button)
        bar.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.table, 1)
        self.about = card(self.said, bar)
        column.addWidget(self.about)
        self.table.on_picked(self.show_model)
        self.show_model("")

    def show_model(self, key: str) -> None:
        """Show what is known of one version."""
        model = self._context.engine.models.records.get(key) if key else None
        self._picked = model.title if model is not None else ""
        self.about.setVisible(model is not None)
        self.said.setText(trial_text(model) if model is not None else "")
        for command, button in self.buttons.items():
            why = self._context.why_not(command)
            button.setEnabled(model is not None and not why)
            button.setToolTip(why)

    def _button(self, command: str) -> QPushButton:
        row = self._context.find(command)
        button = QPushButton(tr(row.title) if row is not None else command)
        explain(button, tr(row.help) if row is not None else "")
        button.clicked.connect(lambda _checked=False: self._context.open_command(command, {"model": self._picked}))
        return button


def trial_text(model: ModelVersion) -> str:
    """Return what the registry knows of how a version does, as a sentence."""
    if model.file == GONE:
        return tr("The file of {title} was let go of; what is known of it stays.", title=model.title)
    trial: Any = model.metrics.get("trial") or {}
    if not trial:
        return tr(
            "{title}, {size}. It was not tried against another version.", title=model.title, size=bytes_text(model.size_bytes)
        )
    return tr(
        "{title} agrees with {old} on {agreement} of {rows} rows; p50 {before} → {after}; {size_before} → {size_after}.",
        title=model.title, old=str(model.lineage.get("from_title", "")), agreement=ratio_text(trial["agreement_ratio"]),
        rows=trial["rows"], before=span_text(trial["latency_before_s"]), after=span_text(trial["latency_after_s"]),
        size_before=bytes_text(trial["size_before_bytes"]), size_after=bytes_text(trial["size_after_bytes"]),
    )  # fmt: skip
