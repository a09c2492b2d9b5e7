import numpy as np
import pytest

from app.engine.base.errors import BadInput, Missing
from app.engine.learning.data import DIGITS, load_digits


def test_the_shipped_digits_are_split_for_good():
    split = load_digits()
    assert split.train_x.shape == (1437, 64)
    assert split.test_x.shape == (360, 64)
    assert split.train_x.dtype == np.float32
    assert split.train_x.min() == 0
    assert split.train_x.max() == 1
    # Class sizes published with the data set (optdigits.names, test part).
    both = np.concatenate([split.train_y, split.test_y])
    assert np.bincount(both).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_the_licence_stands_beside_the_data():
    told = DIGITS.with_name("README.md").read_text("utf-8")
    assert "CC BY 4.0" in told
    assert "Alpaydin" in told


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(Missing, match=r"none\.npz"):
        load_digits(tmp_path / "none.npz")


def _arrays(**changed):
    whole = {
        "train_x": np.zeros((4, 64), np.uint8), "train_y": np.zeros(4, np.uint8),
        "test_x": np.zeros((2, 64), np.uint8), "test_y": np.zeros(2, np.uint8),
    }  # fmt: skip
    return {**whole, **changed}


@pytest.mark.parametrize(
    "changed",
    [
        {"train_x": np.full((4, 64), 17, np.uint8)},
        {"train_x": np.zeros((4, 64))},
        {"test_x": np.zeros(64, np.uint8)},
        {"train_y": np.zeros(3, np.uint8)},
        {"test_y": np.array([0, 10], np.uint8)},
        {"test_y": np.array([{}, None], object)},
    ],
)
def test_a_malformed_file_is_named_with_the_reason(tmp_path, changed):
    np.savez(tmp_path / "bad.npz", **_arrays(**changed))
    with pytest.raises(BadInput, match=r"bad\.npz"):
        load_digits(tmp_path / "bad.npz")


def test_what_is_no_archive_is_refused(tmp_path):
    for content in (b"", b"PK\x03\x04 torn", b"text"):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(BadInput, match=r"bad\.npz"):
            load_digits(tmp_path / "bad.npz")
