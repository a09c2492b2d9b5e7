"""The rows of learning: train over live nodes, simulate, tune, forecast, look back, export a model."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role
from app.engine.base.errors import BadInput

if TYPE_CHECKING:
    from app.engine.engine import Call


async def _train(call: "Call", *, nodes: str, **args: Any) -> dict[str, Any]:
    chosen = [(node.id, node.name) for node in call.engine.fleet.select(nodes)]
    return await call.engine.learning.train(chosen, **_spelt(args), actor=call.actor, cause=call.cause)


async def _resume(call: "Call", *, run: str, take_over: bool) -> dict[str, Any]:
    return await call.engine.learning.resume(run, take_over=take_over, actor=call.actor, cause=call.cause)


async def _pause(call: "Call", *, run: str) -> dict[str, Any]:
    session = call.engine.learning.pause(run)
    return {"id": session.id, "title": session.name, "asked": "pause"}


async def _stop(call: "Call", *, run: str, take_over: bool) -> dict[str, Any]:
    learning = call.engine.learning
    session = await learning.close(run, actor=call.actor, cause=call.cause) if take_over else learning.pause(run, "stop")
    return {"id": session.id, "title": session.name, "asked": "stop"}


async def _drill(call: "Call", *, run: str, attack: str, nodes: str, rounds: int) -> dict[str, Any]:
    chosen = [node.id for node in call.engine.fleet.select(nodes)] if nodes else []
    if nodes and not chosen:
        raise BadInput("There is no node like {nodes}, so nobody would attack", nodes=nodes, field="nodes")
    if attack == "none" and nodes:
        raise BadInput("None ends a drill for all its nodes: name no nodes with it", field="nodes")
    session, drill = call.engine.learning.drill(run, attack, chosen, rounds)
    return {"id": session.id, "title": session.name, "drill": drill.to_json() if drill else None}


async def _compare(call: "Call", *, runs: str) -> dict[str, Any]:
    keys = [key.strip() for key in runs.split(",") if key.strip()]
    return await call.engine.learning.compare(keys)


async def _simulate(call: "Call", **args: Any) -> dict[str, Any]:
    return await call.engine.learning.simulate(**_spelt(args), actor=call.actor, cause=call.cause)


def _spelt(args: dict[str, Any]) -> dict[str, Any]:
    """Return arguments by the engine's names: what is short on a command line is spelt out within."""
    long = {"lr": "learning_rate", "sample_rate": "sample_ratio"}
    told = {long.get(name, name): value for name, value in args.items()}
    if "dataset" in told:  # kept with the run, which may go on or be exported from another folder
        told["dataset"] = str(_DATASET.whole(told["dataset"]) or "")
    return told


async def _tune(call: "Call", *, nodes: str, lrs: str, epochs: str, batches: str, data: str, **args: Any) -> dict[str, Any]:
    asked = {"learning_rate": ("lrs", lrs, _LR), "epochs": ("epochs", epochs, _EPOCHS), "batch": ("batches", batches, _BATCH)}
    choices = {name: _numbers(*given) for name, given in asked.items()}
    told = {**_spelt(args), "actor": call.actor, "cause": call.cause}
    if not nodes:
        return await call.engine.learning.tune(choices, **told)
    for arg in (_TRIED, *_PARTITION):
        if told.pop(arg.name) != arg.default:
            raise BadInput("{setting} is for simulated clients: nodes have their data", setting=arg.name, field=arg.name)
    chosen = [(node.id, node.name) for node in call.engine.fleet.select(nodes)]
    return await call.engine.learning.tune_over(chosen, choices, data=data, **told)


def _numbers(field: str, text: str, each: Arg) -> list[Any]:
    """Return the numbers in a list, each as the argument of one takes it."""
    try:
        return [each.take(word) for word in text.split(",") if word.strip()]
    except BadInput as error:
        raise BadInput(
            "{field} must be numbers parted by commas, not {text}: {reason}", field=field, text=repr(text), reason=error
        ) from None


async def _forecast(call: "Call", *, clients: int, nodes: str, **args: Any) -> dict[str, Any]:
    people = clients or len(call.engine.fleet.select(nodes))
    return await call.engine.learning.forecast(people, live=not clients, **_spelt(args))


async def _runs(call: "Call") -> dict[str, Any]:
    return {"runs": call.engine.learning.runs()}


async def _show(call: "Call", *, run: str) -> dict[str, Any]:
    return await call.engine.learning.show(run)


async def _export(call: "Call", *, run: str, name: str, file: Path | None, round: int) -> dict[str, Any]:  # noqa: A002 - the flag
    from app.engine.flows.train import export

    engine = call.engine
    by = {"actor": call.actor, "cause": call.cause}
    return await export(engine.learning, engine.models, run, file=file, name=name, number=round, **by)


_RUN = Arg("run", str, "Id of the run, or latest.", "latest", positional=True)
_NAME = Arg("name", str, "Model that gets the outcome as a new version; empty keeps it out of the registry.", "digits")
_VERSIONS = Arg("versions", str, "Which models become versions: each round's, or the last.", "each", choices=("each", "last"))
_ROUNDS = "Rounds of training."
_SEED = Arg("seed", int, "Seed of the run; equal seeds and data give equal models.", 0, low=0, high=2**64 - 1)
_EPOCHS = Arg("epochs", int, "Passes over a client's own data per round.", 2, low=1, high=1000)
_LR = Arg("lr", float, "Step size of the clients' gradient descent.", 0.2, low=0, high=10)
_BATCH = Arg("batch", int, "Examples per step; 0 means all a node has.", 16, low=0, high=1024)
_ALGORITHMS = (
    "fedavg", "fedprox", "fednova", "scaffold", "fedadam", "fedyogi", "fedadagrad", "fedbuff", "ditto", "fedper", "fedrep",
    "client-momentum",
)  # fmt: skip
_RULES = ("median", "trimmed", "krum", "multi-krum", "bulyan", "geometric-median", "norm-clip")
_AGGREGATORS = ("mean", *_RULES, *(f"mixed-{rule}" for rule in _RULES))
_DEEP = (
    Arg("mu", float, "Pull towards the global model (fedprox, ditto).", 0.1, low=0, high=1e6),
    Arg("beta", float, "Share of the past in a client's momentum.", 0.9, low=0, high=0.999),
    Arg("server_rate", float, "Step size of the server; 0 is the algorithm's own.", 0.0, low=0, high=100, blank="automatic"),
    Arg("compress", str, "How updates are made smaller.", "none", choices=("none", "top-k", "quantise", "sketch")),
    Arg("keep_ratio", float, "Ratio of an update's numbers that top-k or a sketch sends.", 0.1, low=1e-6, high=1),
)
_BELIEVED = Arg(
    "weight_most",
    float,
    "A client counts for at most so many times the examples of the middle one; 0: for what it claims.",
    3.0,  # `strategy.WEIGHT_MOST`
    low=0,
    high=1e9,
)
_BOUND = Arg("norm_bound", float, "An update longer than this is refused; 0 takes any.", 0.0, low=0, high=1e9, blank="no limit")
_MODEL = Arg("model", str, "mlp, logistic, conv, or its layers, like mlp-64-32-10 or conv-8x8x1-8-10.", "mlp")
_ALGORITHM = Arg("algorithm", str, "What clients do and how the server combines it.", "fedavg", choices=_ALGORITHMS)
_SELECTION = Arg("selection", str, "Who is asked in a round.", "random", choices=("random", "poisson", "adaptive", "capable"))
_PARTITION = (
    Arg("partition", str, "How the data is shared out.", "dirichlet", choices=("dirichlet", "shards", "iid", "features")),
    Arg("alpha", float, "Evenness of the Dirichlet partition; small is skewed.", 0.5, low=0.01, high=1000),
)
_WORDS = ("digits",)
_DATASET = Arg("dataset", Path, "A folder of MNIST or CIFAR-10 files, or a CSV file; else the digits.", None, words=_WORDS)
_ENDS = (
    Arg("until_accuracy", float, "Ends when the test accuracy reaches this; 0 never.", 0.0, low=0, high=1, blank="never"),
    Arg(
        "plateau_rounds",
        int,
        "Ends when accuracy is no better for so many rounds; 0 never.",
        0,
        low=0,
        high=10_000,
        blank="never",
    ),
)
_SESSION = (
    "{run_id, rounds: [{round, accuracy, loss, cpu_s, bytes, time_s, drift}], final_accuracy, nodes, architecture, model, "
    "state, parts, updates, version}"
)

_TRIED = Arg("clients", int, "Simulated clients.", 100, low=1, high=10_000)
_KEEP = Arg("keep", int, "One setting in so many goes on after each stage.", 3, low=2, high=10)
_DATA = Arg("data", str, "Name of the data set that each node has of its own.", "digits")

ROWS: tuple[Command, ...] = (
    Command(
        "learning.train", "Train over the fleet",
        "Training over live nodes: each trains on its own data, which never leaves it, and only changes of "
        "the model travel. A node that is late or fails is left out of the round and named in it. Every round is kept "
        "before the next begins; the model at the end becomes a version in the registry.",
        _train,
        (
            Arg("rounds", int, _ROUNDS, 15, low=1, high=10_000),
            _SEED,
            Arg("nodes", str, "all, names parted by commas, a query, or view: and the name of a saved view.", "all"),
            Arg("epochs", int, "Passes over a node's own data per round.", 5, low=1, high=1000),
            _BATCH,
            Arg("lr", float, "Step size of the nodes' gradient descent.", 0.1, low=0, high=10),
            _ALGORITHM,
            _MODEL,
            Arg("deadline_s", float, "A node that takes longer is left out of the round.", 30.0, unit="s", low=0.1, high=86400),
            Arg("quorum_ratio", float, "A round needs answers of this ratio of the nodes.", 0.5, low=0, high=1),
            Arg("patience_s", float, "A round below its quorum waits so long, then pauses.", 60.0, unit="s", low=0, high=1e7),
            Arg("sample_rate", float, "Ratio of the nodes that take part in a round.", 1.0, low=0.001, high=1),
            _SELECTION,
            *_DEEP,
            Arg("aggregator", str, "How updates become one.", "mean", choices=_AGGREGATORS),
            Arg("attackers", int, "Hostile nodes that the aggregator is to bear.", 0, low=0, high=1000),
            _BOUND,
            _BELIEVED,
            *_ENDS,
            _DATA,
            Arg("dataset", Path, "What the model is tested on here: as in simulate; else the digits.", None, words=_WORDS),
            Arg("title", str, "What the session is called.", ""),
            _NAME,
            _VERSIONS,
        ),
        returns=_SESSION,
        leaves=True,
    ),
    Command(
        "learning.simulate", "Simulate a federation",
        "Trains the digits over simulated clients, all of them as one tensor program in a worker. When the data does not "
        "go round, clients draw theirs with replacement and the result says drawn.",
        _simulate,
        (
            Arg("clients", int, "Simulated clients.", 100, low=1, high=100_000),
            Arg("rounds", int, _ROUNDS, 20, low=1, high=10_000),
            _SEED,
            _ALGORITHM,
            _MODEL,
            *_PARTITION,
            _DATASET,
            Arg("sample_rate", float, "Ratio of the clients that take part in a round.", 1.0, low=0.00001, high=1),
            _SELECTION,
            _EPOCHS,
            _BATCH,
            _LR,
            *_DEEP,
            Arg("deadline_s", float, "Simulated seconds after which a round ends; 0 waits for all.", 0.0, unit="s", low=0),
            Arg("drop_stragglers", bool, "What a client had done by the deadline is thrown away.", False),
            Arg("aggregator", str, "How updates become one.", "mean", choices=_AGGREGATORS),
            Arg(
                "attack", str, "What hostile clients do.", "none",
                choices=("none", "sign-flip", "gaussian", "label-flip", "alie", "ipm", "backdoor"),
            ),
            Arg("attackers", int, "Hostile clients to simulate and to bear.", 0, low=0, high=1000),
            _BOUND,
            _BELIEVED,
            Arg("dropout_rate", float, "Chance of a client to be lost in a round.", 0.0, low=0, high=0.99),
            Arg("drill_round", int, "Round in which attack and dropouts begin.", 1, low=1, high=10_000),
            *_ENDS,
        ),
        returns="{run_id, rounds: [{round, accuracy, loss, cpu_s, bytes, time_s, drift}], final_accuracy, clients, spread, "
        "served, updates, rejected: [{client, rounds}], idle_rounds, backdoor_ratio, architecture, model}",
    ),
    Command(
        "learning.tune", "Tune a federation",
        "Looks for step size, passes and batch by successive halving: all settings try a few rounds, the better third tries "
        "more. Over simulated clients a fifth of the training data judges, over live nodes half of the test data here; what "
        "the best comes to is told of data that did not judge.",
        _tune,
        (
            Arg("nodes", str, "Live nodes to try on, as in train; empty simulates clients.", ""),
            _TRIED,
            Arg("rounds", int, "Rounds that the last ones left are given.", 27, low=1, high=10_000),
            _SEED,
            _ALGORITHM,
            _MODEL,
            *_PARTITION,
            _DATASET,
            Arg("sample_rate", float, "Ratio of the clients that take part in a round.", 1.0, low=0.00001, high=1),
            Arg("lrs", str, "Step sizes to try, parted by commas.", "0.02,0.05,0.1,0.2,0.5,1"),
            Arg("epochs", str, "Passes over a client's data to try, parted by commas.", "1,2,5"),
            Arg("batches", str, "Examples per step to try, parted by commas.", "16"),
            _KEEP,
            _DATA,
        ),
        returns="{run_id, best, trials: [{learning_rate, epochs, batch, rounds, accuracy, loss}], stages, rounds_held, "
        "rounds_whole, final_accuracy}; over nodes bytes and nodes, too",
        leaves=True,
    ),
    Command(
        "learning.forecast", "Forecast training",
        "Tells what a run will take before it begins: bytes by count, and how good the count is (exact, most, mean, or answer: "
        "when all nodes answer at once); time from earlier runs or else from an assumption.",
        _forecast,
        (
            Arg("clients", int, "Simulated clients; 0 means live nodes.", 0, low=0, high=100_000),
            Arg("nodes", str, "all, names parted by commas, a query, or view: and the name of a saved view.", "all"),
            Arg("rounds", int, _ROUNDS, 15, low=1, high=10_000),
            _EPOCHS,
            Arg("sample_rate", float, "Ratio of the clients that take part in a round.", 1.0, low=0.00001, high=1),
            _ALGORITHM,
            _MODEL,
            _DATASET,
            *_DEEP[-2:],
            _SELECTION,
            Arg("deadline_s", float, "Seconds after which a round ends; 0 waits for all.", 0.0, unit="s", low=0),
            Arg("quorum_ratio", float, "A round needs answers of this ratio of the nodes.", 0.5, low=0, high=1),
            Arg("dropout_rate", float, "Chance of a client to be lost in a round.", 0.0, low=0, high=0.99),
            *_ENDS,
            Arg("settings", int, "Settings that a tuning tries; 1 is a run like any.", 1, low=1, high=200),
            _KEEP,
        ),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{clients, asked, round_bytes, bytes, bytes_are, round_s, time_s, seen}",
    ),
    Command(
        "learning.pause", "Pause training", "Has a session pause after the round under way, or at once where it waits.", _pause,
        (_RUN,), returns="{id, title, asked}",
    ),
    Command(
        "learning.resume", "Resume training",
        "Goes on with a session after its last finished round: one that was paused, stopped, or broke off. A tuning over nodes "
        "that broke off goes on, too.",
        _resume,
        (
            _RUN,
            Arg("take_over", bool, "Go on here with one that a console had under way which is gone for good.", False),
        ),
        leaves=True,
        returns=_SESSION,
    ),
    Command(
        "learning.stop", "Stop training", "Ends a session after the round under way; its rounds are kept.", _stop,
        (
            _RUN,
            Arg("take_over", bool, "End one that a console had under way which is gone for good.", False),
        ),
        returns="{id, title, asked}",
    ),
    Command(
        "learning.drill", "Drill a session",
        "Has chosen nodes of a session under way seem to attack for some rounds, or be lost. Their updates are changed here, "
        "after they were received and checked: nodes know nothing of it. The rounds are marked, and the session's models from "
        "there on are neither promoted nor brought to nodes. It ends by itself, when the session pauses, or at once with none.",
        _drill,
        (
            _RUN,
            Arg("attack", str, "What the chosen nodes do; none ends a drill.", "sign-flip",
                choices=("sign-flip", "gaussian", "alie", "ipm", "dropout", "none")),
            Arg("nodes", str, "Which nodes of the session, as in train; empty is a fifth of them.", ""),
            Arg("rounds", int, "For how many rounds.", 3, low=1, high=1000),
        ),
        returns="{id, title, drill: {attack, nodes, rounds}}",
    ),
    Command(
        "learning.compare", "Compare training runs",
        "Shows runs side by side: the settings in which they differ, rounds to an accuracy, bytes, time.", _compare,
        (Arg("runs", str, "Ids of runs, parted by commas.", positional=True),), role=Role.OBSERVER, danger=Danger.READ,
        returns="{runs: [{id, title, rounds, final_accuracy, best_accuracy, rounds_to, bytes, cpu_s, time_s, accuracy}], "
        "differs}",
    ),
    Command(
        "learning.list", "List training runs", "Lists training runs and simulations, newest first.", _runs,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{runs: [{id, title, source, state, created_us, job_id, rounds, final_accuracy}]}", aliases=("learning.runs",),
    ),
    Command(
        "learning.show", "Show a training run", "Shows a run with its rounds and each node's part in them.", _show,
        (_RUN,),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{id, title, source, state, created_us, job_id, status, reason, spec, rounds, final_accuracy}",
    ),
    Command(
        "learning.export", "Export a trained model",
        "Writes the newest model of a run as ONNX and registers it as the next version of a model.",
        _export,
        (
            Arg("run", str, "Id of the run, or latest.", "latest"),
            Arg("name", str, "Model that gets a new version.", "digits"),
            Arg("round", int, "Round whose model is meant; 0 is the newest.", 0, low=0, high=10_000),
            Arg("file", Path, "File that receives a copy.", None),
        ),
        returns="{id, name, version, artifact, size_bytes, metrics, lineage, inputs, state, created_us, file}",
    ),
)  # fmt: skip
