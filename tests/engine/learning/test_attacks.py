import numpy as np
import pytest

from app.engine.learning.attacks import NAMES, tamper
from app.engine.learning.work import simulate

ROWS = np.array([[9.0], [1.0], [3.0]], np.float32)
HOSTILE = np.array([True, False, False])


@pytest.mark.parametrize(("name", "sent"), [("none", 9.0), ("sign-flip", -36.0), ("alie", 0.5), ("ipm", -1.2)])
def test_each_attack_sends_what_its_paper_says(name, sent):
    rows = ROWS.copy()
    tamper(name, rows, HOSTILE)
    assert rows.ravel() == pytest.approx([sent, 1.0, 3.0])
    assert name in NAMES


def final(**more):
    spec = {"clients": 20, "rounds": 12, "partition": "iid", "attackers": 4, **more}
    return simulate(spec, 1)["final_accuracy"]


def test_four_of_twenty_flipping_signs_ruin_the_mean_but_not_the_mixed_trimmed_mean():
    clean = final(attack="none")
    assert final(attack="sign-flip") <= 0.15
    assert final(attack="sign-flip", aggregator="mixed-trimmed") >= clean - 0.015
