from types import SimpleNamespace

import pytest

from app.engine.base.errors import Missing, Refused
from app.engine.flows.promote import Gates, promote
from app.engine.models.records import ModelVersion

HOLDS, BY = Gates(), {"actor": "me@here", "cause": "c1"}


class Models:
    """A registry of two versions, the first of them active; comparisons say what a test wants."""

    def __init__(self, told):
        metrics = {"accuracy": 0.9}
        self.records = [
            ModelVersion("m1", "digits", 1, "sha256:1", 10, metrics, state="active"),
            ModelVersion("m2", "digits", 2, "sha256:2", 10, metrics),
        ]
        self.active, self.compared = "m1", []

        async def compare(one, two, trial, **by):
            self.compared.append((one, two))
            return {
                "rows": 9,
                "agreement_ratio": 0.97,
                "accuracy_before": 0.9,
                "latency_after_s": 1,
                "latency_before_s": 1,
                **told,
            }

        self.workshop = SimpleNamespace(compare=compare)

    def find(self, key):
        return next(model for model in self.records if key in (model.id, model.title))

    async def make_active(self, model, **by):
        self.active = model.id
        return model


class Rollouts:
    def __init__(self, *, needs_approval=False):
        self.planned, self.begun, self.needs_approval = [], [], needs_approval

    async def plan(self, key, nodes, spec, **by):
        if nodes == "nobody":
            raise Missing("There is no node")
        self.planned.append((key, nodes, spec.groups, spec.approve_above))
        return {"rollout": "r1", "title": "digits:2", "needs_approval": self.needs_approval}

    def find(self, key):
        return SimpleNamespace(state="active" if key in self.begun else "ready")

    async def begin(self, key, **by):
        self.begun.append(key)


async def ask(told, rollouts=None, gates=HOLDS, **how):
    models, rollouts = Models(told), rollouts or Rollouts()
    try:
        return await promote(models, rollouts, "digits:2", gates, **how, **BY), models, rollouts
    except (Refused, Missing) as error:
        return error, models, rollouts


async def test_without_a_rollout_nothing_is_asked_of_a_version():
    told, models, rollouts = await ask({"accuracy_after": 0.1})
    assert (told["version"], models.active, models.compared, rollouts.planned) == (2, "m2", [], [])


@pytest.mark.parametrize(
    ("how", "approval", "state"), [("plan", False, "ready"), ("start", False, "active"), ("start", True, "ready")]
)
async def test_a_version_that_holds_its_gates_is_promoted_and_a_rollout_opened(how, approval, state):
    told, models, rollouts = await ask(
        {"accuracy_after": 0.89}, Rollouts(needs_approval=approval), rollout=how, nodes="site=north"
    )
    assert (models.active, models.compared) == ("m2", [("m1", "m2")])
    assert rollouts.planned == [("m2", "site=north", ("10%", "rest"), 100)]
    assert told["rollout"] == {"id": "r1", "title": "digits:2", "state": state}
    assert told["trial"]["accuracy_after"] == 0.89


@pytest.mark.parametrize(
    ("given", "gates", "why"),
    [
        ({"accuracy_after": 0.87}, Gates(), "loses"),
        ({"accuracy_before": None, "accuracy_after": None}, Gates(), "loses"),  # 3 % of answers differ
        ({"accuracy_after": 0.9}, Gates(accuracy_least=0.95), "not the 0.95"),
    ],
)
async def test_one_that_does_not_hold_them_changes_nothing(given, gates, why):
    error, models, rollouts = await ask(given, gates=gates, rollout="start")
    assert isinstance(error, Refused)
    assert why in str(error)
    assert (models.active, rollouts.planned, rollouts.begun) == ("m1", [], [])


async def test_where_no_node_is_left_nothing_is_promoted():
    error, models, _ = await ask({"accuracy_after": 0.9}, rollout="plan", nodes="nobody")
    assert isinstance(error, Missing)
    assert models.active == "m1"
