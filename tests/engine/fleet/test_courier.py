from types import SimpleNamespace

import pytest

from app.engine.base.errors import Conflict
from app.engine.fleet.courier import Courier, Load, check_figures
from app.engine.fleet.rollout.records import Gate, Spec, Task


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


class Quiet:
    """A node that does whatever it is told; its models are no matter here."""

    async def prepare(self, *_what):
        pass

    async def activate(self, *_what):
        pass

    async def commit(self, *_what):
        pass

    async def shadow(self, *_what):
        return {"has_old": True, "source": "self_test"}


@pytest.mark.parametrize(("answers", "after"), [((7, 7), None), ((7, 9), 0.002)])
async def test_a_latency_from_before_the_new_model_answered_is_not_taken_for_its_own(answers, after):
    seen, told = iter([(0.001, 0), *((0.002, count) for count in answers)]), {}
    courier = Courier(
        Load(SimpleNamespace(name="digits", sealed={}), 2, None), Spec(watch_s=0.001),
        lambda _node, _event, **what: told.update(what), lambda _node: next(seen),
    )  # fmt: skip
    await courier.install(Quiet(), Task("a", "a", 0, "downloaded"))
    assert (told["p99_before_s"], told.get("p99_after_s")) == (0.001, after)
