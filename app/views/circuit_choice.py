"""The circuits there are, those kept in this home first: a choice that is always up to date."""

from PySide6.QtCore import Qt

from app.engine.base.events import CommandFinished
from app.views.shell.context import Context, hold
from app.views.widgets.choice import Choice
from app.views.widgets.explain import explain

_CHANGING = "circuit.import"


class CircuitChoice(Choice):
    """Kept and bundled circuits under a first line `heading`; the data of each is its file."""

    def __init__(self, context: Context, heading: str, name: str, about: str) -> None:
        super().__init__()
        self._context, self._heading = context, heading
        self.setAccessibleName(name)
        explain(self, about)
        hold(self, context.engine.bus.subscribe(self._finished, CommandFinished))
        self.fill()

    @property
    def file(self) -> str:
        """Return the file that is chosen; empty while none is."""
        return str(self.currentData() or "")

    def fill(self) -> None:
        """List the circuits there are now; what is chosen stays so."""
        chosen = self.file
        self.clear()
        self.addItem(self._heading, "")
        for sample in self._context.engine.circuits.samples():
            self.addItem(sample.name, sample.file)
            self.setItemData(self.count() - 1, sample.title, Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(max(0, self.findData(chosen)))

    def showPopup(self) -> None:
        """Show the list as it is now: another console may have kept one."""
        self.fill()
        super().showPopup()

    def _finished(self, event: CommandFinished) -> None:
        if event.command == _CHANGING and event.outcome == "ok":
            self.fill()
