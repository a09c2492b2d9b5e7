from app.engine.store.pools import sqlite_pool


def test_a_pool_gives_connections_up_to_its_overflow_and_takes_them_back():
    pool = sqlite_pool(1, 1, timeout_s=1.0)
    one, two = pool.connect(), pool.connect()
    assert pool.checkedout() == 2
    cursor = one.cursor()
    assert cursor.execute("SELECT 1").fetchone() == (1,)
    cursor.close()
    for connection in (one, two):
        connection.close()
    assert pool.checkedout() == 0
    pool.dispose()
