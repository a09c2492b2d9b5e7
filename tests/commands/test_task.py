from types import SimpleNamespace

from app.commands import qkd, task
from app.engine.base.command import CommandTable
from app.engine.circuits.tasks.registry import TASKS


class Tasks:
    def __init__(self):
        self.asked = []

    async def run(self, **given):
        self.asked.append(given)
        return {"task_type": given["name"]}

    def show(self, run_id):
        return {"id": run_id}

    def compare(self, first, second):
        return {"rows": [first, second]}

    def list(self):
        return {"tasks": []}


async def ask(rows, command, /, **given):
    tasks = Tasks()
    targets = SimpleNamespace(formula=lambda query: {"names": ["n"], "asked": query})
    engine = SimpleNamespace(circuits=SimpleNamespace(tasks=tasks), fleet=SimpleNamespace(targets=targets))
    call = SimpleNamespace(engine=engine, actor="me", cause="c")
    row = CommandTable(rows).need(command)
    return await row.run(call, **row.take(given)), tasks.asked


def test_the_names_are_those_of_the_registry():
    assert tuple(TASKS) == task.NAMES


async def test_task_run_reads_the_options():
    told, asked = await ask(task.ROWS, "task.run", name="phase", options="qubits=5 phase=0.25", seed="3")
    assert told == {"task_type": "phase"}
    assert asked[0]["options"] == {"qubits": "5", "phase": "0.25"}


async def test_a_query_becomes_what_the_task_fleet_works_on():
    _, asked = await ask(task.ROWS, "task.run", name="fleet", query='site == "north"')
    assert asked[0]["options"] == {"query": 'site == "north"'}
    assert asked[0]["data"] == {"names": ["n"], "asked": 'site == "north"'}


async def test_task_list_and_task_show_read_only():
    assert (await ask(task.ROWS, "task.list"))[0] == {"tasks": []}
    assert (await ask(task.ROWS, "task.show", id="r1"))[0] == {"id": "r1"}


async def test_task_compare_takes_two_runs_or_none():
    assert (await ask(task.ROWS, "task.compare"))[0] == {"rows": ["", ""]}
    assert (await ask(task.ROWS, "task.compare", first="a", second="b"))[0] == {"rows": ["a", "b"]}


async def test_qkd_simulate_is_the_task_bb84():
    _, asked = await ask(qkd.ROWS, "qkd.simulate", photons="1000", eavesdropped="1")
    assert asked[0]["name"] == "bb84"
    assert asked[0]["options"] == {"photons": 1000, "noise": 0.02, "eavesdropped": 1.0}
