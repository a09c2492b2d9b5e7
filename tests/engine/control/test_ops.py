import numpy as np

from app.engine.control.ops import ARRAY, SCALAR, full_like, zero_like


def test_numbers_and_arrays_are_treated_alike():
    for name in ("sqrt", "exp", "log10", "ceil", "rint"):
        assert getattr(ARRAY, name)(np.array([2.5]))[0] == getattr(SCALAR, name)(2.5)
    assert SCALAR.clip(9.0, 1.0, 5.0) == ARRAY.clip(np.array([9.0]), 1.0, 5.0)[0] == 5.0
    assert SCALAR.where(True, 1.0, 2.0) == ARRAY.where(np.array([True]), 1.0, 2.0)[0]
    assert zero_like(3.0) == 0.0
    assert full_like(np.zeros(2), 4.0).tolist() == [4.0, 4.0]
