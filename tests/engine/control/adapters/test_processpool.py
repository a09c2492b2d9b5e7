import pytest

from app.engine.base.errors import BadInput
from app.engine.control.adapters.processpool import ElasticProcessPool, ProcessPoolResource


def test_work_runs_in_processes_that_grow_and_shrink():
    with ElasticProcessPool(1) as pool:
        resource = ProcessPoolResource(pool, 1, 2)
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
        assert resource.get_metrics()["tasks_count"] >= 30
    assert pool.processes == 0


def test_what_names_no_function_is_refused():
    with ElasticProcessPool(1) as pool, pytest.raises(BadInput, match="names no function"):
        pool.submit("rm -rf")
