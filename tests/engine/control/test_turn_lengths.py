"""Turns are as long as somebody asks, or as a slow sensor makes them: every law must hold a steady demand at any length."""

import pytest

from app.engine.base.contracts import ResourceState
from app.engine.control.bank import MODELS, ControllerBank
from app.engine.control.controller import Controller, Manner
from app.engine.control.envelope import Envelope
from app.engine.control.laws import LAWS
from app.engine.control.physics import Optomechanical, parts_of
from app.engine.control.quantum import QuantumController

SERVICE_S, DEMAND = 0.05, 20.0
LENGTHS_S = (0.02, 0.1, 0.15, 0.2, 0.25, 0.5, 1.0, 30.0)


class Steady:
    """Twenty workers' work without end, in a time of its own; what is not served waits."""

    name, unit, low, high, plant, delay_s = "steady", "workers", 1.0, 64.0, "sizing", 0.1

    def __init__(self):
        self.now_s, self.size, self.queue = 0.0, 10.0, 0.0

    def clock(self):
        return self.now_s

    def step(self, dt_s):
        self.now_s += dt_s
        work = self.queue * SERVICE_S + (DEMAND - self.size) * dt_s
        self.queue = max(0.0, work) / SERVICE_S

    def measure_state(self):
        busy = min(self.size, DEMAND) if not self.queue else self.size
        wait_s = self.queue * SERVICE_S / self.size
        return ResourceState(self.now_s, DEMAND, 0.0, 0.0, self.size, self.queue, wait_s, DEMAND, SERVICE_S, busy,
                             wait_s + SERVICE_S, SERVICE_S, busy / SERVICE_S)  # fmt: skip

    def apply_control(self, new_size):
        self.size = float(round(new_size))
        return self.size

    def get_metrics(self):
        return {}


def played(plant, turn, dt_s, turns=60):
    """Return the last sizes, after ten seconds at least: longer than any law remembers."""
    sizes = []
    for _ in range(max(turns, round(10 / dt_s))):
        plant.step(dt_s)
        turn()
        sizes.append(plant.size)
    return sizes[-20:]


# PID's gains are by the second and fit turns of a tenth: for longer ones it is to be tuned, as `tune` does with the turn it has.
STEADY = [(law, dt_s) for law in LAWS.values() if law.name not in {"literal", "static"} for dt_s in LENGTHS_S
          if law.name != "pid" or dt_s <= 0.25]  # fmt: skip


@pytest.mark.parametrize(("law", "dt_s"), STEADY, ids=lambda one: getattr(one, "name", one))
def test_every_law_holds_a_steady_demand_at_any_length_of_turn(law, dt_s):
    plant = Steady()
    envelope = Envelope(1, 64, 10, stale_s=2 * dt_s, lost_s=3 * dt_s)
    controller = Controller(plant, law, envelope, 10.0, manner=Manner("apply", max(0.1, dt_s)))
    sizes = played(plant, lambda: controller.tick(plant.now_s), dt_s)
    assert min(sizes) >= 15
    assert max(sizes) <= 34
    assert sum(sizes) / len(sizes) >= DEMAND - 0.5


@pytest.mark.parametrize("dt_s", LENGTHS_S)
@pytest.mark.parametrize("name", list(MODELS))
def test_so_does_a_bank_and_a_started_controller(name, dt_s):
    for made in (QuantumController, lambda plant, *rest, **more: ControllerBank([plant], *rest, **more)):
        plant = Steady()
        steered = made(plant, name, mode="apply", tick_s=dt_s, clock=plant.clock)
        sizes = played(plant, steered.optimize, dt_s)
        assert min(sizes) >= 19
        assert max(sizes) <= 32


def test_turns_that_come_late_upset_no_spring():
    plant = Steady()
    steered = QuantumController(plant, "optomechanical", mode="apply", clock=plant.clock)
    played(plant, steered.optimize, 0.1, 40)
    for late_s in (0.2, 0.23, 0.3, 0.25, 0.2):
        plant.step(late_s)
        steered.optimize()
        assert 19 <= plant.size <= 32


def test_a_turn_of_a_tenth_of_a_second_has_four_parts_as_it_was_tuned_with():
    assert parts_of(0.1) == (4, 0.025)
    assert parts_of(0.02) == (4, 0.005)
    assert parts_of(1.0) == (40, 0.025)
    parts, part_s = parts_of(1e6)
    assert parts <= 400
    assert part_s <= 0.025
    assert max(Optomechanical.space["omega"][:2]) * part_s < 1
