from pathlib import Path
from types import SimpleNamespace

import pytest

from app.commands.circuit import ROWS
from app.engine.base.command import CommandTable, Danger
from app.engine.base.errors import BadInput
from app.engine.circuits.samples import bundled


class Files:
    """Notes what it was asked."""

    def __init__(self, asked):
        self.asked = asked

    async def take(self, **given):
        self.asked.append(given)
        return {"file": "kept"}

    async def export(self, **given):
        self.asked.append(given)
        return {"format": given["form"]}


class Circuits:
    """Notes what it was asked."""

    def __init__(self):
        self.asked = []
        self.files = Files(self.asked)

    async def run(self, **given):
        self.asked.append(given)
        return {"counts": {"0": given["shots"]}}

    async def expect(self, **given):
        self.asked.append(given)
        return {"value": 1.0}

    async def describe(self, **given):
        self.asked.append(given)
        return {"text": "drawn"}

    async def look(self, **given):
        self.asked.append(given)
        return {"bloch": []}

    async def state(self, **given):
        self.asked.append(given)
        return {"vectors": [[0.0, 0.0, 1.0]]}

    async def compare(self, first, second):
        return {"first": first, "second": second}

    def runs(self):
        return [{"id": "r1"}]

    def samples(self):
        return bundled()


@pytest.fixture
def call():
    return SimpleNamespace(engine=SimpleNamespace(circuits=Circuits()), actor="me@here", cause="c1")


async def ask(call, command, /, **given):
    row = CommandTable(ROWS).need(command)
    return await row.run(call, **row.take(given))


async def test_circuit_run_hands_file_shots_and_seed_on_with_who_asked(call):
    assert await ask(call, "circuit.run", file="bell.qasm", shots="64", seed="3") == {"counts": {"0": 64}}
    assert call.engine.circuits.asked == [
        {
            "file": Path("bell.qasm"),
            "shots": 64,
            "seed": 3,
            "text": "",
            "simulator": "auto",
            "noise": "none",
            "bond": 0,
            "actor": "me@here",
            "cause": "c1",
        },
    ]


async def test_circuit_show_draws_and_leaves_no_audit_entry(call):
    assert await ask(call, "circuit.show", file="bell.qasm") == {"text": "drawn"}
    assert CommandTable(ROWS).need("circuit.show").danger is Danger.READ


async def test_circuit_state_hands_file_and_seed_on(call):
    assert await ask(call, "circuit.state", file="bell.qasm") == {"vectors": [[0.0, 0.0, 1.0]]}
    assert call.engine.circuits.asked == [{"file": Path("bell.qasm"), "text": "", "seed": 0, "actor": "me@here", "cause": "c1"}]


async def test_circuit_look_tells_of_noise_only_when_there_is_some(call):
    assert await ask(call, "circuit.look", text="OPENQASM 3;") == {"bloch": []}
    assert call.engine.circuits.asked[-1]["noise"] is None
    await ask(call, "circuit.look", file="a.qasm", depolarised=0.1)
    assert call.engine.circuits.asked[-1]["noise"] == {"t_us": 0.0, "t1_us": 100.0, "t2_us": 80.0, "depolarised": 0.1}


async def test_circuit_look_is_of_the_qubits_that_are_named(call):
    await ask(call, "circuit.look", text="OPENQASM 3;", keep="7, 2", viewer="v1")
    assert (call.engine.circuits.asked[-1]["keep"], call.engine.circuits.asked[-1]["viewer"]) == ([7, 2], "v1")
    with pytest.raises(BadInput, match="two is no number of a qubit"):
        await ask(call, "circuit.look", text="OPENQASM 3;", keep="1 two")


async def test_circuit_draw_is_text_or_a_picture_in_a_file(call):
    assert await ask(call, "circuit.draw", file="bell.qasm", width=60) == {"text": "drawn"}
    assert call.engine.circuits.asked[-1]["width"] == 60
    assert await ask(call, "circuit.draw", file="bell.qasm", out="bell.svg") == {"format": "svg"}


async def test_circuit_import_and_export_hand_on_what_they_were_given(call):
    assert await ask(call, "circuit.import", file="a.qpy", name="a") == {"file": "kept"}
    assert call.engine.circuits.asked[-1] == {
        "file": Path("a.qpy"), "text": "", "name": "a", "replace": False, "actor": "me@here", "cause": "c1",
    }  # fmt: skip
    assert await ask(call, "circuit.export", file="a.qasm", out="b.qpy", format="qpy") == {"format": "qpy"}


async def test_circuit_samples_lists_name_title_and_file(call):
    rows = (await ask(call, "circuit.samples"))["samples"]
    assert {"bell", "ghz"} <= {row["name"] for row in rows}
    assert all(row["title"] and row["file"].endswith(row["name"] + ".qasm") for row in rows)


@pytest.mark.parametrize("given", [{"shots": 0}, {"shots": 2_000_000}, {"seed": -1}, {"shots": "many"}])
async def test_circuit_run_refuses_figures_out_of_range(call, given):
    with pytest.raises(BadInput):
        await ask(call, "circuit.run", file="bell.qasm", **given)
    assert call.engine.circuits.asked == []


async def test_circuit_expect_hands_the_observable_on(call):
    assert await ask(call, "circuit.expect", file="bell.qasm", observable="Z0 Z1") == {"value": 1.0}
    assert call.engine.circuits.asked[-1]["observable"] == "Z0 Z1"


async def test_circuit_compare_and_circuit_runs_read_only(call):
    table = CommandTable(ROWS)
    row = table.need("circuit.compare")
    assert await row.run(call, **row.take({"first": "a"})) == {"first": "a", "second": ""}
    assert row.danger is Danger.READ
    assert await table.need("circuit.runs").run(call) == {"runs": [{"id": "r1"}]}
