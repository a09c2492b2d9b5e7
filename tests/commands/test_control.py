import dataclasses
from types import SimpleNamespace

import pytest

from app.commands.control import ROWS
from app.engine.base.command import CommandTable, Danger, Role
from app.engine.base.errors import BadInput
from app.engine.control.laws import LAWS
from app.engine.control.records import KINDS


class Control:
    """Notes what it was asked."""

    def __init__(self):
        self.asked = []

    async def run(self, **given):
        self.asked.append(given)
        return {"ticks": 5}

    async def resources(self):
        return {"resources": [dataclasses.asdict(kind) for kind in KINDS.values()]}

    async def trial(self, **given):
        self.asked.append(given)
        return {"per": []}

    async def tune(self, **given):
        self.asked.append(given)
        return {"accepted": False}

    async def confirm(self, **given):
        self.asked.append(given)
        return {"per": []}

    async def replay(self, run_id, **given):
        self.asked.append((run_id, given))
        return {"effect": 0.0}

    async def export(self, run_id, file, *, replace):
        return {"file": f"{run_id} {file} {replace}"}

    def order(self, run_id, order):
        return {"id": run_id, "order": order}

    async def kill(self, run_id):
        return {"id": run_id, "order": "kill", "outcome": "done"}

    def list(self):
        return {"controllers": []}

    def show(self, run_id):
        return {"id": run_id}


@pytest.fixture
def call():
    return SimpleNamespace(engine=SimpleNamespace(control=Control()), actor="me@here", cause="c1")


async def ask(call, name, **given):
    row = CommandTable(ROWS).need(name)
    return await row.run(call, **row.take(given))


async def test_control_run_hands_everything_on_with_who_asked(call):
    assert await ask(call, "control.run", resource="threadpool", seconds="2.5", seed="7") == {"ticks": 5}
    assert call.engine.control.asked == [
        {
            "resource": "threadpool", "seconds": 2.5, "seed": 7, "low": 0, "high": 0, "law": "auto", "mode": "recommend",
            "rate_hz": 0.0, "service_s": 0.05, "policy": "two_choices", "tuned": "", "group": "", "actor": "me@here", "cause": "c1",
        },
    ]  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [{"resource": "gearbox"}, {"seconds": 0}, {"seconds": "nan"}, {"low": -1}, {"law": "warp"}, {"rate_hz": 1e9}, {"seed": -1}],
)
async def test_control_run_refuses_what_is_out_of_range(call, given):
    with pytest.raises(BadInput):
        await ask(call, "control.run", **given)
    assert call.engine.control.asked == []


async def test_control_show_and_control_resources_only_read(call):
    assert await ask(call, "control.show", id="abc") == {"id": "abc"}
    pool, *_ = (await ask(call, "control.resources"))["resources"]
    assert (pool["name"], pool["unit"], pool["low"], pool["high"]) == ("threadpool", "threads", 2, 64)
    for name in ("control.show", "control.resources"):
        row = CommandTable(ROWS).need(name)
        assert (row.danger, row.role) == (Danger.READ, Role.OBSERVER)


def test_choices_are_the_laws_and_resources_there_are():
    choices = {arg.name: arg.choices for arg in CommandTable(ROWS).need("control.run").args}
    assert set(choices["law"]) == set(LAWS)
    assert set(choices["resource"]) <= set(KINDS)


async def test_trials_and_tunings_hand_everything_on(call):
    assert await ask(call, "control.trial", against="static", seeds=10) == {"per": []}
    assert call.engine.control.asked[-1] | {"against": "static", "seeds": 10, "model": "auto"} == call.engine.control.asked[-1]
    assert await ask(call, "control.tune", model="coherent") == {"accepted": False}
    assert await ask(call, "control.confirm", against="static", blocks=40) == {"per": []}
    assert call.engine.control.asked[-1]["blocks"] == 40
    assert await ask(call, "control.replay", id="r1", model="pid") == {"effect": 0.0}
    assert call.engine.control.asked[-1] == ("r1", {"model": "pid", "seconds": 3600.0, "actor": "me@here", "cause": "c1"})


async def test_orders_and_looks(call):
    assert await ask(call, "control.stop", id="r1") == {"id": "r1", "order": "end"}
    assert await ask(call, "control.stop", id="r1", kill=True) == {"id": "r1", "order": "kill", "outcome": "done"}
    assert await ask(call, "control.mode", id="r1", mode="observe") == {"id": "r1", "order": "observe"}
    assert await ask(call, "control.list") == {"controllers": []}
    assert await ask(call, "control.export", id="r1", file="a.html", replace=True) == {"file": "r1 a.html True"}
