import pytest

from app.engine.base.errors import Conflict
from app.engine.fleet.courier import check_figures
from app.engine.fleet.rollout.records import Gate


@pytest.mark.parametrize(
    ("gate", "figures", "holds"),
    [
        (Gate(), {"agreement_ratio": 0.1, "p99_before_s": 1.0, "p99_after_s": 9.0}, True),
        (Gate(agreement_least=0.9), {"agreement_ratio": 0.9}, True),
        (Gate(agreement_least=0.9), {"agreement_ratio": 0.89}, False),
        (Gate(agreement_least=0.9), {}, True),
        (Gate(p99_ratio_most=1.5), {"p99_before_s": 1.0, "p99_after_s": 1.5}, True),
        (Gate(p99_ratio_most=1.5), {"p99_before_s": 1.0, "p99_after_s": 1.6}, False),
        (Gate(p99_ratio_most=1.5), {"p99_before_s": None, "p99_after_s": 1.6}, True),
    ],
)
def test_one_nodes_shadow_traffic_is_judged_by_what_was_measured(gate, figures, holds):
    if holds:
        check_figures(gate, figures)
    else:
        with pytest.raises(Conflict, match="Under shadow traffic"):
            check_figures(gate, figures)
