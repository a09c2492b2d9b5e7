from pathlib import Path
from types import SimpleNamespace

import pytest

from app.commands.circuit_device import ROWS
from app.engine.base.command import CommandTable, Danger
from app.engine.base.errors import BadInput
from app.engine.circuits import devices


class Compiler:
    """Notes what it was asked."""

    def __init__(self):
        self.asked = []

    async def compile(self, **given):
        self.asked.append(given)
        return {"router": given["router"]}

    async def estimate(self, **given):
        self.asked.append(given)
        return {"devices": []}

    async def adopt(self, **given):
        self.asked.append(given)
        return {"device": "mine"}

    def devices(self):
        return [devices.read(devices.known()["ibm_manila"])]


@pytest.fixture
def call():
    circuits = SimpleNamespace(compiler=Compiler())
    return SimpleNamespace(engine=SimpleNamespace(circuits=circuits), actor="me@here", cause="c1")


async def ask(call, command, /, **given):
    row = CommandTable(ROWS).need(command)
    return await row.run(call, **row.take(given))


async def test_circuit_compile_takes_level_three_and_the_smaller_router_unless_told(call):
    assert await ask(call, "circuit.compile", file="a.qasm", device="ibm_torino", out="b.qasm") == {"router": "auto"}
    (asked,) = call.engine.circuits.compiler.asked
    assert (asked["file"], asked["device"], asked["out"]) == (Path("a.qasm"), "ibm_torino", Path("b.qasm"))
    assert (asked["level"], asked["check"], asked["replace"], asked["actor"]) == (3, True, False, "me@here")


async def test_circuit_compile_refuses_a_level_there_is_not(call):
    with pytest.raises(BadInput, match="level must be between 0 and 3"):
        await ask(call, "circuit.compile", file="a.qasm", level=4)


async def test_circuit_estimate_asks_all_devices_and_leaves_no_audit_entry(call):
    assert await ask(call, "circuit.estimate", file="a.qasm") == {"devices": []}
    assert call.engine.circuits.compiler.asked[0]["device"] == "all"
    assert CommandTable(ROWS).need("circuit.estimate").danger is Danger.READ


async def test_circuit_devices_tells_date_and_source(call):
    (row,) = (await ask(call, "circuit.devices"))["devices"]
    assert (row["device"], row["qubits"], row["taken"][:10]) == ("ibm_manila", 5, "2024-05-27")
    assert "Apache-2.0" in row["source"]


async def test_circuit_adopt_hands_the_file_on(call):
    assert await ask(call, "circuit.adopt", file="mine.json") == {"device": "mine"}
    assert call.engine.circuits.compiler.asked == [{"file": Path("mine.json"), "replace": False}]
