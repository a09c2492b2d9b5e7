"""Control: a controller on a real resource, what it aims at, sets and why; and trials of models against peers."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from app.engine.base.text import tr
from app.engine.base.units import bytes_text, count_text, number_text, span_text
from app.engine.control.records import KINDS, SIMULATED
from app.engine.control.report import picked_text, recording_text
from app.engine.jobs.records import LIVE, Job
from app.engine.jobs.runs import Run
from app.views.control_cards import ControllerCards, calm, is_controller, reason_text, size_text
from app.views.control_parts import Intervals, PhasePortrait, SteerBar
from app.views.shell.context import Context
from app.views.shell.page import card
from app.views.shell.run_page import RunPage, result_of
from app.views.widgets.empty import EmptyState
from app.views.widgets.plot import LivePlot

_CURVES = (("target", 0, 0), ("size", 0, 1), ("queue", 1, 0), ("wait_s", 2, 0))


class ControlPage(RunPage):
    """Service times are injected; sizes, queue and waits are measured on the real resource."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, tr("Control"), context.engine.control.records, kept=False)
        self.form = self.add_form(
            "control.run", tr("Run a controller"), hidden=("rate_hz", "service_s", "policy", "nodes", "model", "tuned")
        )
        self.trial = self.add_form(
            "control.trial", tr("Try a model against peers"), hidden=("candidates", "service_s", "weight", "seed")
        )
        self.tuning = self.add_form("control.tune", tr("Tune a model"), hidden=("seed",))
        self.cards = ControllerCards(context, context.engine.control.records)
        self.steer = SteerBar(context)
        self.portrait = PhasePortrait(lambda: self.ring("position"), lambda: self.ring("velocity"))
        self.effects = Intervals()
        context.frames.add(self.portrait, calm(self.portrait.draw))
        self.plots = (
            LivePlot(tr("Target and size"), unit=tr("threads"), steps=True),
            LivePlot(tr("Queue"), unit=tr("tasks")),
            LivePlot(tr("Wait"), unit=tr("s")),
        )
        self.plots[0].add(tr("target"), lambda: self.ring("target"))
        self.plots[0].add(tr("size"), lambda: self.ring("size"))
        self.plots[1].add(tr("queue"), lambda: self.ring("queue"))
        self.plots[2].add(tr("wait"), lambda: self.ring("wait_s"))
        for plot in self.plots:
            context.frames.add(plot, calm(plot.draw))
        self._said = QLabel()
        self._said.setWordWrap(True)
        self._peer = QLabel()
        self._peer.setProperty("role", "muted")
        self._peer.setWordWrap(True)
        self._course = self._laid_course()
        self.what_if = LivePlot(tr("Size under the other model and under its own"), unit=tr("size"), steps=True)
        for name in (tr("other model"), tr("its own")):
            self.what_if.add(name)
        context.frames.add(self.what_if, self.what_if.draw)
        self._replay_card = card(self.what_if)
        self._trial_card = card(self.effects, heading=tr("Effect against each peer, as a share of its cost"))
        self._figures = card(self._said, self._peer, heading=tr("Figures"))
        for part, stretch in (
            (self.cards, 0), (self.steer, 0), (self._course, 1), (self._trial_card, 0), (self._replay_card, 1),
            (self._figures, 0),
        ):  # fmt: skip
            self.content.addWidget(part, stretch)
        for short in (self._trial_card, self._figures):
            short.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.content.addStretch(0)  # under a trial, which has no course to take the room
        self._say_empty()

    def _laid_course(self) -> QWidget:
        grid = QGridLayout()
        grid.setSpacing(12)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(card(self.plots[0]), 0, 0)
        grid.addWidget(card(self.plots[1]), 1, 0)
        grid.addWidget(card(self.plots[2]), 1, 1)
        grid.addWidget(card(self.portrait, heading=tr("Phase portrait")), 0, 1)
        course = QWidget()
        course.setLayout(grid)
        return course

    def _say_empty(self) -> None:
        self.set_empty(
            EmptyState(
                "gauge", tr("No controller has run yet"),
                tr("A controller says how large a real pool of threads should be under a bursty load, inside bounds you set, "
                   "and in the mode apply it grows and shrinks the pool. It runs in a process of its own."),
                tr("Run for 10 seconds"), lambda: self.form.submit() if self.form is not None else None,
            )
        )  # fmt: skip

    def frame_now(self) -> None:
        """Draw the plots."""
        for plot in self.plots:
            plot.draw(wait=True)
        self.what_if.draw(wait=True)
        self.portrait.draw()

    def show_run(self, run: Run, job: Job | None, *, fresh: bool) -> None:
        """Show the course and the figures."""
        result = result_of(run, job)
        if fresh:
            for plot in self.plots:
                plot.clear()
            self.portrait.clear()
        per = result.get("per")
        controller = is_controller(run)
        live, resource = job is not None and job.state in LIVE, str(run.spec.get("resource", "threadpool"))
        self.steer.show_run(
            run.id,
            str(result.get("mode") or run.spec.get("mode", "")),
            live=live,
            controller=controller,
            played=resource in SIMULATED,
            found=(resource, str(run.spec.get("model"))) if result.get("accepted") else None,
        )
        series = result.get("series")
        told = isinstance(series, dict) or self.ring("size") is not None
        self._course.setVisible(controller and (live or told))
        kind = KINDS.get(resource)
        self.plots[0].set_title(tr("Target and size") + (f", {tr(kind.unit)}" if kind is not None else ""))
        self._trial_card.setVisible(isinstance(per, list))
        self._show_replay(result)
        if isinstance(per, list):
            self.effects.show_effects(per)
        if isinstance(series, dict) and self.ring("size") is None:
            at = np.array(series.get("at_s", ()), float)
            for name, number, curve in _CURVES:
                if len(series.get(name, ())) == len(at):
                    self.plots[number].show_data(curve, at, np.array(series[name], float))
            self.portrait.show_data(*(np.array(series.get(name, ()), float) for name in ("position", "velocity")))
        self._said.setText(_said(result, run.spec, live=live))
        self._peer.setText(_settings(result) or _peer(result))
        self._peer.setVisible(bool(self._peer.text()))
        self._figures.setVisible(bool(self._said.text() or self._peer.text()))

    def _show_replay(self, result: Mapping[str, Any]) -> None:
        """Draw the sizes of both models of a replay."""
        laws = result.get("laws") or {}
        both = [laws.get(str(result.get(name, "")), {}).get("sizes") for name in ("model", "against")]
        self._replay_card.setVisible(all(both))
        if all(both):
            for curve, sizes in enumerate(both):
                step_s = float(result.get("seconds", 0)) / max(1, len(sizes))
                self.what_if.show_data(curve, step_s * np.arange(len(sizes), dtype=float), np.array(sizes, float))


def _said(result: Mapping[str, Any], spec: Mapping[str, Any], *, live: bool) -> str:
    write = size_text(spec)
    if "per" in result:
        verdicts = "; ".join(f"{one['against']}: {tr(str(one.get('verdict', '')))}" for one in result["per"])
        if result.get("kind") == "measured":
            where = {"resource": tr(str(result.get("resource", ""))), "blocks": result.get("blocks", "–")}
            return tr("Measured on a real {resource}, {blocks} paired blocks · {verdicts}", **where, verdicts=verdicts)
        said = tr("Simulated, {seeds} paired loads · {verdicts}", seeds=result.get("seeds", "–"), verdicts=verdicts)
        return " · ".join(filter(None, (said, picked_text(result), recording_text(result))))
    if "accepted" in result:
        return _tuned(result)
    if "effect" in result and "laws" in result:
        return _replayed(result)
    if "ticks" in result:
        return _figured(result, write)
    said = _now(result, write) if "size" in result else ""
    return tr("when it was last heard: {said}", said=said) if said and not live else said


def _figured(result: Mapping[str, Any], write: Callable[[float], str]) -> str:
    mean, unit = number_text(result.get("mean_size", 0), ".1f"), tr(str(result.get("unit", "threads")))
    if write is bytes_text:
        mean, unit = write(result.get("mean_size", 0)).rsplit("\u2009", 1)
    return tr(
        "{tasks} tasks in {ticks} ticks · mean size {size} {unit} · wait p50 {p50}, p99 {p99} · {resizes} resizes · "
        "{outside} outside the bounds · controller {overhead} of a core",
        tasks=count_text(result.get("tasks", 0)), ticks=result["ticks"],
        size=mean, unit=unit,
        p50=span_text(result.get("p50_wait_s")), p99=span_text(result.get("p99_wait_s")),
        resizes=result.get("resizes", "–"), outside=result.get("bounds_violations", "–"),
        overhead=number_text(100 * result.get("overhead_ratio", 0), ".1f") + "\u202f%",
    )  # fmt: skip


def _share(effect: float) -> str:
    """Return how large an effect is either way; less or more stands beside it."""
    return number_text(100 * abs(effect), ".1f") + "\u202f%"


def _replayed(result: Mapping[str, Any]) -> str:
    names = {"model": result.get("model", ""), "against": result.get("against", ""), "effect": _share(result["effect"])}
    more = tr("Simulated: {model} would have cost {effect} more than {against}", **names)
    said = tr("Simulated: {model} would have cost {effect} less than {against}", **names) if result["effect"] >= 0 else more
    since_s = result.get("mode_since_s") or 0.0
    return f"{said} · {tr('since its mode last changed')}" if 0 < since_s >= result.get("from_s", 0.0) else said


def _tuned(result: Mapping[str, Any]) -> str:
    effect = _share(result["effect"])
    more = tr("Simulated, on loads the search has not seen: {effect} more cost than before", effect=effect)
    said = tr("Simulated, on loads the search has not seen: {effect} less cost than before", effect=effect)
    said = said if result["effect"] >= 0 else more
    told = tr("accepted") if result["accepted"] else tr("refused, the interval shows no improvement")
    if result.get("windows") == 0:
        told = tr("refused, the recording is too short to confirm it")
    told_more = picked_text({**result, "picked": {"law": result.get("law")}}), recording_text(result)
    return " · ".join(filter(None, (said, told, *told_more)))


def _now(result: Mapping[str, Any], write: Callable[[float], str]) -> str:
    reason = str(result.get("reason", ""))
    said = tr(
        "target {target} · size {size} · queue {queue} · wait {wait}",
        target=write(result.get("target", 0)), size=write(result["size"]),
        queue=number_text(result.get("queue", 0), ".0f"), wait=span_text(result.get("wait_s")),
    )  # fmt: skip
    return f"{said} · {reason_text(reason)}" if reason else said


def _settings(result: Mapping[str, Any]) -> str:
    """Return what a tuning found, or what steered a run that was given a tuning."""
    found = result.get("settings") or {}
    said = ", ".join(f"{name} {number_text(value, '.4g')}" for name, value in found.items())
    if not said or "accepted" not in result:
        return ""
    found = tr("Settings found: {settings}", settings=said)
    return found if result["accepted"] else tr("Settings tried best, not taken: {settings}", settings=said)


def _peer(result: Mapping[str, Any]) -> str:
    static = result.get("static")
    if not isinstance(static, dict):
        return ""
    return tr(
        "◇ Simulated: a pool fixed at {size} threads, the same mean size, waits p50 {p50}, p99 {p99} under the same load",
        size=static.get("size", "–"), p50=span_text(static.get("p50_wait_s")), p99=span_text(static.get("p99_wait_s")),
    )  # fmt: skip
