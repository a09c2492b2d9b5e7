import io

import pytest

from app.engine.base.errors import BadInput, Limit, Offline
from app.engine.control.adapters import processpool
from app.engine.control.adapters.processpool import ElasticProcessPool, ProcessPoolResource


def test_work_runs_in_processes_that_grow_and_shrink():
    with ElasticProcessPool(1) as pool:
        now = [5.0]
        resource = ProcessPoolResource(pool, 1, 2, clock=lambda: now[0])
        assert resource.apply_control(2) == 2
        futures = [pool.submit("math:factorial", 200) for _ in range(30)]
        resource.measure_state()
        assert {future.result(30) for future in futures} == {__import__("math").factorial(200)}
        assert 1 <= pool.processes <= 2
        pool.resize(1)
        assert pool.processes <= 1
        state = resource.measure_state()
        assert state.size == 1
        with pytest.raises(BadInput, match="ValueError"):
            pool.submit("math:sqrt", -1).result(30)
        assert pool.submit("os:getpid").result(30) != __import__("os").getpid()
        told = resource.get_metrics()
        assert told["tasks_count"] >= 30
        now[0] = 13.0
        assert resource.get_metrics()["tasks_hz"] == told["tasks_count"] / 8.0
        assert ProcessPoolResource(pool, 1, 2).get_metrics()["tasks_hz"] == 0.0  # none since it was made
    assert pool.processes == 0


def test_a_pool_that_was_shut_down_is_steered_no_more():
    with ElasticProcessPool(1) as pool:
        resource = ProcessPoolResource(pool, 1, 2)
    with pytest.raises(Offline, match="is shut down"):
        resource.measure_state()
    with pytest.raises(Offline, match="is shut down"):
        resource.apply_control(2)


def test_what_names_no_function_is_refused():
    with ElasticProcessPool(1) as pool, pytest.raises(BadInput, match="names no function"):
        pool.submit("rm -rf")


def test_what_a_task_or_its_commands_print_is_no_answer():
    with ElasticProcessPool(1) as pool:
        assert pool.submit("os:system", """echo '{"id": 1, "result": 666}'; read x; test -z "$x" """).result(30) == 0
        assert [pool.submit("math:sqrt", k * k).result(30) for k in range(1, 4)] == [1.0, 2.0, 3.0]
        assert pool.processes == 1


@pytest.mark.parametrize("said", ["nonsense", '{"id": 7, "result": 666}', '{"id": 1}', '{"result": 666}', "666"])
def test_what_is_no_answer_to_the_task_ends_the_child(said):
    with ElasticProcessPool(1) as pool:
        pool.submit("math:sqrt", 4).result(30)
        (child,) = pool._idle
        child._asked = 0
        child._process.stdin.close()
        child._process.wait()
        child._process.stdout.close()
        child._process.stdin, child._process.stdout = io.StringIO(), io.StringIO(said + "\n")
        with pytest.raises(Limit, match="something else than its answer"):
            pool.submit("math:sqrt", 9).result(30)
        assert pool.processes == 0
        assert pool.submit("math:sqrt", 16).result(30) == 4.0


def test_a_process_that_cannot_be_started_is_not_counted(monkeypatch):
    def refuse(*_args, **_more):
        raise OSError("no more processes")

    with ElasticProcessPool(1) as pool:
        monkeypatch.setattr(processpool.subprocess, "Popen", refuse)
        for _ in range(3):
            with pytest.raises(Limit, match="no more processes"):
                pool.submit("math:sqrt", 4).result(30)
        assert pool.processes == 0
        monkeypatch.undo()
        assert pool.submit("math:sqrt", 4).result(30) == 2.0


def test_arguments_that_are_no_json_are_refused_and_leave_the_child():
    with ElasticProcessPool(1) as pool:
        pool.submit("math:sqrt", 4).result(30)
        with pytest.raises(BadInput, match="not JSON serializable"):
            pool.submit("math:sqrt", object()).result(30)
        assert pool.processes == 1
        assert pool.submit("math:sqrt", 9).result(30) == 3.0
