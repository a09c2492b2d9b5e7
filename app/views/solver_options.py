"""The settings of the solver that is picked in a form, drawn from what the solver says of itself."""

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from app.engine.base.text import tr
from app.engine.qubo.records import SolverCard
from app.views.shell import theme
from app.views.shell.fields import Field
from app.views.shell.forms import CommandForm


class SolverOptions(QWidget):
    """Writes what differs from a solver's own choice into the form's field `options`; `auto` has nothing to set."""

    def __init__(self, form: CommandForm, cards: Callable[[], Sequence[SolverCard]]) -> None:
        super().__init__()
        self.setProperty("clear", True)
        self._form, self._cards = form, cards
        self.fields: list[Field] = []
        self.about = QLabel()
        self.about.setProperty("role", "caption")
        self.about.setWordWrap(True)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(2 * theme.SPACE)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.about)
        column.addLayout(self._grid)
        self._solver = ""
        form.field("solver").edited.connect(self._renew)
        self._renew()

    def _renew(self) -> None:
        """Draw the settings of the solver that is picked now."""
        solver = str(self._form.field("solver").given() or "")
        if solver == self._solver:
            return
        self._solver = solver
        for field in self.fields:
            self._grid.removeWidget(field)
            field.deleteLater()
        card = next((card for card in self._cards() if card.name == solver), None)
        self.fields = [Field(arg, helped=False) for arg in card.options] if card is not None else []
        for at, field in enumerate(self.fields):
            field.edited.connect(self._tell)
            self._grid.addWidget(field, at // 2, at % 2)
        self.about.setText(f"{tr(card.title)}: {tr(card.help)}" if card is not None else "")
        self.setVisible(card is not None)
        self._tell()

    def _tell(self) -> None:
        """Write what was set into the form; what is wrong stays in its field, and out of the form."""
        told = {field.arg.name: field.given() for field in self.fields if field.check() is None}
        given = [f"{field.arg.name}={told[field.arg.name]}" for field in self.fields
                 if told.get(field.arg.name) not in (None, str(field.arg.default))]  # fmt: skip
        self._form.field("options").show_value(",".join(given))
        self._form.check()
