import json

import pytest

from app.engine.base.clock import SystemClock
from app.engine.base.errors import Conflict, Missing
from app.engine.base.events import Bus
from app.engine.base.rings import Samples
from app.engine.base.settings import Settings
from app.engine.circuits import devices
from app.engine.circuits.samples import FOLDER
from app.engine.circuits.service import CircuitsService
from app.engine.jobs.base import Base
from app.engine.jobs.service import Jobs
from app.engine.store.store import Store

GHZ = FOLDER / "ghz.qasm"


def _raise(error):
    raise error


@pytest.fixture
async def service(tmp_path):
    clock, bus, samples = SystemClock(), Bus(_raise), Samples()
    settings = Settings(tmp_path / "settings.toml", lambda _document: "")
    store = await Store.open(tmp_path / "outpost.db", clock)
    jobs = Jobs(tmp_path, clock, settings, bus, samples, store)
    await jobs.start()
    made = CircuitsService(Base(tmp_path, clock, settings, bus, samples, store, jobs))
    await made.start()
    yield made
    await jobs.stop()
    await store.close()


def mine(tmp_path):
    document = json.loads(devices.known()["ibm_manila"].read_text())
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({**document, "name": "mine"}))
    return path


async def test_a_compiled_circuit_is_a_run_that_is_kept_and_a_file_that_is_not_replaced_unasked(service, tmp_path):
    out = tmp_path / "out.qasm"
    wish = {"file": GHZ, "device": "ibm_manila", "level": 3, "router": "auto", "seed": 1, "check": True, "actor": "me@here"}
    result = await service.compiler.compile(**wish, out=out, replace=False)
    assert out.read_text() == result["qasm"]
    assert result["equality"]["verdict"] == "equal"
    (run,) = service.records
    assert (run.source, run.state, run.spec["device"]) == ("ghz.qasm", "done", "ibm_manila")
    assert run.result["after"] == result["after"]
    assert "picture" not in run.result
    assert "qasm" not in run.result  # it stands in a file of its own
    with pytest.raises(Conflict, match="exists already"):
        await service.compiler.compile(**wish, out=out, replace=False)


async def test_a_device_of_ones_own_is_kept_once_and_found(service, tmp_path):
    path = mine(tmp_path)
    told = await service.compiler.adopt(file=path, replace=False)
    assert (told["device"], told["qubits"]) == ("mine", 5)
    assert "mine" in [device.name for device in service.compiler.devices()]
    assert "mine" in service.compiler.names()
    with pytest.raises(Conflict):
        await service.compiler.adopt(file=path, replace=False)
    await service.compiler.adopt(file=path, replace=True)
    with pytest.raises(Missing, match="There is no device nowhere; there are mine, "):
        service.compiler.device("nowhere")


async def test_an_estimate_runs_nothing_and_leaves_no_run(service):
    result = await service.compiler.estimate(file=GHZ, device="ibm_manila", shots=10, seed=0, actor="me@here")
    assert [row["device"] for row in result["devices"]] == ["ibm_manila"]
    none = await service.compiler.estimate(file=GHZ, device="none", shots=10, seed=0, actor="me@here")
    assert none["devices"] == []
    assert len(service.records) == 0
