"""Which run stands beside the one that is shown: another one with outcomes of the same bits, or an ideal one made for it."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from PySide6.QtWidgets import QLabel

from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.circuits.comparing import verdict_text
from app.engine.jobs.runs import Run
from app.views.shell.context import Context
from app.views.widgets.choice import Choice
from app.views.widgets.explain import explain
from app.views.widgets.jobs import ago_text

_IDEAL: Final = "ideal"
_MOST: Final = 30
_LETTERS: Final = 30


class RunBeside(Choice):
    """The runs that can stand beside the shown one; `command` compares two, and `_tell` of a subclass shows what it told."""

    def __init__(self, context: Context, runs: Records[Run], command: str, about: str) -> None:
        super().__init__()
        self._context, self._runs, self._command = context, runs, command
        self._run: Run | None = None
        self.setAccessibleName(tr("Beside"))
        explain(self, about)
        self.activated.connect(self._chosen)

    def put(self, run_id: str) -> None:
        """Put the run called `run_id` beside the shown one."""
        at = self.findData(run_id)
        if at > 0 and self._run is not None:
            self.setCurrentIndex(at)
            self._context.start(self._command, partial(self._compared, self._run.id, run_id), first=self._run.id, second=run_id)

    def _list(self, run: Run, alike: Iterable[tuple[str, Run]], letters: int, *made: tuple[str, str]) -> None:
        """List what can stand beside `run`: what can be `made` for it (text, data), then runs with what tells them apart."""
        self._run = run
        self.clear()
        for text, data in ((tr("Nothing beside"), ""), *made):
            self.addItem(text, data)
        for text, one in islice(alike, _MOST):
            self.addItem(f"{text} · {ago_text(self._context.engine.clock, one.created_us)}", one.id)
        self.narrow()
        self.setMinimumContentsLength(letters)

    def _compared(self, first: str, second: str, told: Mapping[str, Any]) -> None:
        if self._run is not None and self._run.id == first and self.currentData() == second:
            self._tell(told)

    def _chosen(self, at: int) -> None:
        wanted = str(self.itemData(at) or "")
        if wanted:
            self.put(wanted)
        else:
            self._tell(None)

    def _tell(self, _told: Mapping[str, Any] | None) -> None:
        """Show what the command told of both; None: nothing stands beside."""


class Beside(RunBeside):
    """The runs of circuits beside the shown one; `show` gets the counts of the chosen one, or None, and both names."""

    def __init__(
        self, context: Context, runs: Records[Run], pick: Callable[[str], None], show: Callable[[Any, tuple[str, ...]], None]
    ) -> None:
        super().__init__(context, runs, "circuit.compare", tr("Another run whose outcomes stand beside these"))
        self._pick, self._show = pick, show
        self.said = QLabel()
        self.said.setProperty("role", "muted")
        self.said.setWordWrap(True)
        self.said.setVisible(False)
        self.narrow()

    def offer(self, run: Run) -> None:
        """List what can stand beside `run`, which is shown from now on."""
        noisy = run.spec.get("noise", "none") != "none" and not self._context.why_not("circuit.run")
        alike = [one for one in self._runs if one.id != run.id and _bits(one) == _bits(run)]
        alike.sort(key=lambda one: (one.source != run.source, -one.created_us))
        made = [(tr("Ideal run of this circuit"), _IDEAL)] if noisy else []
        self._list(run, ((_title(one), one) for one in alike), _LETTERS, *made)
        self.setVisible(self.count() > 1)
        self._tell(None)

    def _chosen(self, at: int) -> None:
        if self.itemData(at) == _IDEAL:
            self._run_ideal()
        else:
            super()._chosen(at)

    def _run_ideal(self) -> None:
        run = self._run
        if run is None:
            return
        spec = run.spec
        given = {"text": spec["text"]} if spec.get("text") else {"file": Path(str(spec["file"]))}
        shots = int(spec.get("shots", 1024))
        self._context.start("circuit.run", partial(self._ran, run.id), **given, shots=shots, simulator="auto", noise="none")

    def _ran(self, noisy_id: str, result: Mapping[str, Any]) -> None:
        self._pick(noisy_id)
        run = self._run
        if run is not None and run.id == noisy_id:
            self.offer(run)
            self.put(str(result.get("id", "")))

    def _tell(self, told: Mapping[str, Any] | None) -> None:
        self.said.setText(verdict_text(told) if told else "")
        self.said.setVisible(bool(told))
        other = self._runs.get(str(self.currentData() or "")) if told else None
        if other is not None and self._run is not None:
            self._show((other.result or {}).get("counts"), (_title(self._run), _title(other)))
        else:
            self._show(None, ())


def _title(run: Run) -> str:
    result = run.result or {}
    noise = (result.get("noise") or {}).get("title") or tr("ideal")
    return " · ".join((run.source, str(result.get("simulator", "")), noise))


def _bits(run: Run) -> tuple[int, ...]:
    """Return the lengths of the registers that a run's outcomes tell; empty when it has none."""
    counts = (run.result or {}).get("counts") or {}
    return next((tuple(map(len, str(key).split(" "))) for key in counts), ())
