import numpy as np

from app.engine.base.rings import Ring
from app.views.control_parts import Intervals, PhasePortrait, SteerBar


def ring(values):
    made = Ring()
    made.extend(np.arange(len(values), dtype=float), np.array(values, float))
    return made


def test_the_portrait_pulls_only_what_is_new(qtbot):
    position, velocity = ring([1.0, 2.0, 3.0]), ring([0.0, 1.0])
    made = PhasePortrait(lambda: position, lambda: velocity)
    qtbot.addWidget(made)
    made.resize(200, 120)
    assert made.draw()
    assert not made.draw()
    assert (made.at.tolist(), made.v.tolist()) == ([2.0, 3.0], [0.0, 1.0])
    assert not made.grab().isNull()
    made.clear()
    assert len(made.at) == 0
    assert not PhasePortrait(lambda: None, lambda: None).draw()


def test_the_portrait_of_an_earlier_run_is_drawn_of_what_was_kept(qtbot):
    made = PhasePortrait(lambda: None, lambda: None)
    qtbot.addWidget(made)
    made.resize(200, 120)
    made.show_data(np.arange(400.0), np.ones(400))
    assert (made.at[0], len(made.v)) == (100.0, 300)
    assert made.accessibleDescription() == "Demand 399 workers, changing by +1 a second"
    made.show_data(np.empty(0), np.empty(0))
    assert not made.grab().isNull()


def test_intervals_are_told_to_those_who_cannot_see_them(qtbot):
    made = Intervals()
    qtbot.addWidget(made)
    made.show_effects([{"against": "pid", "effect": 0.05, "low": 0.03, "high": 0.07, "verdict": "better"}])
    assert made.accessibleDescription() == "pid +5.0\u2009%: better"
    made.resize(320, 40)
    assert not made.grab().isNull()


def test_the_bar_offers_what_fits(qtbot):
    asked = []

    opened = []

    class Stub:
        def open_command(self, command, args):
            opened.append((command, args))

        def start(self, command, _done, /, **args):
            asked.append((command, args))

    bar = SteerBar(Stub())
    qtbot.addWidget(bar)
    bar.show_run("r1", "recommend", live=True, controller=True)
    assert bar.mode.currentData() == "recommend"
    assert not bar.replay.isHidden()
    assert bar.report.isHidden()
    bar.mode.setCurrentIndex(2)
    bar.mode.activated.emit(2)
    assert asked.pop() == ("control.mode", {"id": "r1", "mode": "apply"})
    assert bar.mode.currentData() == "recommend"  # until the controller tells another
    bar.show_run("r1", "killed", live=True, controller=True)
    assert not bar.mode.isEnabled()
    assert not bar.kill.isEnabled()
    bar.end.click()
    assert bar.mode.currentIndex() == -1
    bar.show_run("r1", "recommend", live=False, controller=True)
    assert (bar.mode.currentIndex(), bar.mode.isEnabled()) == (-1, False)
    assert bar.end.isHidden()
    bar.model.setCurrentIndex(bar.model.findData("pid"))
    bar.replay.click()
    assert asked == [("control.stop", {"id": "r1"}), ("control.replay", {"id": "r1", "model": "pid"})]
    bar.show_run("r2", "", live=False, controller=False)
    assert bar.replay.isHidden()
    bar.report.click()
    assert opened == [("control.export", {"id": "r2"})]
    assert bar.use.isHidden()
    bar.show_run("r3", "", live=False, controller=False, found=("threadpool", "auto"))
    bar.use.click()
    bar.confirm.click()
    assert opened[1:] == [
        ("control.run", {"resource": "threadpool", "law": "auto", "tuned": "r3"}),
        ("control.confirm", {"resource": "threadpool", "model": "auto", "tuned": "r3"}),
    ]
    bar.show_run("r4", "", live=False, controller=False, found=("ratelimit", "auto"))
    assert bar.confirm.isHidden()  # it serves no tasks that could tell models apart
