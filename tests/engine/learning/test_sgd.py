import numpy as np

from app.engine.learning.sgd import Bench, with_ones


def test_inputs_get_a_column_of_ones():
    assert with_ones(np.zeros((2, 3), np.float32)).tolist() == [[0, 0, 0, 1], [0, 0, 0, 1]]


def test_layers_are_views_of_the_rows_in_flat_order():
    bench = Bench("mlp-2-3-4", clients=5, width=6)
    assert bench.count == 3 * 3 + 4 * 4
    matrix = np.arange(5 * bench.count, dtype=np.float32).reshape(5, -1)
    first, second = bench.layers(matrix)
    assert first.shape == (5, 3, 3)
    assert second.shape == (5, 4, 4)
    assert np.shares_memory(first, matrix)
    assert np.array_equal(np.concatenate([first.reshape(5, -1), second.reshape(5, -1)], axis=1), matrix)
