import sqlite3
import threading

import pytest
import sqlalchemy.pool

from app.engine.base.errors import BadInput, Timeout
from app.engine.control.adapters.connections import Checkouts, ConnectionPoolResource


@pytest.fixture
def pool():
    made = sqlalchemy.pool.QueuePool(
        lambda: sqlite3.connect(":memory:", check_same_thread=False), pool_size=1, max_overflow=0, timeout=0.05
    )
    yield made
    made.dispose()


def test_under_load_more_connections_serve_more_at_once(pool):
    checkouts = Checkouts(pool)
    resource = ConnectionPoolResource(checkouts, 8)
    held = threading.Barrier(5)

    def work():
        with checkouts.using() as connection:
            held.wait(5)
            connection.cursor().execute("select 1").fetchone()

    with checkouts.using(), pytest.raises(Timeout, match="No connection was free"), checkouts.using():
        pass
    assert resource.get_metrics()["timeouts_count"] == 1
    assert resource.apply_control(5) == 5
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    with checkouts.using():
        held.wait(5)  # five are out at once: the limit took effect on the living pool
    for thread in threads:
        thread.join()
    state = resource.measure_state()
    assert (state.size, resource.get_metrics()["connections_count"]) == (5, 6)
    assert resource.apply_control(0) == 1
    with checkouts.using(), pytest.raises(Timeout), checkouts.using():
        pass


def test_a_pool_of_another_shape_is_refused_with_a_reason():
    with pytest.raises(BadInput, match="no pool whose size can be set"):
        ConnectionPoolResource(Checkouts(sqlalchemy.pool.NullPool(lambda: None)))
    with pytest.raises(BadInput, match="no limit"):
        ConnectionPoolResource(Checkouts(sqlalchemy.pool.QueuePool(lambda: None, max_overflow=-1)))
