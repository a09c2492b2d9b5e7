import numpy as np

from app.engine.qubo.found import Found


def test_equal_samples_are_counted_and_the_best_come_first() -> None:
    found = Found(3)
    found.add(np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]), np.array([2.0, -1.0, 2.0]))
    samples, energies, counts = found.table()
    assert samples.tolist() == [[1, 1, 1], [0, 1, 0]]
    assert energies.tolist() == [-1.0, 2.0]
    assert counts == [1, 2]
    assert found.best == -1.0


def test_only_so_many_are_kept_and_order_of_arrival_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    samples = rng.permutation((np.arange(256)[:, None] >> np.arange(8)) & 1)
    energies = samples.sum(1) % 3.0
    tables = []
    for order in (np.arange(256), rng.permutation(256)):
        found = Found(8, most=20)
        for k in order:
            found.add(samples[k : k + 1], energies[k : k + 1])
        tables.append(found.table())
    assert len(tables[0][0]) == 20
    np.testing.assert_array_equal(tables[0][0], tables[1][0])
    assert set(tables[0][1]) == {0.0}


def test_nothing_found_has_no_best() -> None:
    assert Found(2).best == np.inf


def test_given_counts_are_added_up() -> None:
    found = Found(2)
    found.add(np.array([[0, 1]]), np.array([1.0]), np.array([5]))
    found.add(np.array([[0, 1]]), np.array([1.0]))
    assert found.table()[2] == [6]
