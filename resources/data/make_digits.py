"""Makes digits.npz from scikit-learn's copy of the UCI handwritten digits; needs scikit-learn, which is not shipped.

Run it from anywhere with a Python that has scikit-learn: `python make_digits.py`. The order is shuffled once by a fixed
seed, so that the first 1437 examples (train) and the last 360 (test) are the split every figure refers to.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

TEST_COUNT, SEED = 360, 0


def main() -> None:
    """Write digits.npz beside this file."""
    digits = load_digits()
    x, y = digits.data.astype(np.uint8), digits.target.astype(np.uint8)
    train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=TEST_COUNT, random_state=SEED, stratify=y)
    target = Path(__file__).with_name("digits.npz")
    np.savez_compressed(target, train_x=train_x, train_y=train_y, test_x=test_x, test_y=test_y)


if __name__ == "__main__":
    main()
