"""The first ten minutes: five steps on the Overview, each ticked when it has been done; hidden for good on request."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout

from app.engine.base.text import tr
from app.views.shell import theme
from app.views.shell.context import Context, hold
from app.views.shell.icons import icon
from app.views.shell.later import Later
from app.views.widgets.state import dress


@dataclass(frozen=True)
class Step:
    """One thing to try: what it is called, why, how to begin, and whether it has been done."""

    name: str
    title: str
    why: str
    act: Callable[[], None]
    done: Callable[[], bool]
    command: str = ""


def steps(context: Context) -> list[Step]:
    """Return the steps in their order."""
    engine = context.engine
    return [
        Step("fleet", tr("Start the demo fleet"), tr("Six agents, as processes of this machine"),
             partial(context.start, "fleet.demo", None, nodes=6), lambda: len(engine.fleet.records) > 0, "fleet.demo"),
        Step("qubo", tr("Solve a problem"), tr("The form on the QUBO page is filled in"),
             partial(context.open_page, "qubo"), lambda: len(engine.qubo.records) > 0),
        Step("circuits", tr("Run a circuit"), tr("Choose one that came along"),
             partial(context.open_page, "circuits"), lambda: len(engine.circuits.records) > 0),
        Step("learning", tr("Train over the nodes"), tr("The data stays where it is"),
             partial(context.open_page, "learning"), lambda: len(engine.learning.records) > 0),
        Step("control", tr("Watch a controller"), tr("A thread pool under a bursty load"),
             partial(context.open_page, "control"), lambda: len(engine.control.records) > 0),
    ]  # fmt: skip


class Guide(QFrame):
    """A strip of steps above the page."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.setProperty("card", True)
        self._context = context
        self._steps = steps(context)
        self.buttons: dict[str, QPushButton] = {}
        self._marks: dict[str, QLabel] = {}
        self._wanted = not context.view.get("guide", "hidden")
        self._here = False
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 8, 8, 8)
        line.setSpacing(4 * theme.SPACE)
        for step in self._steps:
            line.addLayout(self._column(step), 1)
        close = QToolButton()
        close.setIcon(icon("x"))
        close.setAccessibleName(tr("Hide the first steps"))
        close.setToolTip(tr("Hide the first steps; the palette brings them back"))
        close.clicked.connect(lambda _on=False: self.dismiss())
        line.addWidget(close)
        engine = context.engine
        later = Later(self.tell, 200, self)
        groups = (engine.fleet, engine.qubo, engine.circuits, engine.learning, engine.control)
        hold(self, *(group.records.watch(lambda _change: later.ask()) for group in groups))
        self.tell()

    @property
    def done(self) -> list[str]:
        """Return the names of the steps that have been done."""
        return [step.name for step in self._steps if step.done()]

    def place(self, page: str) -> None:
        """The page called `page` is open; the guide stands on the Overview only."""
        self._here = page == "overview"
        self.tell()

    def dismiss(self) -> None:
        """Hide the guide, at later starts too."""
        self._keep(wanted=False)

    def bring_back(self) -> None:
        """Show the guide again."""
        self._keep(wanted=True)

    def tell(self) -> None:
        """Tick what has been done."""
        done = self.done
        for step in self._steps:
            ready = step.name in done
            mark = self._marks[step.name]
            mark.setText(tr("● done") if ready else step.why)
            dress(mark, "ok" if ready else "muted")
            why = self._context.why_not(step.command) if step.command else ""
            self.buttons[step.name].setEnabled(not ready and not why)
            self.buttons[step.name].setToolTip(why)
        self.setVisible(self._here and self._wanted and len(done) < len(self._steps))

    def _column(self, step: Step) -> QVBoxLayout:
        button = QPushButton(step.title)
        button.setAccessibleDescription(step.why)
        button.clicked.connect(lambda _on=False: step.act())
        mark = QLabel()
        mark.setProperty("role", "caption")
        mark.setWordWrap(True)
        self.buttons[step.name], self._marks[step.name] = button, mark
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addWidget(button)
        column.addWidget(mark)
        return column

    def _keep(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self._context.view.put("guide", not wanted, "hidden")
        self._context.view.save()
        self.tell()
