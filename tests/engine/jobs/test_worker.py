import json
import math
import multiprocessing
import threading

import numpy as np
import pytest

from app.engine.base.errors import Bug, Refused
from app.engine.jobs import worker


@pytest.mark.parametrize(
    "target",
    [
        "os:system", "app.enginex.jobs:count", "app.engine:x", "app.engine.jobs.drills", "app.engine.jobs.drills:_hidden",
        "app.engine.jobs.drills:count.x", "app.engine..jobs:count", "app.engine.jobs.drills:count\n", "",
    ],
)  # fmt: skip
def test_a_job_names_code_of_the_engine_and_nothing_else(target: str) -> None:
    with pytest.raises(Refused):
        worker.check_target(target)


def test_what_travels_is_plain_json() -> None:
    document = {"a": np.float32(0.5), "b": np.arange(3, dtype=np.int8), "c": {2, 1}, "d": [math.nan, {"e": math.inf}]}
    assert json.loads(worker.encode(document)) == {"a": 0.5, "b": [0, 1, 2], "c": [1, 2], "d": [None, {"e": None}]}
    with pytest.raises(Bug, match="not object"):
        worker.encode({"x": object()})


def test_progress_that_is_held_goes_out_by_itself_and_before_the_result() -> None:
    ours, theirs = multiprocessing.Pipe()
    teller = worker.Teller(theirs)
    teller.job_id = "j"
    for step in range(5):
        teller.report(step, 5, samples={"x_count": [(step, step)]})
    first = json.loads(ours.recv_bytes())
    assert (first["is"], first["done"]) == ("progress", 0)
    assert ours.poll(30)
    held = json.loads(ours.recv_bytes())
    assert held["done"] == 4
    assert [value for _, value in held["samples"]["x_count"]] == [1, 2, 3, 4]
    teller.report(5, 5)
    teller.report(6, 5)
    teller.send({"is": "done", "result": {}})
    news = [json.loads(ours.recv_bytes())]
    while news[-1]["is"] != "done":
        news.append(json.loads(ours.recv_bytes()))
    assert news[-2]["done"] == 6
    assert [thread.name for thread in threading.enumerate() if thread.name == "progress"]
