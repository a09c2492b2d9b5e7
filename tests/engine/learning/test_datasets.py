import gzip

import numpy as np
import pytest

from app.engine.base.errors import BadInput, Missing
from app.engine.learning.datasets import load

RNG = np.random.default_rng(0)
TRAIN, TEST = RNG.integers(0, 256, (12, 7, 6), np.uint8), RNG.integers(0, 256, (5, 7, 6), np.uint8)
TRAIN_Y, TEST_Y = np.arange(12, dtype=np.uint8) % 10, np.arange(5, dtype=np.uint8)


def idx(array):
    """Return `array` of bytes as an IDX file, written from the format's description."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return head + array.tobytes()


@pytest.fixture
def mnist(tmp_path):
    files = {
        "train-images-idx3-ubyte": TRAIN, "train-labels-idx1-ubyte": TRAIN_Y, "t10k-images-idx3-ubyte": TEST,
        "t10k-labels-idx1-ubyte": TEST_Y,
    }  # fmt: skip
    for name, array in files.items():
        (tmp_path / name).write_bytes(idx(array))
    return tmp_path


def test_digits_are_what_is_shipped():
    assert load("").train_x.shape == load("digits").train_x.shape == (1437, 64)


@pytest.mark.parametrize("packed", [False, True])
def test_mnist_is_read_plain_and_packed(mnist, packed):
    if packed:
        for path in list(mnist.iterdir()):
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    split = load(str(mnist))
    assert (split.shape, split.classes) == ((7, 6, 1), 10)
    assert np.array_equal(np.rint(split.train_x * 255).reshape(12, 7, 6), TRAIN)
    assert split.train_x.dtype == np.float32
    assert split.train_x.max() <= 1
    assert split.test_y.tolist() == TEST_Y.tolist()


@pytest.mark.parametrize(
    "name, data, reason",
    [
        ("train-images-idx3-ubyte", b"", "byte 0"),
        ("train-images-idx3-ubyte", idx(TRAIN_Y), "byte 0"),
        ("train-images-idx3-ubyte", idx(TRAIN)[:-1], "byte 16.*503"),
        ("train-labels-idx1-ubyte", idx(TRAIN_Y[:11]), "12 images and 11 labels"),
        ("t10k-images-idx3-ubyte", idx(TEST[:, :6]), "differ in size"),
        ("t10k-images-idx3-ubyte", idx(TEST[:0]), "no images to test with"),
    ],
)
def test_a_spoilt_file_is_named_with_place_and_reason(mnist, name, data, reason):
    (mnist / name).write_bytes(data)
    with pytest.raises(BadInput, match=reason):
        load(str(mnist))


def test_a_gzip_file_cut_short_is_refused(mnist):
    whole = mnist / "train-images-idx3-ubyte"
    whole.with_name(whole.name + ".gz").write_bytes(gzip.compress(whole.read_bytes())[:-20])
    whole.unlink()
    with pytest.raises(BadInput, match="cannot be read"):
        load(str(mnist))


def records(labels):
    pixels = RNG.integers(0, 256, (len(labels), 3072), np.uint8)
    return np.concatenate([np.array(labels, np.uint8)[:, None], pixels], axis=1)


def test_cifar_is_read_channel_after_channel(tmp_path):
    first, second, test = records([3, 9]), records([0]), records([7])
    for name, rows in {"data_batch_1": first, "data_batch_2": second, "test_batch": test}.items():
        (tmp_path / f"{name}.bin").write_bytes(rows.tobytes())
    split = load(str(tmp_path))
    assert (split.shape, split.classes) == ((32, 32, 3), 10)
    assert split.train_y.tolist() == [3, 9, 0]
    assert split.train_x[2] == pytest.approx(second[0, 1:] / 255)
    (tmp_path / "data_batch_2.bin").write_bytes(records([4, 10]).tobytes())
    with pytest.raises(BadInput, match=r"data_batch_2\.bin, byte 3073: the label 10"):
        load(str(tmp_path))
    (tmp_path / "data_batch_2.bin").write_bytes(b"x" * 3074)
    with pytest.raises(BadInput, match="3074 bytes are no records of 3073"):
        load(str(tmp_path))


def test_a_table_is_scaled_and_its_classes_sorted(tmp_path):
    file = tmp_path / "meters.csv"
    lines = [f"{at},{100 - at},{['low', 'high'][at % 2]},5" for at in range(20)]
    file.write_text("\n".join(["heat,flow,label,still", *lines]), "utf-8")
    split = load(str(file))
    assert (len(split.train_x), len(split.test_x), split.shape, split.classes) == (16, 4, (3, 1, 1), 2)
    assert (split.train_x.min(axis=0).tolist(), split.train_x.max(axis=0).tolist()) == ([0, 0, 0], [1, 1, 0])
    heat = np.rint(split.train_x[:, 0] * 19)
    assert len(set(zip((heat % 2).tolist(), split.train_y.tolist(), strict=True))) == 2


@pytest.mark.parametrize(
    "text, reason",
    [
        ("a\n1\n", "line 1: a header"),
        ("a,b\n1,0\n2\n", "line 3: 1 cells"),
        ("a,b\n1,0\nx,1\n", "line 3: 'x' is no number"),
        ("a,b\n1,0\nnan,1\n", "line 3: 'nan' is no number"),
        ("a,b\n1,0\n2,1\n", "too few"),
        ("a,b\n" + "1,0\n" * 12, "same class"),
        ("a,b,c\n" + "1,1e308,0\n2,-1e308,1\n" * 9, "numbers of column b lie too far apart"),
        ("a,b\n" + "".join(f"1,{at / 7}\n" for at in range(30)), "30 of 30 lines have a class of their own"),
    ],
)
def test_a_malformed_table_names_its_line(tmp_path, text, reason):
    file = tmp_path / "t.csv"
    file.write_text(text, "utf-8")
    with pytest.raises(BadInput, match=reason):
        load(str(file))


def test_what_is_not_there_is_missing(tmp_path):
    with pytest.raises(Missing):
        load(str(tmp_path / "none.csv"))
    with pytest.raises(Missing):
        load(str(tmp_path / "digits"))
    with pytest.raises(BadInput, match="neither MNIST nor CIFAR"):
        load(str(tmp_path))
