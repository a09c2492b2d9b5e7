from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from app.commands.learning import ROWS
from app.engine.base.command import CommandTable, Danger
from app.engine.base.errors import BadInput
from app.engine.learning.drill import ATTACKS, LiveDrill
from app.engine.learning.strategy import WEIGHT_MOST

NODES = [SimpleNamespace(id="n1", name="narvik"), SimpleNamespace(id="n2", name="esbjerg")]


class Fleet:
    def select(self, nodes):
        return [node for node in NODES if nodes in ("all", node.name)]


class Learning:
    """Notes what it was asked."""

    def __init__(self):
        self.asked = []

    async def train(self, nodes, **given):
        self.asked.append((nodes, given))
        return {"rounds": [{"round": 1}, {"round": 2}], "final_accuracy": 0.9, "state": "done", "run_id": "r1"}

    async def resume(self, run, **given):
        return {"run_id": run, "state": "done", "rounds": [{}], "given": given}

    async def close(self, run, **_given):
        self.asked.append((run, "close"))
        return SimpleNamespace(id=run, name="North")

    def pause(self, run, wish="pause"):
        self.asked.append((run, wish))
        return SimpleNamespace(id=run, name="North")

    def drill(self, run, attack, nodes, rounds):
        self.asked.append((run, attack, nodes, rounds))
        drill = LiveDrill(attack, frozenset({0}), ("narvik",), rounds)
        return SimpleNamespace(id=run, name="North"), None if attack == "none" else drill

    async def compare(self, keys):
        return {"runs": keys, "differs": {}}

    async def tune(self, choices, **given):
        self.asked.append((choices, given))
        return {}

    async def tune_over(self, nodes, choices, **given):
        self.asked.append((nodes, given))
        return {}

    async def forecast(self, clients, **given):
        self.asked.append((clients, given))
        return {"clients": clients}

    async def simulate(self, **given):
        self.asked.append(given)
        return {"rounds": []}

    def runs(self):
        return [{"id": "r1"}]

    async def show(self, run):
        return {"id": run}

    async def export(self, run, **given):
        self.asked.append((run, given))
        return {"onnx": b"bytes", "metrics": {"accuracy": 0.9}, "lineage": {"run_id": run}}


@dataclass(frozen=True)
class Version:
    id: str
    name: str
    version: int = 1
    artifact: str = "sha256:0"


class Models:
    def __init__(self):
        self.keeping, self.records = self, SimpleNamespace(need=lambda key: Version(key, "digits"))

    async def hold(self, model, **_given):
        assert model.id == "m1"

    async def register(self, name, data, **given):
        assert data == b"bytes"
        return Version("m1", name)


@pytest.fixture
def call():
    return SimpleNamespace(
        engine=SimpleNamespace(learning=Learning(), fleet=Fleet(), models=Models()), actor="me@here", cause="c1"
    )


async def ask(call, command, **given):
    row = CommandTable(ROWS).need(command)
    return await row.run(call, **row.take(given))


async def test_learning_train_hands_on_the_chosen_nodes_and_who_asked(call):
    await ask(call, "learning.train", rounds="3", seed=5)
    nodes, given = call.engine.learning.asked[0]
    assert nodes == [("n1", "narvik"), ("n2", "esbjerg")]
    assert (given["rounds"], given["seed"], given["actor"], given["cause"]) == (3, 5, "me@here", "c1")
    await ask(call, "learning.train", nodes="esbjerg")
    assert call.engine.learning.asked[-1][0] == [("n2", "esbjerg")]


async def test_learning_simulate_defaults_to_skewed_clients(call):
    await ask(call, "learning.simulate")
    (given,) = call.engine.learning.asked
    assert (given["clients"], given["rounds"], given["partition"], given["alpha"]) == (100, 20, "dirichlet", 0.5)
    assert (given["epochs"], given["batch"], given["learning_rate"]) == (2, 16, 0.2)


@pytest.mark.parametrize("given", [{"clients": 0}, {"partition": "stripes"}, {"rounds": 1.5}, {"seed": -1}])
async def test_learning_simulate_refuses_what_is_out_of_range(call, given):
    with pytest.raises(BadInput):
        await ask(call, "learning.simulate", **given)


async def test_learning_export_registers_the_newest_run_as_digits(call, tmp_path):
    told = await ask(call, "learning.export", file=tmp_path / "copy.onnx")
    assert told == {"id": "m1", "name": "digits", "version": 1, "artifact": "sha256:0"}
    assert call.engine.learning.asked[0][0] == "latest"
    assert (tmp_path / "copy.onnx").read_bytes() == b"bytes"


async def test_learning_runs_and_learning_show_only_read(call):
    assert await ask(call, "learning.list") == {"runs": [{"id": "r1"}]}
    assert await ask(call, "learning.show") == {"id": "latest"}
    reading = {row.id for row in ROWS if row.danger is Danger.READ}
    assert reading == {"learning.list", "learning.show", "learning.compare", "learning.forecast"}


async def test_learning_pause_and_learning_stop_pull_the_reins(call):
    assert await ask(call, "learning.pause") == {"id": "latest", "title": "North", "asked": "pause"}
    assert await ask(call, "learning.stop", run="r1") == {"id": "r1", "title": "North", "asked": "stop"}
    assert call.engine.learning.asked == [("latest", "pause"), ("r1", "stop")]


async def test_learning_drill_names_nodes_of_the_session_and_ends_with_none(call):
    told = await ask(call, "learning.drill", run="r1", attack="ipm", nodes="narvik", rounds=2)
    assert told == {"id": "r1", "title": "North", "drill": {"attack": "ipm", "nodes": ["narvik"], "rounds": 2}}
    assert (await ask(call, "learning.drill", attack="none"))["drill"] is None
    assert call.engine.learning.asked == [("r1", "ipm", ["n1"], 2), ("latest", "none", [], 3)]


@pytest.mark.parametrize("given", [{"nodes": "label:nobody"}, {"attack": "none", "nodes": "narvik"}])
async def test_learning_drill_by_nobody_is_refused_rather_than_drill_some_other_nodes(call, given):
    with pytest.raises(BadInput):
        await ask(call, "learning.drill", **given)
    assert call.engine.learning.asked == []


def test_learning_drill_offers_what_the_engine_knows():
    (choices,) = [arg.choices for row in ROWS if row.id == "learning.drill" for arg in row.args if arg.name == "attack"]
    assert choices == (*ATTACKS, "none")


async def test_learning_resume_hands_on_the_run(call):
    assert (await ask(call, "learning.resume", run="r1"))["run_id"] == "r1"
    assert (await ask(call, "learning.resume", run="r1", take_over=True))["given"]["take_over"] is True


async def test_learning_stop_closes_what_a_gone_console_left(call):
    assert await ask(call, "learning.stop", run="r1", take_over=True) == {"id": "r1", "title": "North", "asked": "stop"}
    assert call.engine.learning.asked == [("r1", "close")]


async def test_learning_train_makes_a_version_of_each_global_model_unless_told_otherwise(call):
    await ask(call, "learning.train")
    await ask(call, "learning.train", versions="last", name="")
    asked = [(given["name"], given["versions"]) for _, given in call.engine.learning.asked]
    assert asked == [("digits", "each"), ("", "last")]


async def test_learning_compare_takes_ids_parted_by_commas(call):
    assert (await ask(call, "learning.compare", runs="a, b,"))["runs"] == ["a", "b"]


async def test_short_names_of_arguments_are_spelt_out_for_the_engine(call):
    await ask(call, "learning.simulate", lr=0.3, sample_rate=0.2)
    (given,) = call.engine.learning.asked
    assert (given["learning_rate"], given["sample_ratio"]) == (0.3, 0.2)
    assert "lr" not in given


async def test_learning_tune_takes_lists_of_numbers(call):
    await ask(call, "learning.tune", lrs="0.1, 0.2", epochs="3")
    (choices, given) = call.engine.learning.asked[0]
    assert choices == {"learning_rate": [0.1, 0.2], "epochs": [3], "batch": [16]}
    assert (given["clients"], given["keep"], given["dataset"]) == (100, 3, "")


@pytest.mark.parametrize("wrong", [{"lrs": "fast"}, {"lrs": "0.1,nan"}, {"lrs": "inf"}, {"lrs": "0.1,-1"}, {"epochs": "1,2.5"},
                                   {"epochs": "0"}, {"batches": "16,9999"}])  # fmt: skip
async def test_learning_tune_refuses_numbers_that_no_run_would_take(call, wrong):
    with pytest.raises(BadInput, match="must be numbers parted by commas"):
        await ask(call, "learning.tune", **wrong)
    assert not call.engine.learning.asked


async def test_a_data_set_is_kept_with_its_whole_path_and_the_word_digits_as_it_is(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in ("learning.simulate", "learning.tune", "learning.train", "learning.forecast"):
        await ask(call, command, dataset="reg.csv")
        await ask(call, command, dataset="digits")
    told = [one["dataset"] if isinstance(one, dict) else one[1]["dataset"] for one in call.engine.learning.asked]
    assert told == [str(tmp_path / "reg.csv"), "digits"] * 4


async def test_learning_tune_tries_over_the_chosen_nodes_and_says_what_has_no_meaning_there(call):
    await ask(call, "learning.tune", nodes="narvik", lrs="0.1,0.2", data="own")
    ((nodes, given),) = call.engine.learning.asked
    assert (nodes, given["data"], given["keep"], given["actor"]) == ([("n1", "narvik")], "own", 3, "me@here")
    assert not {"clients", "partition", "alpha"} & given.keys()
    with pytest.raises(BadInput, match="partition is for simulated clients"):
        await ask(call, "learning.tune", nodes="all", partition="shards")


async def test_learning_forecast_counts_the_chosen_nodes_unless_clients_are_simulated(call, tmp_path):
    assert await ask(call, "learning.forecast") == {"clients": 2}
    await ask(call, "learning.forecast", clients=50, dataset=tmp_path)
    (_, (clients, given)) = call.engine.learning.asked
    assert (clients, given["live"], given["dataset"]) == (50, False, str(tmp_path))
    assert call.engine.learning.asked[0][1]["live"] is True


def test_a_claim_counts_for_as_much_as_the_rules_say_where_nobody_says_otherwise():
    told = {row.id: arg.default for row in ROWS for arg in row.args if arg.name == "weight_most"}
    assert told == {"learning.train": WEIGHT_MOST, "learning.simulate": WEIGHT_MOST}
